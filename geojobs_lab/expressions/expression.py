"""An expression that has been checked: its text, its names, and the way to its value.

Nothing here imports numpy, so that a server can check an expression before a job exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geojobs_lab.expressions.functions import CONSTANTS
from geojobs_lab.expressions.parser import parse
from geojobs_lab.expressions.tree import Name, Node, Operation, walk


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula on arrays, such as ``(x - min(x)) / (max(x) - min(x))``; docs/expressions.md is the language.

    Parameters
    ----------
    text : str

    Raises
    ------
    ExpressionNotValid
        The text is no expression, or exceeds a limit; the message has the position, what stood there, and why.
    """

    text: str
    tree: Node = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", parse(self.text))

    def masking(self, name: str) -> Expression:
        """Return the expression ``mask(name, …)`` with this one as its condition; messages quote this one."""
        masking = Expression(self.text)
        whole = (0, len(self.text))
        object.__setattr__(masking, "tree", Operation(whole, "mask", (Name(whole, name), self.tree)))
        return masking

    @property
    def names(self) -> tuple[str, ...]:
        """The variables in order of first appearance; functions, constants and keywords are none."""
        found = (node.name for node, _ in walk(self.tree) if isinstance(node, Name))
        return tuple(dict.fromkeys(name for name in found if name not in CONSTANTS))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Return the value of the expression.

        Parameters
        ----------
        values : Mapping
            Name -> number, text, truth value, numpy array (masked or not) of numbers, nested lists of numbers (None is
            a missing one), `BlockSource`; or a list or dictionary of these, to be indexed.

        Returns
        -------
        bool, int, float, str, ndarray or MaskedArray
            A number of nothing but missing cells is NaN. An array is a MaskedArray where one was among the operands
            or `mask` was used, and where integers or truth values have missing cells; else missing is NaN.

        Raises
        ------
        ExpressionFailed
            A name has no value, an index no item, shapes do not fit, the result would be too large; the message quotes
            the part of the expression.
        """
        from geojobs_lab.expressions.evaluation import Evaluation  # which needs numpy

        return Evaluation(self, values).run().value
