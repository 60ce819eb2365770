"""The file of a published raster."""

import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from pyproj import CRS

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import Grid, open_raster_dataset
from geojobs_lab.services.publishing import alone, publish_rasters, rasters_of

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
    publish_rasters(alone(raster()), path, title="Warming of 2090", provenance=PROVENANCE)
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
    written = publish_rasters(alone(raster()), tmp_path / "out.nc", title="Warming", provenance={"job": "warming"})
    assert written.limits == {"data": (1.5, 4)}
    document = written.info
    assert dump_json(document)
    assert document["title"] == "Warming"
    assert document["crs"]["epsg"] == 4326
    assert document["lonlat_bounds"] == [9.5, 49.5, 11.5, 51.5]
    assert [(found["name"], found["units"]) for found in document["variables"]] == [("data", "K")]
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file.geojobs_job == "warming"


def test_a_raster_without_a_place_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match="no latitude"):
        publish_rasters(alone(xr.DataArray(np.zeros((2, 2)))), tmp_path / "out.nc", title="t", provenance={})
    assert list(tmp_path.iterdir()) == []


def test_the_module_loads_without_xarray() -> None:
    code = (
        "import sys, geojobs_lab.services.publishing, geojobs_lab.services.references; "
        "sys.exit(', '.join({'numpy', 'xarray', 'netCDF4'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_rasters_of_a_data_set_are_found_with_their_crs_and_others_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mapping = {"grid_mapping_name": "lambert_azimuthal_equal_area", "crs_wkt": CRS.from_epsg(3035).to_wkt()}
    metres = {"units": "m"}
    dataset = xr.Dataset(
        {
            "high": (("y", "x"), np.ones((2, 2)), {"grid_mapping": "laea"}),
            "laea": ((), 0, mapping),  # as xr.open_dataset gives it
            "warm": raster(),
            "lat_bnds": (("lat", "bnds"), [[49.5, 50.5], [50.5, 51.5]]),
            "counts": ("n", [1, 2, 3]),
        },
        {
            "y": ("y", [0.0, 1000.0], metres | {"standard_name": "projection_y_coordinate"}),
            "x": ("x", [0.0, 1000.0], metres | {"standard_name": "projection_x_coordinate"}),
        },
    )
    dataset.lat.attrs["bounds"] = "lat_bnds"
    rasters = rasters_of(dataset)
    assert list(rasters) == ["high", "warm"]
    assert "the raster counts of shape (3,)" in caplog.text
    assert "lat_bnds" not in caplog.text
    publish_rasters(rasters, tmp_path / "two.nc", title="Two", provenance={"job": "j"}, attributes={"source": "here"})
    opened = open_raster_dataset(tmp_path / "two.nc")
    try:
        assert [Grid.from_array(opened[name]).crs.to_epsg() for name in ("high", "warm")] == [3035, 4326]
        assert opened.attrs["source"] == "here"
    finally:
        opened.close()
    with pytest.raises(RasterError, match="holds no raster"):
        rasters_of(dataset[["counts"]])
