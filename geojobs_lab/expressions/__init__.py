"""The safe expression language: text -> tree -> a plan of what is read together -> values, block by block.

Owns the language; docs/expressions.md describes it. It knows numpy arrays and anything that is a `BlockSource`;
rasters, with their grids and units, are the work of `geojobs_lab.rasters.calculating`.
"""

from typing import TYPE_CHECKING, Any

from geojobs_lab.expressions.expression import Expression

if TYPE_CHECKING:
    from geojobs_lab.expressions.sources import BlockSource

__all__ = ["BlockSource", "Expression"]


def __getattr__(name: str) -> Any:
    if name == "BlockSource":  # numpy comes with it
        from geojobs_lab.expressions.sources import BlockSource

        return BlockSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
