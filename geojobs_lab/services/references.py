"""Turning ``service://`` references into rasters, for a run.

Works on a table of names and paths, which whoever starts the run takes from the catalogue. xarray is loaded when
the first reference is followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound, RasterError

if TYPE_CHECKING:
    import xarray as xr

_SHOWN = 10  # service names that a refusal lists


class FileResolver:
    """Follows references to NetCDF files.

    Parameters
    ----------
    paths : Mapping
        Service name -> path of its file.
    best_fit : bool
        False accepts exact times only.
    """

    def __init__(self, paths: Mapping[str, str], best_fit: bool = True) -> None:
        self._paths = dict(paths)
        self._best_fit = best_fit

    def raster(self, reference: ServiceReference) -> xr.DataArray:
        """Open what a reference points at, lazily.

        Raises
        ------
        InvalidReference
            There is no such service, variable or time; the message has the reference and says what there is.
        RasterError
            The service's file cannot be read.
        """
        from geojobs_lab.rasters import open_raster  # xarray takes a second to load

        path = self._path(reference)
        with _naming(reference):
            return open_raster(path, reference.variable, reference.time, best_fit=self._best_fit)

    def dataset(self, reference: ServiceReference) -> xr.Dataset:
        """Open all rasters of the service that a reference names, lazily.

        Raises
        ------
        InvalidReference
            There is no such service, or the reference names a variable or a time.
        RasterError
            The service's file cannot be read.
        """
        from geojobs_lab.rasters import open_raster_dataset

        check_whole(reference)
        path = self._path(reference)
        with _naming(reference):
            return open_raster_dataset(path)

    def _path(self, reference: ServiceReference) -> str:
        path = self._paths.get(reference.service)
        if path is None:
            raise InvalidReference(
                f"{reference}: there is no service {reference.service!r}; there are {self._known()}",
                value=str(reference),
            )
        return path

    def _known(self) -> str:
        names = sorted(self._paths)
        shown = ", ".join(repr(name) for name in names[:_SHOWN]) or "none"
        return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def check_whole(reference: ServiceReference) -> None:
    """Refuse a reference to a whole data set that names a part of it.

    Raises
    ------
    InvalidReference
        It has a variable or a time.
    """
    if reference.variable is not None or reference.time is not None:
        raise InvalidReference(
            f"{reference}: a data set is a whole service, without variable and time: service://{reference.service}",
            value=str(reference),
        )


@contextmanager
def _naming(reference: ServiceReference) -> Iterator[None]:
    """Have refusals say which reference led to them."""
    try:
        yield
    except (InvalidInput, NotFound) as error:
        raise InvalidReference(f"{reference}: {error}", value=str(reference)) from error
    except RasterError as error:
        raise RasterError(f"{reference}: {error}") from error
