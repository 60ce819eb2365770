"""Bare arrays become rasters by the grid of the input."""

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import Grid, as_raster, open_raster

LIKE = xr.DataArray(
    np.zeros((5, 2, 3)),
    coords={"time": np.arange(5).astype("M8[D]").astype("M8[s]"), "lat": [1.0, 2.0], "lon": [0.0, 1.0, 2.0]},
    dims=("time", "lat", "lon"),
    name="input",
    attrs={"units": "K"},
)


def test_a_raster_stays_what_it_is() -> None:
    assert as_raster(LIKE, None) is LIKE
    assert as_raster(LIKE[0], LIKE).identical(LIKE[0])


@pytest.mark.parametrize("shape", [(5, 2, 3), (2, 3)])
def test_an_array_of_the_same_shape_takes_the_grid(shape) -> None:
    values = np.random.default_rng(1).random(shape)
    raster = as_raster(values, LIKE)
    assert np.array_equal(raster.values, values)
    assert Grid.from_array(raster).same_as(Grid.from_array(LIKE))
    assert raster.dims == LIKE.dims[-len(shape) :]
    assert set(raster.coords) == set(raster.dims)
    assert raster.attrs == {}


def test_the_crs_comes_along(samples) -> None:
    like = open_raster(samples / "rotated_pole.nc")
    assert Grid.from_array(as_raster(like.values * 2, like)).same_as(Grid.from_array(like))


def test_masked_elements_become_nan() -> None:
    masked = np.ma.masked_equal(np.arange(6).reshape(2, 3), 4)
    raster = as_raster(masked, LIKE)
    assert raster.dtype == np.float64
    assert np.isnan(raster.values[1, 1])
    assert np.isnan(raster.values).sum() == 1
    assert as_raster(np.ma.masked_equal(np.arange(6).reshape(2, 3), 99), LIKE).dtype.kind == "i"


def test_an_array_without_coordinates_keeps_its_name_and_attributes() -> None:
    bare = xr.DataArray(np.ones((2, 3)), name="index", attrs={"units": "1"})
    raster = as_raster(bare, LIKE)
    assert (raster.name, raster.attrs, raster.dims) == ("index", {"units": "1"}, ("lat", "lon"))


@pytest.mark.parametrize(
    ("data", "like", "reason"),
    [
        (np.zeros((3, 2)), LIKE, r"\(3, 2\) does not fit the grid of input: wanted is \(5, 2, 3\) or \(2, 3\)"),
        (np.zeros(()), LIKE, r"\(\) does not fit"),
        (np.zeros((2, 3)), None, "no raster to take it from"),
        (np.full((2, 3), "a"), LIKE, "no numbers"),
        (xr.DataArray(np.zeros((2, 3))), None, "no latitude"),
        (LIKE[0].assign_coords(lat=[1.0, 99.0]), LIKE, "-90..90"),
    ],
)
def test_what_fits_no_grid_is_refused_with_both_shapes(data, like, reason) -> None:
    with pytest.raises(RasterError, match=reason):
        as_raster(data, like)
