"""A NetCDF file opened for reading windows of its rasters and of their overviews, from any thread.

Overviews lie in the file itself, or in a side file that was made for it. What is in both is `looking`'s to find out.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import netCDF4
import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound, NothingPlaced, RasterError
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.looking import look_into, without_folder
from geojobs_lab.rasters.overviews import MEAN, StoredLayer
from geojobs_lab.rasters.packing import Packing, packed, packing_of, unpack
from geojobs_lab.rasters.variables import VariableInfo

_ALL = slice(None)


class RasterFile:
    """A NetCDF file whose handle stays open; a context manager.

    Opening reads attributes and coordinates, no data.

    Attributes
    ----------
    path : Path
    title : str or None
        The file's own ``title``.
    attributes : dict
        The global ones.
    variables : dict
        Name -> `VariableInfo`.
    skipped : dict
        Variable -> why it cannot be placed.

    Parameters
    ----------
    path : path
    overviews : path, optional
        The side file that holds the overviews, as `sidefiles` makes it; one that cannot be used is as good as none.

    Raises
    ------
    RasterError
        It is no NetCDF file, or (`NothingPlaced`) nothing in it can be placed. The message has the file's name, not its
        folder.
    """

    def __init__(self, path: str | os.PathLike[str], overviews: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path).absolute()
        self._closed = False
        self._datasets: dict[Path, netCDF4.Dataset] = {}  # opened when something is read of them
        try:
            look = look_into(self.path, None if overviews is None else Path(overviews).absolute(), self._datasets)
        except BaseException:
            self.close()
            raise
        self.attributes: dict[str, Any] = dict(look.attributes)
        self.variables, self.skipped = dict(look.variables), dict(look.skipped)
        self._overviews, self._versions = look.overviews, look.versions
        title = self.attributes.get("title")
        self.title = title.strip() or None if isinstance(title, str) else None
        if not self.variables:
            groups = ", ".join(map(repr, look.groups))
            self.close()
            reasons = "; ".join(
                [f"{name!r}: {reason}" for name, reason in self.skipped.items()]
                + ([f"its groups {groups} are not looked into"] if groups else [])
            )
            raise NothingPlaced(
                f"{self.path.name!r} holds no variable that can be placed on the Earth ({reasons or 'it has no data'})",
                variables=self.skipped,
            )

    def variable(self, name: str | None) -> VariableInfo:
        """Return what is known of a variable; None means the only one.

        Raises
        ------
        InvalidReference
            `name` is None and there are several.
        NotFound
            There is no such raster; the message says which there are, or why this one is none.
        """
        choices = ", ".join(repr(known) for known in self.variables)
        if name is None:
            if len(self.variables) == 1:
                return next(iter(self.variables.values()))
            raise InvalidReference(f"a variable has to be named, one of {choices}")
        if name in self.variables:
            return self.variables[name]
        if name in self.skipped:
            raise NotFound("variable", name, f"the variable {name!r} cannot be used: {self.skipped[name]}")
        raise NotFound("variable", name, f"there is no variable {name!r}; there are {choices}")

    def levels(self, variable: str, method: str = MEAN) -> tuple[int, ...]:
        """Return the factors at which a variable can be read: 1, its own cells, and those of its overviews.

        Parameters
        ----------
        variable : str
        method : str
            ``"mean"``, or ``"mode"``, the most frequent value.

        Returns
        -------
        tuple of int
            Ascending.
        """
        info = self.variable(variable)
        return (1, *sorted(self._overviews.get((info.name, method), ())))

    def stored(self, variable: str, factor: int = 1, method: str = MEAN) -> StoredLayer:
        """Tell where the numbers of a variable lie at a level.

        Raises
        ------
        InvalidInput
            There is no such level.
        """
        info = self.variable(variable)
        if factor == 1:
            return StoredLayer(self.path, f"/{info.name}", info.dims, info.shape, info.attributes)
        found = self._overviews.get((info.name, method), {}).get(factor)
        if found is None:
            levels = self.levels(variable, method)
            raise InvalidInput(
                f"factor: {variable!r} has no {method} overview of {factor}, but {levels}", field="factor", value=factor
            )
        return found

    def read(
        self,
        variable: str,
        selection: Mapping[str, int],
        rows: slice = _ALL,
        cols: slice = _ALL,
        *,
        factor: int = 1,
        method: str = MEAN,
    ) -> npt.NDArray[Any]:
        """Read a window of one layer, and nothing else.

        Parameters
        ----------
        variable : str
        selection : Mapping
            Dimension -> position, as `VariableInfo.select` makes it; what is left out is at 0.
        rows, cols : slice
            Of the level as stored: of the grid's own cells, or of those of an overview.
        factor : int
            One of `levels`.
        method : str
            That the overview was made by, as for `levels`.

        Returns
        -------
        ndarray, (rows, columns)
            y then x whatever the file's order; unpacked, NaN where missing. Integers that cannot be missing stay
            integers.

        Raises
        ------
        InvalidInput
            A position lies outside its dimension, or there is no such level.
        RasterError
            The file is closed, or the data cannot be read.
        """
        info = self.variable(variable)
        values = self._window(
            info, selection, {info.y_dim: rows, info.x_dim: cols}, self.stored(variable, factor, method)
        )
        return values.T if info.dims.index(info.x_dim) < info.dims.index(info.y_dim) else values

    def packing(self, variable: str) -> Packing | None:
        """Return how a variable's values are packed into whole numbers, None where they are not."""
        info = self.variable(variable)
        with HDF5_LOCK:
            stored = self._holder(self.stored(variable))[info.name].dtype
        return packing_of(stored, info.attributes) if isinstance(stored, np.dtype) else None

    def read_packed(
        self, variable: str, selection: Mapping[str, int], rows: slice, cols: slice, packing: Packing
    ) -> npt.NDArray[Any]:
        """Read a window as `read` does, as whole numbers that are packed as `packing` says."""
        info = self.variable(variable)
        values = self._window(
            info,
            selection,
            {info.y_dim: rows, info.x_dim: cols},
            self.stored(variable),
            lambda stored, attributes: packed(stored, attributes, packing),
        )
        return values.T if info.dims.index(info.x_dim) < info.dims.index(info.y_dim) else values

    def read_series(
        self, variable: str, selection: Mapping[str, int], row: int, col: int, steps: slice = _ALL
    ) -> npt.NDArray[Any]:
        """Read one cell through time, and nothing else.

        Parameters
        ----------
        variable, selection
            As for `read`; the position in time does not matter.
        row, col : int
            Of the grid as stored.
        steps : slice
            Positions in time.

        Returns
        -------
        ndarray, (steps,)
            As `read` gives values; one, where the variable has no time.

        Raises
        ------
        InvalidInput, RasterError
            As `read`.
        """
        info = self.variable(variable)
        through = {} if info.time is None else {info.time.name: steps}
        cell = {info.y_dim: slice(row, row + 1), info.x_dim: slice(col, col + 1)}
        return self._window(info, selection, through | cell, self.stored(variable)).ravel()

    def _window(
        self,
        info: VariableInfo,
        selection: Mapping[str, int],
        window: Mapping[str, slice],
        layer: StoredLayer,
        meaning: Callable[[npt.NDArray[Any], Mapping[str, Any]], npt.NDArray[Any]] = unpack,
    ) -> npt.NDArray[Any]:
        """Read and unpack, the dimensions in the order stored; those that are not in the window are left out."""
        key = tuple(
            window[dim] if dim in window else _checked(dim, selection.get(dim, 0), count)
            for dim, count in zip(layer.dims, layer.shape, strict=True)
        )
        try:
            with HDF5_LOCK:
                stored = np.asarray(self._holder(layer)[layer.dataset][key])
        except (OSError, RuntimeError, IndexError) as error:
            raise RasterError(
                f"{info.name!r} of {self.path.name!r} cannot be read: {without_folder(error, layer.path)}"
            ) from error
        return meaning(stored, layer.attributes)

    def _holder(self, layer: StoredLayer) -> netCDF4.Dataset:
        """Return the open data set that holds a layer; for who has the lock."""
        if self._closed:
            raise RasterError(f"{self.path.name!r} is closed")
        if layer.path not in self._datasets:
            self._datasets[layer.path] = self._versions[layer.path].open()
        return self._datasets[layer.path]

    def chunks(self, variable: str, factor: int = 1, method: str = MEAN) -> tuple[int, int] | None:
        """Return how many rows and columns a piece of the file holds that can only be read whole; None for lines.

        Raises
        ------
        InvalidInput, RasterError
            As `read`.
        """
        layer = self.stored(variable, factor, method)
        with HDF5_LOCK:
            sizes = self._holder(layer)[layer.dataset].chunking()
        if not isinstance(sizes, list):  # contiguous, or not HDF5
            return None
        info = self.variable(variable)
        return sizes[layer.dims.index(info.y_dim)], sizes[layer.dims.index(info.x_dim)]

    def describe(self) -> dict[str, Any]:
        """Return what the file holds as a strict JSON document."""
        from geojobs_lab.rasters.describing import describe  # it takes RasterFile in its signature

        return describe(self)

    def close(self) -> None:
        """Close the handle; twice is fine."""
        with HDF5_LOCK:
            if not self._closed:
                self._closed = True
                for dataset in self._datasets.values():
                    dataset.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # netCDF4's own finaliser would close the file without the lock.
        if not getattr(self, "_closed", True):
            self.close()

    def __repr__(self) -> str:
        return f"<RasterFile {self.path.name!r}: {', '.join(self.variables)}>"


def _checked(dim: str, position: int, count: int) -> int:
    if not 0 <= position < count:
        raise InvalidInput(f"{dim}: {position} is not a position 0..{count - 1}", field=dim, value=position)
    return int(position)
