"""Files as others have written them, beyond CF: what can be known of them is read, and nothing is made up."""

import h5py
import netCDF4
import numpy as np
import pytest
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import RasterFile, open_raster, value_at
from geojobs_lab.rasters.packing import missing_number, unpack
from geojobs_lab.rasters.projections import crs_from_attributes, same_crs
from geojobs_lab.rasters.writing import write_raster

LATITUDE = {"standard_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "units": "degrees_east"}


def test_axes_that_nothing_names_are_told_by_the_only_places_along_them(make_file) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    path = make_file(  # as the climatologies of NCAR's ds289.0 are stored
        {
            "lat": (("latitude",), [50.0, 51.0, 52.0], {"units": "degrees_north"}),
            "lon": (("longitude",), [30.0, 32.0, 34.0, 36.0], {"units": "degrees_east"}),
            "date": (("t",), [0.0, 31.0], {"units": "days since 2001-01-01"}),
            "sst": (("t", "latitude", "longitude"), values, {}),
        }
    )
    with RasterFile(path) as file:
        assert (list(file.variables), file.skipped) == (["sst"], {})
        selection = file.variable("sst").select(time="2001-02-01", best_fit=False)
        assert value_at(file, "sst", selection, 34, 51)["value"] == 18
    with open_raster(path, time="2001-02-01") as data:
        assert (data["latitude"].values.tolist(), float(data[1, 2])) == ([50, 51, 52], 18)
        assert str(data["t"].values).startswith("2001-02-01")


def test_stations_with_several_places_along_one_dimension_stay_without_a_place(make_file) -> None:
    path = make_file(
        {
            "lat": (("station",), [50.0, 51.0], LATITUDE),
            "lon": (("station",), [50.0, 51.0], LONGITUDE),
            "v": (("station", "z"), np.zeros((2, 3)), {}),
        }
    )
    with pytest.raises(RasterError, match="'v': it has no latitude"):
        RasterFile(path)


@pytest.mark.parametrize("own", [None, {"standard_name": "time"}, {"standard_name": "time", "units": "second"}])
def test_a_time_beside_its_axis_is_that_of_arrays_too(make_lonlat, own) -> None:
    axes = {"time": (("t",), [1.0, 2.0], {"units": "days since 2001-01-01", "standard_name": "time"})}
    if own is not None:
        axes["t"] = ("t",), [0.0, 86400.0], own
    values = np.arange(8.0).reshape(2, 2, 2)
    path = make_lonlat(
        values, [0.0, 1], [0.0, 1], dims=("t", "lat", "lon"), more=axes, attributes={"coordinates": "time"}
    )
    with RasterFile(path) as file:
        assert file.variable("v").time.isos == ("2001-01-02T00:00:00Z", "2001-01-03T00:00:00Z")
    with open_raster(path, "v") as data:
        assert data["t"].values.astype("datetime64[D]").astype(str).tolist() == ["2001-01-02", "2001-01-03"]
    with open_raster(path, "v", time="2001-01-03") as data:
        assert float(data[1, 0]) == 6


def test_a_time_that_counts_from_no_date_is_a_dimension_like_others(make_lonlat) -> None:
    time = ("time",), [0.0, 259200.0], {"units": "second", "standard_name": "time", "axis": "T"}  # as CROCO writes it
    values = np.arange(8.0).reshape(2, 2, 2)
    path = make_lonlat(values, [0.0, 1], [0.0, 1], dims=("time", "lat", "lon"), more={"time": time})
    with RasterFile(path) as file:
        info = file.variable("v")
        assert info.time is None
        assert {dim: found.tolist() for dim, found in info.others.items()} == {"time": [0, 259200]}
        assert file.read("v", info.select(**{"time.index": "1"})).tolist() == [[4, 5], [6, 7]]
    with open_raster(path, "v") as data:
        write_raster(path.with_name("result.nc"), {"data": data}, {})
    with RasterFile(path.with_name("result.nc")) as file:
        assert file.variable("data").others["time"].tolist() == [0, 259200]


def test_cells_that_are_all_at_one_place_are_refused_and_the_rest_is_read(make_file) -> None:
    lon, lat = np.meshgrid(np.arange(4.0), np.arange(3.0))
    path = make_file(  # subsets of ROMS files hold such
        {
            "lat_rho": (("y", "x"), lat + lon / 10, LATITUDE),
            "lon_rho": (("y", "x"), lon - lat / 10, LONGITUDE),
            "lat_u": (("yu", "xu"), lat * 0, LATITUDE),
            "lon_u": (("yu", "xu"), lon * 0, LONGITUDE),
            "zeta": (("y", "x"), lon, {"coordinates": "lat_rho lon_rho"}),
            "u": (("yu", "xu"), lon, {"coordinates": "lat_u lon_u"}),
        }
    )
    with RasterFile(path) as file:
        assert [variable["name"] for variable in file.describe()["variables"]] == ["zeta"]
        assert "at one place" in file.skipped["u"]


def test_places_of_cells_that_no_variable_names_are_no_rasters_beside_their_axes(make_file) -> None:
    lon, lat = np.meshgrid(np.arange(4.0), np.arange(3.0))
    path = make_file(
        {
            "rlat": (("rlat",), [0.0, 1, 2], {"standard_name": "grid_latitude", "units": "degrees"}),
            "rlon": (("rlon",), [0.0, 1, 2, 3], {"standard_name": "grid_longitude", "units": "degrees"}),
            "pole": (
                (),
                0,
                {
                    "grid_mapping_name": "rotated_latitude_longitude",
                    "grid_north_pole_latitude": 39.25,
                    "grid_north_pole_longitude": -162.0,
                },
            ),
            "lat": (("rlat", "rlon"), lat, LATITUDE),
            "lon": (("rlat", "rlon"), lon, LONGITUDE),
            "v": (("rlat", "rlon"), lon, {"grid_mapping": "pole"}),
        }
    )
    with RasterFile(path) as file:
        assert list(file.variables) == ["v"]


@pytest.mark.parametrize(
    ("stored", "attributes", "expected"),
    [
        (np.array([25, 1], "u1"), {"missing_value": np.int32(-999)}, [25, 1]),  # -999 as a byte would be 25
        (np.array([0, -999], "i2"), {"missing_value": np.float32(1e20)}, [0, -999]),
        (np.array([0, -999], "i2"), {"missing_value": np.float64(-999)}, [0, np.nan]),
        (np.array([-32768, 1], "i2"), {"missing_value": np.float64([1e20, 1])}, [-32768, np.nan]),
        (np.array([0, 1], "i2"), {"missing_value": np.float64(0.5)}, [0, 1]),
        (np.array([-1, 1], "i1"), {"_Unsigned": "true", "missing_value": np.int8(-1)}, [np.nan, 1]),
        (np.array([-1, 1], "i1"), {"_Unsigned": "true", "missing_value": np.float64(255)}, [np.nan, 1]),
        (np.array([1e20, 1], "f4"), {"missing_value": np.float64(1e20)}, [np.nan, 1]),
        (np.array([0, 1], "f4"), {"missing_value": np.float64(1e300)}, [0, 1]),
    ],
)
def test_a_fill_that_the_stored_type_cannot_hold_fills_nothing(stored, attributes, expected) -> None:
    assert np.array_equal(unpack(stored, attributes), expected, equal_nan=True)
    assert missing_number(stored.dtype, attributes).dtype.itemsize == stored.dtype.itemsize


def test_an_attribute_of_a_type_that_cannot_be_read_is_left_out(make_lonlat) -> None:
    path = make_lonlat(np.zeros((2, 2)), [0.0, 1], [0.0, 1])
    with h5py.File(path, "a") as file:
        file["v"].attrs.create("opaque", np.void(b"\x01\x02\x03\x04"))
        file["v"].attrs["units"] = "K"
    with RasterFile(path) as file:
        assert file.variable("v").attributes.keys() >= {"units"}
        assert "opaque" not in file.variable("v").attributes


def test_a_projection_without_an_earth_takes_that_of_the_text_beside_it() -> None:
    attributes = {  # met.no's Arctic-20km
        "grid_mapping_name": "polar_stereographic",
        "straight_vertical_longitude_from_pole": 58.0,
        "latitude_of_projection_origin": 90.0,
        "standard_parallel": 60.0,
    }
    text = "+proj=stere +a=6371000 +b=6371000 +lat_0=90 +lat_ts=60 +lon_0=58"
    crs = crs_from_attributes(attributes | {"proj4_string": text})
    assert crs.ellipsoid.semi_major_metre == 6371000
    assert same_crs(crs, CRS(text))
    assert (
        crs_from_attributes(attributes | {"proj4_string": text, "earth_radius": 6.4e6}).ellipsoid.semi_major_metre
        == 6.4e6
    )
    assert crs_from_attributes(attributes | {"proj4_string": "+proj=nothing"}).ellipsoid.semi_major_metre == 6378137


@pytest.mark.parametrize(
    "earth",
    [
        {"earth_radius": 6371000.0},
        {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257222101},
        {"semi_major_axis": 6378137.0, "semi_minor_axis": 6356752.3},
        {"reference_ellipsoid_name": "GRS 1980"},
        {"semi_major_axis": 6378137.0, "inverse_flattening": 298.25, "longitude_of_prime_meridian": 2.5},
        {"semi_major_axis": 6378137.0, "inverse_flattening": 298.25, "prime_meridian_name": "Paris"},
        {"horizontal_datum_name": "North American Datum 1983", "semi_major_axis": 6378137.0},
        {"semi_major_axis": 6378137.0},
        {},
    ],
)
def test_an_earth_is_the_one_that_pyproj_makes_of_it(earth) -> None:
    attributes = {"grid_mapping_name": "lambert_azimuthal_equal_area", "latitude_of_projection_origin": 90.0} | earth
    assert crs_from_attributes(attributes) == CRS.from_cf(attributes)


def test_a_file_that_holds_its_data_in_groups_says_so(tmp_path) -> None:
    path = tmp_path / "groups.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createGroup("PRODUCT").createDimension("scanline", 2)
    for _ in range(2):  # when it is remembered too
        with pytest.raises(RasterError, match="its groups 'PRODUCT' are not looked into"):
            RasterFile(path)
