"""What every renderer can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Renderer(ABC):
    """An immutable mapping from values to at most 255 colours and "missing".

    Pictures are made of `indices` into `palette`: index 0 is a missing value, 1..255 are colours.
    """

    __slots__ = ()

    type: ClassVar[str]
    """The name of the kind in JSON."""

    @abstractmethod
    def palette(self) -> NDArray[np.uint8]:
        """Return the colours, (256, 4), red, green, blue, alpha, read-only; row 0 is for missing values."""

    @abstractmethod
    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return each value's row of the palette, in the shape of `values`; NaN and masked values give 0."""

    @abstractmethod
    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend as a JSON document.

        Parameters
        ----------
        unit : str, optional
            The unit of the values, passed on.

        Returns
        -------
        dict
            ``type``, ``unit``, and ``entries``, each ``{"value", "label", "color"}``, in rising order.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, which `renderer_from_json` reads back to an equal renderer."""
