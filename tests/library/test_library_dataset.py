"""Files as datasets, and rasters out of them."""

from pathlib import Path

import iris_sample_data
import netCDF4
import numpy as np
import pytest
import xarray as xr
from pyproj import CRS

from geojobs_lab.errors import RasterError, RunError
from geojobs_lab.library.dataset import array_from_dataset, load_dataset
from geojobs_lab.rasters import Grid, open_raster, open_raster_dataset

CLIMATE = Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"


@pytest.fixture
def albers(tmp_path: Path) -> Path:
    """A file of two rasters on one Albers grid."""
    path = tmp_path / "albers.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("y", 3)
        file.createDimension("x", 4)
        crs = file.createVariable("albers", "i4")
        crs.setncatts({key: value for key, value in CRS.from_epsg(5070).to_cf().items() if value is not None})
        for axis, values in (("y", [2500.0, 1500, 500]), ("x", [500.0, 1500, 2500, 3500])):
            variable = file.createVariable(axis, "f8", (axis,))
            variable.setncatts({"units": "m", "standard_name": f"projection_{axis}_coordinate"})
            variable[:] = values
        for name, value in (("a", 1.0), ("b", 2.0)):
            variable = file.createVariable(name, "f4", ("y", "x"))
            variable.setncatts({"grid_mapping": "albers", "units": "K"})
            variable[:] = np.full((3, 4), value)
    return path


@pytest.mark.parametrize("name", ["climate", "albers"])
def test_a_raster_comes_out_of_a_file_as_open_raster_gives_it(name: str, albers: Path) -> None:
    path, variable = {"climate": (CLIMATE, "air_temperature"), "albers": (albers, "b")}[name]
    dataset = load_dataset(path=str(path))["dataset_out"]
    assert isinstance(dataset, xr.Dataset)
    array = array_from_dataset(dataset=dataset, variable=variable)["array_out"]
    expected = open_raster(path, variable)
    assert array.name == variable
    assert array.attrs == expected.attrs
    assert array.dims == expected.dims
    assert Grid.from_array(array).same_as(Grid.from_array(expected))
    np.testing.assert_array_equal(array.values, expected.values)
    dataset.close()


def test_a_dataset_is_read_only_when_its_values_are_needed() -> None:
    dataset = load_dataset(path=str(CLIMATE))["dataset_out"]
    array = array_from_dataset(dataset=dataset, variable="air_temperature")["array_out"]
    assert not array.variable._in_memory
    dataset.close()


def test_a_path_can_be_given_for_a_dataset(albers: Path) -> None:
    array = array_from_dataset(dataset=albers, variable="a")["array_out"]
    np.testing.assert_array_equal(array.values, np.ones((3, 4)))


def test_what_has_no_place_on_the_earth_comes_out_of_a_file_too(albers: Path, tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "plain.nc", "w") as file:  # as the older task was tested: not even coordinates
        for name in ("lat", "lon"):
            file.createDimension(name, 10)
        file.createVariable("value", "i4", ("lon", "lat"))[:] = np.arange(100).reshape(10, 10)
    plain = load_dataset(path=str(tmp_path / "plain.nc"))["dataset_out"]
    value = array_from_dataset(dataset=plain, variable="value")["array_out"]
    np.testing.assert_array_equal(value.values, np.arange(100).reshape(10, 10))
    plain.close()
    with netCDF4.Dataset(albers, "a") as file:
        file.createDimension("time", 3)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2000-01-01", [0, 1, 2]
        file.createVariable("index", "f4", ("time",), fill_value=-1)[:] = [5, -1, 7]
    with netCDF4.Dataset(albers) as file:
        index = array_from_dataset(dataset=file, variable="index")["array_out"]
        assert str(index["time"].values[2])[:10] == "2000-01-03"
        np.testing.assert_array_equal(index.values, [5, np.nan, 7])
        assert Grid.from_array(array_from_dataset(dataset=file, variable="a")["array_out"]).crs.to_epsg() == 5070
    with open_raster_dataset(albers) as rasters:
        assert set(rasters.data_vars) == {"a", "b"}


def test_a_grid_mapping_beside_the_variable_comes_along(albers: Path) -> None:
    with xr.open_dataset(albers) as dataset:  # which keeps it apart from the coordinates
        array = array_from_dataset(dataset=dataset, variable="a")["array_out"]
        assert "albers" in array.coords
        assert Grid.from_array(array).crs.to_epsg() == 5070


def test_each_raster_of_a_dataset_has_its_own_crs_only(albers: Path) -> None:
    one, other = open_raster(albers, "a"), open_raster(CLIMATE)[0]
    other = other.rename(spatial_ref="crs")
    other.encoding["grid_mapping"] = "crs"
    dataset = xr.Dataset({"a": one.variable, "t": other.variable}, {**one.coords, **other.coords})
    found = array_from_dataset(dataset=dataset, variable="t")["array_out"]
    assert "crs" in found.coords
    assert "spatial_ref" not in found.coords
    assert Grid.from_array(found).same_as(Grid.from_array(other))


def test_what_is_not_there_is_refused_by_name(albers: Path, tmp_path: Path) -> None:
    dataset = load_dataset(path=str(albers))["dataset_out"]
    with pytest.raises(RunError, match="variable: the dataset has no variable 'c'; it has 'a', 'b'"):
        array_from_dataset(dataset=dataset, variable="c")
    dataset.close()
    with pytest.raises(RasterError, match="missing.nc") as caught:
        load_dataset(path=str(tmp_path / "missing.nc"))
    assert str(tmp_path) not in str(caught.value)


def test_loading_a_path_is_not_for_everybody() -> None:
    assert load_dataset.exposed is False
