"""The file of a published raster."""

import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import RasterError
from geojobs_lab.services.publishing import publish_raster

PROVENANCE = {
    "geojobs_job": "warming",
    "geojobs_uuid": "aa346c90-68e5-4d19-a7f3-a54f6b87ec34",
    "geojobs_inputs": '{"data": "service://a1b:air_temperature"}',
    "geojobs_version": "0.1",
    "geojobs_created": "2016-09-02T23:36:10.768937Z",
}


def raster() -> xr.DataArray:
    return xr.DataArray(
        np.array([[1.5, np.nan], [3, 4]], "f4"),
        coords={"lat": [50.0, 51.0], "lon": [10.0, 11.0]},
        dims=("lat", "lon"),
        name="warming",
        attrs={"units": "K", "long_name": "Warming", "standard_name": "air_temperature", "cell_methods": "time: mean"},
    )


def test_the_file_says_what_it_is_and_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "out.nc"
    publish_raster(raster(), path, title="Warming of 2090", provenance=PROVENANCE)
    with xr.open_dataset(path, decode_coords="all") as dataset:
        assert np.array_equal(dataset["data"].values, raster().values, equal_nan=True)
        assert dataset["data"].attrs == raster().attrs | {"source_name": "warming"}
        attributes = dict(dataset.attrs)
    assert attributes.pop("history") == (
        "2016-09-02T23:36:10.768937Z geojobs_lab 0.1: job warming (aa346c90-68e5-4d19-a7f3-a54f6b87ec34)"
    )
    assert attributes == PROVENANCE | {"Conventions": "CF-1.8", "title": "Warming of 2090"}
    assert [item.name for item in tmp_path.iterdir()] == ["out.nc"]


def test_the_description_is_that_of_the_file(tmp_path: Path) -> None:
    document = publish_raster(raster(), tmp_path / "out.nc", title="Warming", provenance={"job": "warming"})
    assert dump_json(document)
    assert document["title"] == "Warming"
    assert document["crs"]["epsg"] == 4326
    assert document["lonlat_bounds"] == [9.5, 49.5, 11.5, 51.5]
    assert [(found["name"], found["units"]) for found in document["variables"]] == [("data", "K")]
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file.geojobs_job == "warming"


def test_a_raster_without_a_place_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match="no latitude"):
        publish_raster(xr.DataArray(np.zeros((2, 2))), tmp_path / "out.nc", title="t", provenance={})
    assert list(tmp_path.iterdir()) == []


def test_the_module_loads_without_xarray() -> None:
    code = (
        "import sys, geojobs_lab.services.publishing, geojobs_lab.services.references; "
        "sys.exit(', '.join({'numpy', 'xarray', 'netCDF4'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
