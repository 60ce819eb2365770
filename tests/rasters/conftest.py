"""Small NetCDF files of every kind, made in a temporary folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

MakeFile = Callable[..., Path]
LATITUDE = {"standard_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "units": "degrees_east"}


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Return a function that writes variables given as name -> (dims, values, attributes)."""

    def make(
        variables: Mapping[str, tuple[Sequence[str], Any, Mapping[str, Any]]],
        *,
        name: str = "made.nc",
        format: str = "NETCDF4",
        attributes: Mapping[str, Any] | None = None,
    ) -> Path:
        path = tmp_path / name
        with netCDF4.Dataset(path, "w", format=format) as file:
            file.setncatts(dict(attributes or {}))
            for variable, (dims, values, attrs) in variables.items():
                values = np.asarray(values)
                for dim, size in zip(dims, values.shape, strict=True):
                    if dim not in file.dimensions:
                        file.createDimension(dim, size)
                attrs = dict(attrs)
                datatype = str if values.dtype.kind == "U" else values.dtype
                made = file.createVariable(variable, datatype, dims, fill_value=attrs.pop("_FillValue", None))
                made.set_auto_maskandscale(False)
                made.setncatts(attrs)
                made[...] = values.astype(object) if values.dtype.kind == "U" else values
        return path

    return make


@pytest.fixture
def make_lonlat(make_file: MakeFile) -> MakeFile:
    """Return a function that writes one variable ``v`` on latitudes and longitudes."""

    def make(
        values: Any,
        lat: Any,
        lon: Any,
        *,
        dims: Sequence[str] = ("lat", "lon"),
        attributes: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> Path:
        return make_file(
            {
                "lat": (("lat",), lat, LATITUDE),
                "lon": (("lon",), lon, LONGITUDE),
                **(more or {}),
                "v": (dims, values, attributes or {}),
            },
            **keywords,
        )

    return make


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of iris' sample files."""
    import iris_sample_data

    return Path(iris_sample_data.__path__[0]) / "sample_data"
