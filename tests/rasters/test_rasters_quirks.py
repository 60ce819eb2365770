"""Files with every quirk that CF allows, and some that it does not: each cell is where, and what, it is meant to be."""

import netCDF4
import numpy as np
import pytest
from pyproj import CRS, Transformer

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import CurvilinearGrid, Grid, RasterFile, RectilinearGrid, open_raster, series_at, value_at
from geojobs_lab.rasters.projections import crs_from_attributes, same_crs

LATITUDE = {"standard_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "units": "degrees_east"}
FORMATS = ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]


def axis(first, count, step):
    return first + step * np.arange(count)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("lat", [axis(-87.5, 36, 5.0), axis(87.5, 36, -5.0)])
@pytest.mark.parametrize("west", [2.5, -177.5, 22.5])
def test_every_cell_of_a_world_is_found_at_its_longitude_in_any_turn(make_lonlat, format, lat, west) -> None:
    lon = axis(west, 72, 5.0)
    values = np.arange(36 * 72, dtype="f4").reshape(36, 72)
    dims, stored = (("lat", "lon"), values) if west != 22.5 else (("lon", "lat"), values.T)
    path = make_lonlat(stored, lat, lon, dims=dims, format=format)
    with RasterFile(path) as file:
        grid = file.variable("v").grid
        assert grid.lonlat_bounds == (-180, -90, 180, 90)
        assert grid.wraps
        for x in (-180.0, -179.9, -2.4, 0.0, 19.9, 20.0, 179.9, 180.0, 359.9):
            for y in (-90.0, -47.4, 0.1, 90.0):
                found = value_at(file, "v", {}, x, y)
                col = np.abs((lon - found["lon"] + 180) % 360 - 180).argmin()
                assert found["value"] == values[np.abs(lat - found["lat"]).argmin(), col]
                assert abs((found["lon"] - x + 180) % 360 - 180) <= 2.5 + 1e-9
                assert abs(found["lat"] - y) <= 2.5 + 1e-9


NAMES = [
    ("latitude_1", "longitude_1", {}, {}),
    ("lat_2", "lon_2", {}, {}),
    ("nav_lat", "nav_lon", {}, {}),
    ("XLAT", "XLONG", {}, {}),
    ("Latitude", "Longitude", {"units": "degrees"}, {"units": "degrees"}),
    ("lats", "lons", {}, {}),
    ("a", "b", {"axis": "Y", "units": "degrees_north"}, {"axis": "X", "units": "degrees_east"}),
    ("a", "b", {"units": "degree_N"}, {"units": "degreesE"}),
    ("a", "b", {"standard_name": "latitude"}, {"standard_name": "longitude"}),
]


@pytest.mark.parametrize(("y", "x", "lat", "lon"), NAMES)
@pytest.mark.parametrize("swapped", [False, True])
def test_axes_are_known_by_name_unit_or_standard_name_in_either_order(make_file, y, x, lat, lon, swapped) -> None:
    values = np.arange(12.0).reshape(3, 4)
    path = make_file(
        {
            y: ((y,), [50.0, 51.0, 52.0], lat),
            x: ((x,), [10.0, 12.0, 14.0, 16.0], lon),
            "v": ((x, y), values.T, {}) if swapped else ((y, x), values, {}),
        }
    )
    with RasterFile(path) as file:
        assert list(file.variables) == ["v"]
        assert file.variable("v").grid.bounds == (9, 49.5, 17, 52.5)
        assert value_at(file, "v", {}, 13.5, 51.2)["value"] == 6


CELL_NAMES = [
    ("nav_lat", "nav_lon"),
    ("XLAT", "XLONG"),
    ("lat_rho", "lon_rho"),
    ("TLAT", "TLONG"),
    ("gridlat_0", "gridlon_0"),
]


@pytest.mark.parametrize(("lat", "lon"), CELL_NAMES)
@pytest.mark.parametrize("named", [False, True])
def test_longitudes_and_latitudes_of_cells_are_known_by_name_and_are_no_rasters(make_file, lat, lon, named) -> None:
    i, j = np.meshgrid(np.arange(5.0), np.arange(4.0))
    coordinates = {"coordinates": f"{lon} {lat}"} if named else {}
    path = make_file(
        {
            lat: (("j", "i"), 50 + j + 0.2 * i, {}),
            lon: (("j", "i"), 10 + i - 0.3 * j, {}),
            "v": (("j", "i"), 10 * j + i, coordinates),
        }
    )
    with RasterFile(path) as file:
        assert list(file.variables) == ["v"]
        assert file.skipped == {}
        grid = file.variable("v").grid
        assert isinstance(grid, CurvilinearGrid)
        assert value_at(file, "v", {}, 12.3, 52.6)["value"] == 23  # row 2, column 3 is at 12.4, 52.6
    with open_raster(path) as data:
        assert data[lat].dims == ("j", "i")
        assert data[lat].attrs["standard_name"] == "latitude"
        assert CurvilinearGrid.from_array(data).same_as(grid)


def test_wrf_writes_the_places_of_cells_at_each_time(make_file) -> None:
    i, j = np.meshgrid(np.arange(5.0), np.arange(4.0))
    lat, lon = 50 + j + 0.2 * i, 10 + i - 0.3 * j
    path = make_file(
        {
            "XLAT": (("Time", "south_north", "west_east"), [lat, lat], {"units": "degree_north"}),
            "XLONG": (("Time", "south_north", "west_east"), [lon, lon], {"units": "degree_east"}),
            "XTIME": (("Time",), [0.0, 60.0], {"units": "minutes since 2000-01-24 12:00:00"}),
            "T2": (("Time", "south_north", "west_east"), [lat, lon], {"coordinates": "XLONG XLAT XTIME"}),
        }
    )
    with RasterFile(path) as file:
        info = file.variable("T2")
        assert list(file.variables) == ["T2"]
        assert info.time.isos == ("2000-01-24T12:00:00Z", "2000-01-24T13:00:00Z")
        found = series_at(file, "T2", {}, 12.4, 52.6)
    assert found["values"] == pytest.approx([52.6, 12.4])


@pytest.mark.parametrize("transposed", [False, True])
def test_two_dimensional_coordinates_of_straight_rows_make_a_straight_grid(make_file, transposed) -> None:
    lon, lat = np.meshgrid([350.0, 355.0, 0.0, 5.0], [10.0, 12.0, 15.0])
    values = np.arange(12.0).reshape(3, 4)
    dims = ("a", "b")
    variables = {"lat": lat, "lon": lon, "v": values}
    if transposed:
        dims, variables = ("b", "a"), {name: array.T for name, array in variables.items()}
    attributes = {"lat": LATITUDE, "lon": LONGITUDE, "v": {"coordinates": "lat lon"}}
    with RasterFile(make_file({name: (dims, array, attributes[name]) for name, array in variables.items()})) as file:
        grid = file.variable("v").grid
        assert isinstance(grid, RectilinearGrid)
        assert (grid.shape, grid.bounds) == ((3, 4), (347.5, 9, 367.5, 16.5))
        assert value_at(file, "v", {}, 1.0, 15.2)["value"] == 10


def test_uneven_rows_end_at_their_bounds_or_halfway(make_file) -> None:
    lat = [-60.0, -20.0, 10.0, 80.0]
    bounds = [[-90.0, -40.0], [-40.0, 0.0], [0.0, 15.0], [15.0, 90.0]]
    for given, edges in ((bounds, [-90, -40, 0, 15, 90]), (None, [-80, -40, -5, 45, 115])):
        extra = {} if given is None else {"lat_bnds": (("lat", "nv"), given, {})}
        path = make_file(
            {
                "lat": (("lat",), lat, LATITUDE | ({"bounds": "lat_bnds"} if given else {})),
                "lon": (("lon",), [0.0, 90.0, 180.0, 270.0], LONGITUDE),
                "v": (("lat", "lon"), np.arange(16.0).reshape(4, 4), {}),
                **extra,
            }
        )
        with RasterFile(path) as file:
            grid = file.variable("v").grid
            assert isinstance(grid, RectilinearGrid)
            assert [*grid.y_bounds[:, 0], grid.y_bounds[-1, 1]] == edges
            assert value_at(file, "v", {}, -100, edges[3] + 0.1)["value"] == 15
            assert value_at(file, "v", {}, -100, edges[3] - 0.1)["value"] == 11


def test_bounds_tell_where_cells_are_whose_points_are_no_centres(make_file) -> None:
    path = make_file(
        {
            "lat": (("lat",), [10.0, 11.0, 12.0], LATITUDE | {"bounds": "lat_bnds"}),
            "lat_bnds": (("lat", "nv"), [[11.0, 10.0], [12.0, 11.0], [13.0, 12.0]], {}),
            "lon": (("lon",), [359.0, 0.0, 1.0], LONGITUDE | {"bounds": "lon_bnds"}),
            "lon_bnds": (("lon", "nv"), [[359.0, 0.0], [0.0, 1.0], [1.0, 2.0]], {}),
            "v": (("lat", "lon"), np.arange(9.0).reshape(3, 3), {}),
        }
    )
    with RasterFile(path) as file:
        grid = file.variable("v").grid
        assert isinstance(grid, Grid)
        assert grid.bounds == (359, 10, 362, 13)
        assert value_at(file, "v", {}, 0.9, 12.9)["value"] == 7
    with open_raster(path) as data:
        assert Grid.from_array(data).same_as(grid)


STORED = np.array([[-32767, -100, 5], [100, 300, 32000]])
MISSING = {
    "fill of its own": ("i2", {"_FillValue": np.int16(5)}, [(0, 2)]),
    "missing_value": ("i2", {"missing_value": np.int16(5)}, [(0, 2), (0, 0)]),
    "default fill": ("i2", {}, [(0, 0)]),
    "valid_range": ("i2", {"valid_range": np.array([-100, 300], "i2")}, [(0, 0), (1, 2)]),
    "valid_min": ("i2", {"valid_min": np.int16(0)}, [(0, 0), (0, 1)]),
    "valid_max": ("f4", {"valid_max": np.float32(300)}, [(1, 2)]),
    "packed": (
        "i2",
        {"valid_range": np.array([0, 400], "i2"), "scale_factor": 0.1, "add_offset": 20.0},
        [(0, 0), (0, 1), (1, 2)],
    ),
    "unpacked": (
        "i2",
        {"valid_range": np.array([10.0, 45.0]), "scale_factor": 0.1, "add_offset": 20.0},
        [(0, 0), (1, 1), (1, 2)],
    ),
    "nonsense": (
        "i4",
        {"valid_range": "0 to 100", "valid_min": np.int32(9), "_FillValue": np.int32(5)},
        [(0, 0), (0, 1), (0, 2)],
    ),
    "turned round": ("i4", {"valid_min": np.int32(9), "valid_max": np.int32(0)}, []),
}


@pytest.mark.parametrize("format", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("kind", MISSING)
def test_what_is_missing_is_missing_however_it_is_said(make_lonlat, kind, format) -> None:
    dtype, attributes, missing = MISSING[kind]
    path = make_lonlat(STORED.astype(dtype), [0.0, 1.0], [0.0, 1.0, 2.0], attributes=attributes, format=format)
    expected = STORED * attributes.get("scale_factor", 1.0) + attributes.get("add_offset", 0.0)
    for cell in missing:
        expected[cell] = np.nan
    with RasterFile(path) as file:
        read = file.read("v", {})
        assert str(read.dtype) == file.variable("v").dtype
        window = file.read("v", {}, slice(1, 2), slice(0, 2))
    with open_raster(path) as data:
        opened = data.values
    assert opened.dtype == read.dtype == window.dtype
    for found in (read, opened):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "format"), [("i1", "NETCDF4"), ("u1", "NETCDF4"), ("i1", "NETCDF3_CLASSIC"), ("u1", "NETCDF3_64BIT_DATA")]
)
def test_bytes_have_no_fill_value_by_themselves(make_lonlat, dtype, format) -> None:
    stored = np.array([[netCDF4.default_fillvals[dtype], 0, 1]] * 2, dtype)
    path = make_lonlat(stored, [0.0, 1.0], [0.0, 1.0, 2.0], format=format)
    with RasterFile(path) as file, open_raster(path) as data:
        assert file.read("v", {}).dtype == data.dtype == np.dtype(dtype)
        assert np.array_equal(data.values, stored)


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "u4", "i8", "u8"])
def test_wider_integers_were_never_written_where_they_have_their_types_fill(make_lonlat, dtype) -> None:
    stored = np.array([[netCDF4.default_fillvals[dtype], 0, 1]] * 2, dtype)
    for format in ["NETCDF4", "NETCDF3_64BIT_DATA"]:
        path = make_lonlat(stored, [0.0, 1.0], [0.0, 1.0, 2.0], format=format, name=f"{format}.nc")
        with RasterFile(path) as file:
            np.testing.assert_array_equal(file.read("v", {}), [[np.nan, 0, 1]] * 2)
    path = make_lonlat(stored, [0.0, 1.0], [0.0, 1.0, 2.0], attributes={"_FillValue": False})  # not filled
    with RasterFile(path) as file:
        assert np.array_equal(file.read("v", {}), stored)


ALBERS = {
    "grid_mapping_name": "albers_conical_equal_area",
    "longitude_of_central_meridian": -96.0,
    "latitude_of_projection_origin": 23.0,
}
LAMBERT = {"grid_mapping_name": "lambert_conformal_conic", "longitude_of_central_meridian": -95.0}
POLAR = {"grid_mapping_name": "polar_stereographic", "straight_vertical_longitude_from_pole": -45.0}
GEOS = {"grid_mapping_name": "geostationary", "perspective_point_height": 35786023.0}
MAPPINGS = [
    (ALBERS | {"standard_parallel": [29.5, 45.5]}, "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5"),
    (ALBERS | {"standard_parallel": "29.5, 45.5"}, "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5"),
    (ALBERS | {"standard_parallel": 45.0}, "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=45 +lat_2=45"),
    (
        ALBERS | {"standard_parallel": [45.0], "earth_radius": 6.37e6},
        "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=45 +lat_2=45 +R=6370000",
    ),
    (LAMBERT | {"standard_parallel": [25.0]}, "+proj=lcc +lat_0=25 +lon_0=-95 +lat_1=25"),
    (
        LAMBERT | {"standard_parallel": 25.0, "latitude_of_projection_origin": 40.0},
        "+proj=lcc +lat_0=40 +lon_0=-95 +lat_1=25 +lat_2=25",
    ),
    (
        LAMBERT | {"standard_parallel": [25.0, 50.0], "latitude_of_projection_origin": 40.0},
        "+proj=lcc +lat_0=40 +lon_0=-95 +lat_1=25 +lat_2=50",
    ),
    (
        POLAR | {"latitude_of_projection_origin": 90.0, "standard_parallel": 70.0},
        "+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45",
    ),
    (POLAR | {"standard_parallel": -71.0}, "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=-45"),
    (POLAR | {"latitude_of_projection_origin": 90.0}, "+proj=stere +lat_0=90 +lon_0=-45"),
    (
        POLAR | {"latitude_of_projection_origin": 90.0, "scale_factor_at_projection_origin": 0.994},
        "+proj=stere +lat_0=90 +lon_0=-45 +k=0.994",
    ),
    (
        {"grid_mapping_name": "polar_stereographic", "longitude_of_projection_origin": 10.0, "standard_parallel": 60.0},
        "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10",
    ),
    (GEOS, "+proj=geos +h=35786023 +lon_0=0 +sweep=y"),
    (
        GEOS | {"sweep_angle_axis": "x", "longitude_of_projection_origin": -75.0},
        "+proj=geos +h=35786023 +lon_0=-75 +sweep=x",
    ),
    (
        GEOS | {"fixed_angle_axis": "y", "longitude_of_projection_origin": -75.0},
        "+proj=geos +h=35786023 +lon_0=-75 +sweep=x",
    ),
    ({"grid_mapping_name": "universal_transverse_mercator", "utm_zone_number": 33}, "EPSG:32633"),
    ({"grid_mapping_name": "universal_transverse_mercator", "utm_zone_number": -33}, "EPSG:32733"),
    (
        {
            "grid_mapping_name": "transverse_mercator",
            "longitude_of_central_meridian": 15.0,
            "scale_factor_at_central_meridian": 0.9996,
            "false_easting": 5e5,
        },
        "EPSG:32633",
    ),
    (
        {
            "grid_mapping_name": "rotated_latitude_longitude",
            "grid_north_pole_latitude": 39.0,
            "grid_north_pole_longitude": -162.0,
        },
        "+proj=ob_tran +o_proj=longlat +o_lat_p=39 +o_lon_p=0 +lon_0=18",
    ),
    ({"spatial_ref": "EPSG:5070"}, "EPSG:5070"),
    ({"spatial_ref": np.int32(5070)}, "EPSG:5070"),
    ({"epsg_code": "EPSG:5070"}, "EPSG:5070"),
    ({"epsg_code": np.int32(5070)}, "EPSG:5070"),
    ({"proj4": "+proj=laea +lat_0=90 +lon_0=0"}, "+proj=laea +lat_0=90 +lon_0=0"),
    ({"proj4text": "+proj=laea +lat_0=90 +lon_0=0"}, "+proj=laea +lat_0=90 +lon_0=0"),
    ({"crs_wkt": CRS.from_epsg(5070).to_wkt()}, "EPSG:5070"),
    ({"spatial_ref": CRS.from_epsg(5070).to_wkt("WKT1_GDAL")}, "EPSG:5070"),
    ({"crs_wkt": "broken", "epsg_code": "EPSG:5070"}, "EPSG:5070"),
    ({"grid_mapping_name": "flat_earth", "spatial_ref": "EPSG:5070"}, "EPSG:5070"),
]


@pytest.mark.parametrize(("attributes", "expected"), MAPPINGS, ids=[text for _, text in MAPPINGS])
def test_a_grid_mapping_puts_numbers_where_proj_does(attributes, expected) -> None:
    crs = crs_from_attributes(attributes)
    x, y = np.meshgrid(np.linspace(-2e6, 2e6, 5), np.linspace(-2e6, 2e6, 5))
    if crs.is_geographic:
        x, y = x / 1e5, y / 1e5
    ours = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    text = expected if expected.startswith("EPSG") or "+R" in expected else expected + " +datum=WGS84 +type=crs"
    degrees = "+proj=longlat +R=6370000" if "+R" in expected else 4326
    theirs = Transformer.from_crs(text, degrees, always_xy=True).transform(x, y)
    near = np.isfinite(theirs[0])
    assert near.any()
    for mine, other in zip(ours, theirs, strict=True):
        assert np.abs((mine - other + 180) % 360 - 180)[near].max() < 1e-6


@pytest.mark.parametrize(
    "attributes", [{"grid_mapping_name": "flat_earth"}, {}, {"crs_wkt": "broken"}, ALBERS, {"epsg_code": "EPSG:1"}]
)
def test_what_is_no_grid_mapping_is_refused(attributes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        crs_from_attributes(attributes)


@pytest.mark.parametrize("where", ["mapping of nobody", "variable", "file"])
def test_a_crs_that_no_grid_mapping_names_is_found(make_file, where) -> None:
    crs = {"spatial_ref": CRS.from_epsg(32633).to_wkt()}
    variables = {
        "y": (("y",), [3e5, 2e5, 1e5], {"standard_name": "projection_y_coordinate", "units": "m"}),
        "x": (("x",), [1e5, 2e5], {"standard_name": "projection_x_coordinate", "units": "m"}),
        "v": (("y", "x"), np.zeros((3, 2)), crs if where == "variable" else {}),
    }
    if where == "mapping of nobody":
        variables["transverse_mercator"] = ((), np.int32(0), crs)
    with RasterFile(make_file(variables, attributes=crs if where == "file" else {})) as file:
        assert same_crs(file.variable("v").grid.crs, CRS.from_epsg(32633))


@pytest.mark.parametrize(("units", "factor"), [("rad", 1.0), ("microradian", 1e6), ("degrees", 180 / np.pi)])
def test_scan_angles_come_in_several_units(make_file, units, factor) -> None:
    angle = {"units": units}
    path = make_file(
        {
            "y": (
                ("y",),
                np.array([0.095340, 0.095284]) * factor,
                {"standard_name": "projection_y_coordinate"} | angle,
            ),
            "x": (
                ("x",),
                np.array([-0.024052, -0.023996]) * factor,
                {"standard_name": "projection_x_coordinate"} | angle,
            ),
            "goes": (
                (),
                np.int32(0),
                GEOS
                | {
                    "sweep_angle_axis": "x",
                    "longitude_of_projection_origin": -75.0,
                    "semi_major_axis": 6378137.0,
                    "semi_minor_axis": 6356752.31414,
                },
            ),
            "v": (("y", "x"), np.arange(4.0).reshape(2, 2), {"grid_mapping": "goes"}),
        }
    )
    with RasterFile(path) as file:
        found = value_at(file, "v", {}, -84.690932, 33.846162)  # NOAA's own worked example
        assert found["value"] == 0
        assert (found["lon"], found["lat"]) == pytest.approx((-84.690932, 33.846162), abs=1e-5)


CALENDARS = [
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "noleap",
    "365_day",
    "all_leap",
    "366_day",
    "360_day",
    "julian",
]


@pytest.mark.parametrize("calendar", CALENDARS)
def test_days_since_the_year_zero_are_read_in_every_calendar(make_lonlat, calendar) -> None:
    time = {"units": "days since 0000-01-01", "calendar": calendar, "standard_name": "time"}
    length = {"360_day": 360, "noleap": 365, "365_day": 365}.get(calendar, 366)
    values = np.zeros((2, 2, 2), "f4")
    path = make_lonlat(
        values, [0.0, 1.0], [0.0, 1.0], dims=("time", "lat", "lon"), more={"time": (("time",), [0.0, length], time)}
    )
    with RasterFile(path) as file:
        assert file.variable("v").time.isos == ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z")
    with open_raster(path, time="0001-01-01") as data:
        assert data["time"].ndim == 0


MONTHS = {
    "months since 1990-01-01": ("1990-01-01", "1990-02-15T00:00:00", "1991-01-01"),
    "Month since 1999-11-30 12:00": ("1999-11-30T12:00", "2000-01-15T00:00:00", "2000-11-30T12:00"),
    "years since 1990-06-01": ("1990-06-01", "2008-06-01", "2134-06-01"),
}


@pytest.mark.parametrize("units", MONTHS)
def test_months_and_years_are_those_of_the_calendar(make_lonlat, units) -> None:
    numbers = [0.0, 18.0, 144.0] if units.startswith("years") else [0.0, 1.5, 12.0]
    time = {"units": units, "standard_name": "time"}
    values = np.arange(12, dtype="f4").reshape(3, 2, 2)
    path = make_lonlat(
        values, [0.0, 1.0], [0.0, 1.0], dims=("time", "lat", "lon"), more={"time": (("time",), numbers, time)}
    )
    with RasterFile(path) as file:
        axis = file.variable("v").time
        for position, expected in enumerate(MONTHS[units]):
            assert axis.index(expected) == position
            assert (
                abs(axis.timestamps[position] - axis.from_numbers("t", [0], f"days since {expected}").timestamps[0]) < 1
            )
    with open_raster(path) as data:
        assert data.sizes["time"] == 3


def test_a_climatology_is_read_with_its_stops_and_its_bounds_are_no_raster(make_lonlat) -> None:
    months = [15.5, 45.0, 74.5]
    more = {
        "time": (("time",), months, {"units": "days since 1961-01-01", "climatology": "climatology_bounds"}),
        "climatology_bounds": (("time", "nv"), [[0.0, 10988.0], [31.0, 11016.0], [59.0, 11047.0]], {}),
    }
    attributes = {"cell_methods": "time: minimum within years time: mean over years"}
    path = make_lonlat(
        np.zeros((3, 2, 2)), [0.0, 1.0], [0.0, 1.0], dims=("time", "lat", "lon"), more=more, attributes=attributes
    )
    with RasterFile(path) as file:
        assert list(file.variables) == ["v"]
        assert [iso[5:7] for iso in file.variable("v").time.isos] == ["01", "02", "03"]


def test_a_time_without_a_dimension_is_the_only_stop(make_lonlat) -> None:
    more = {"time": ((), 30.0, {"units": "days since 2070-01-01", "calendar": "360_day", "standard_name": "time"})}
    path = make_lonlat(
        np.arange(4.0).reshape(2, 2), [0.0, 1.0], [0.0, 1.0], more=more, attributes={"coordinates": "time"}
    )
    with RasterFile(path) as file:
        info = file.variable("v")
        assert info.time.isos == ("2070-02-01T00:00:00Z",)
        selection = info.select(time="2070-02-01", best_fit=False)
        assert file.read("v", selection).tolist() == [[0, 1], [2, 3]]
        assert value_at(file, "v", selection, 1, 1) == {
            "value": 3.0,
            "unit": None,
            "lon": 1,
            "lat": 1,
            "time": "2070-02-01T00:00:00Z",
        }
        assert series_at(file, "v", selection, 1, 1)["values"] == [3.0]
    with open_raster(path, time="2070-02-01") as data:
        assert str(data["time"].values).startswith("2070-02-01")


REFUSED = {
    "a latitude beyond the pole": {"lat": (("lat",), [89.0, 91.0, 93.0], LATITUDE)},
    "an axis that turns": {"lat": (("lat",), [1.0, 3.0, 2.0], LATITUDE)},
    "an axis with a hole": {"lat": (("lat",), [1.0, np.nan, 3.0], LATITUDE)},
    "an axis that stands": {"lat": (("lat",), [1.0, 1.0, 1.0], LATITUDE)},
    "texts": {"lat": (("lat",), np.array(["a", "b", "c"]), {})},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_placed_is_refused_and_the_rest_is_read(make_file, kind) -> None:
    good = {
        "y": (("y",), [0.0, 1.0], LATITUDE),
        "lon": (("lon",), [0.0, 1.0], LONGITUDE),
        "good": (("y", "lon"), np.zeros((2, 2)), {}),
    }
    path = make_file(good | REFUSED[kind] | {"bad": (("lat", "lon"), np.zeros((3, 2)), {})})
    with RasterFile(path) as file:
        assert list(file.variables) == ["good"]
        assert len(file.skipped["bad"]) > 20
        with pytest.raises(Exception, match="bad"):
            file.variable("bad")


def test_moving_cells_are_refused(make_file) -> None:
    lat = np.add.outer(np.arange(4.0), np.zeros(5))
    both = [lat, lat + 1]
    path = make_file(
        {
            "lat": (("t", "y", "x"), both, LATITUDE),
            "lon": (("t", "y", "x"), both, LONGITUDE),
            "v": (("t", "y", "x"), both, {"coordinates": "lat lon"}),
        }
    )
    with pytest.raises(RasterError, match="changes along 't'"):
        RasterFile(path)
