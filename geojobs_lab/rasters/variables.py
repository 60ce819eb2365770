"""What a file tells of one variable that is a raster, and which part of it a request means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.timeaxis import TimeAxis

_INDEX = ".index"  # ``level.index=2`` is a position, ``level=850`` a value


@dataclass(frozen=True, slots=True)
class VariableInfo:
    """A variable that lies on a grid.

    Attributes
    ----------
    name, units, long_name, standard_name : str or None
    dtype : str
        Of the values as they are read, unpacked.
    dims, shape : tuple
        As stored.
    grid : AnyGrid
    time : TimeAxis or None
        Its `name` is the dimension.
    others : dict
        The dimensions that are neither rows, columns nor time -> their coordinate values, (n,); positions
        where the file has none.
    other_units : dict
        The units of `others`, or None.
    y_dim, x_dim : str
    cells : tuple of str
        The two-dimensional longitude and latitude that place it, where these do.
    attributes : Mapping
        The variable's own.
    """

    name: str
    units: str | None
    long_name: str | None
    standard_name: str | None
    dtype: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    grid: AnyGrid
    time: TimeAxis | None
    others: dict[str, npt.NDArray[Any]]
    other_units: dict[str, str | None]
    y_dim: str
    x_dim: str
    attributes: Mapping[str, Any]
    cells: tuple[str, ...] = ()

    def select(self, /, time: float | str | None = None, best_fit: bool = True, **dims: str) -> dict[str, int]:
        """Turn what a request says into the position in every dimension but rows and columns.

        Parameters
        ----------
        time : float, str or None
            As `TimeAxis.index` takes it.
        best_fit : bool
            False accepts the exact time only.
        **dims : str
            ``level="850"`` the nearest coordinate value, the earlier position of two equally near; ``level.index="2"``
            the position. What is left out is at its first position.

        Raises
        ------
        InvalidInput
            The field is the key to blame: ``"time"``, or the dimension as given.
        """
        chosen = dict.fromkeys(self.others, 0)
        if self.time is not None:
            chosen[self.time.name] = self.time.index(time, best_fit=best_fit)
        elif time is not None:
            raise InvalidInput(f"time: {time!r} is given, but {self.name!r} has no time axis", field="time", value=time)
        for key, value in dims.items():
            dim = self._dimension(key)
            chosen[dim] = self._at(key, dim, value) if key.endswith(_INDEX) else self._nearest(key, value)
        return chosen

    def _dimension(self, key: str) -> str:
        dim = key.removesuffix(_INDEX)
        if dim in self.others:
            return dim
        if self.time is not None and key.endswith(_INDEX) and dim in ("time", self.time.name):
            return self.time.name
        known = ", ".join(repr(name) for name in self.others) or "none"
        raise InvalidInput(
            f"{key}: {self.name!r} has no such dimension (besides time, y and x it has: {known})", field=key, value=key
        )

    def _at(self, key: str, dim: str, value: str) -> int:
        count = self.shape[self.dims.index(dim)]
        text = str(value)
        if not (text.isascii() and text.isdigit() and int(text[:10]) < count and len(text) <= 10):
            raise InvalidInput(
                f"{key}: {text[:60]!r} is not a position 0..{count - 1} of {dim!r}", field=key, value=value
            )
        return int(text)

    def _nearest(self, dim: str, value: str) -> int:
        values = self.others[dim]
        if values.dtype.kind not in "iuf":
            same = np.flatnonzero(values.astype(str) == str(value))
            if same.size:
                return int(same[0])
            raise InvalidInput(f"{dim}: {str(value)[:60]!r} is none of its values", field=dim, value=value)
        try:
            wanted = float(value)
        except ValueError:
            wanted = np.nan
        if not np.isfinite(wanted):
            raise InvalidInput(f"{dim}: {str(value)[:60]!r} is not a number", field=dim, value=value)
        return int(np.nanargmin(np.abs(values.astype(np.float64) - wanted)))
