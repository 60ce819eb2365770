"""Turning ``service://`` references into rasters, for a run.

Works on a table of names and paths, which whoever starts the run takes from the catalogue. xarray is loaded when
the first reference is followed.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        path = self._paths.get(reference.service)
        if path is None:
            raise InvalidReference(
                f"{reference}: there is no service {reference.service!r}; there are {self._known()}",
                value=str(reference),
            )
        from geojobs_lab.rasters import open_raster  # xarray takes a second to load

        try:
            return open_raster(path, reference.variable, reference.time, best_fit=self._best_fit)
        except (InvalidInput, NotFound) as error:
            raise InvalidReference(f"{reference}: {error}", value=str(reference)) from error
        except RasterError as error:
            raise RasterError(f"{reference}: {error}") from error

    def _known(self) -> str:
        names = sorted(self._paths)
        shown = ", ".join(repr(name) for name in names[:_SHOWN]) or "none"
        return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
