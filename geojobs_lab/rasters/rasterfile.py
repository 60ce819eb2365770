"""A NetCDF file opened for reading windows of its rasters, from any thread."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import netCDF4
import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound, RasterError
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.packing import unpack
from geojobs_lab.rasters.scan import Scan
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

    Raises
    ------
    RasterError
        It is no NetCDF file, or nothing in it can be placed. The message has the file's name, not its folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._closed = True
        with HDF5_LOCK:
            self._dataset = _open(self.path)
            self._closed = False
            try:
                self._dataset.set_auto_mask(False)
                self._dataset.set_auto_scale(False)
                self.attributes: dict[str, Any] = {
                    name: self._dataset.getncattr(name) for name in self._dataset.ncattrs()
                }
                scan = Scan(self._dataset)
            except BaseException:
                self.close()
                raise
        self.variables, self.skipped = scan.variables, scan.skipped
        title = self.attributes.get("title")
        self.title = title if isinstance(title, str) and title.strip() else None
        if not self.variables:
            self.close()
            reasons = "; ".join(f"{name!r}: {reason}" for name, reason in self.skipped.items())
            raise RasterError(
                f"{self.path.name!r} holds no variable that can be placed on the Earth ({reasons or 'it has no data'})"
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

    def read(
        self, variable: str, selection: Mapping[str, int], rows: slice = _ALL, cols: slice = _ALL
    ) -> npt.NDArray[Any]:
        """Read a window of one layer, and nothing else.

        Parameters
        ----------
        variable : str
        selection : Mapping
            Dimension -> position, as `VariableInfo.select` makes it; what is left out is at 0.
        rows, cols : slice
            Of the grid as stored.

        Returns
        -------
        ndarray, (rows, columns)
            y then x whatever the file's order; unpacked, NaN where missing. Integers that cannot be missing stay
            integers.

        Raises
        ------
        InvalidInput
            A position lies outside its dimension.
        RasterError
            The file is closed, or the data cannot be read.
        """
        info = self.variable(variable)
        window = {info.y_dim: rows, info.x_dim: cols}
        key = tuple(
            window[dim] if dim in window else _checked(dim, selection.get(dim, 0), count)
            for dim, count in zip(info.dims, info.shape, strict=True)
        )
        try:
            with HDF5_LOCK:
                if self._closed:
                    raise RasterError(f"{self.path.name!r} is closed")
                stored = np.asarray(self._dataset.variables[info.name][key])
        except (OSError, RuntimeError, IndexError) as error:
            raise RasterError(
                f"{info.name!r} of {self.path.name!r} cannot be read: {_without(error, self.path)}"
            ) from error
        values = unpack(stored, info.attributes)
        return values.T if info.dims.index(info.x_dim) < info.dims.index(info.y_dim) else values

    def describe(self) -> dict[str, Any]:
        """Return what the file holds as a strict JSON document."""
        from geojobs_lab.rasters.describing import describe  # it takes RasterFile in its signature

        return describe(self)

    def close(self) -> None:
        """Close the handle; twice is fine."""
        with HDF5_LOCK:
            if not self._closed:
                self._closed = True
                self._dataset.close()

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


def _open(path: Path) -> netCDF4.Dataset:
    # Asked first: netCDF4 would take a name for the address of a remote server.
    if not path.is_file():
        raise RasterError(f"there is no file {path.name!r}")
    try:
        return netCDF4.Dataset(path, mode="r")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise RasterError(f"{path.name!r} cannot be read as NetCDF: {_without(error, path)}") from error


def _without(error: Exception, path: Path) -> str:
    """Return an error's text without the server's folders."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.replace(str(path), path.name)


def _checked(dim: str, position: int, count: int) -> int:
    if not 0 <= position < count:
        raise InvalidInput(f"{dim}: {position} is not a position 0..{count - 1}", field=dim, value=position)
    return int(position)
