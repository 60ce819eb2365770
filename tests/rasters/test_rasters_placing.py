"""Which variables of a file have a place, which one, and why not."""

import numpy as np
import pytest
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import RasterFile
from geojobs_lab.rasters.gridmappings import parse_grid_mapping

VALUES = np.zeros((2, 2), "f4")
Y, X = [4e5, 3e5], [1e5, 2e5]
PROJECTED_Y = {"standard_name": "projection_y_coordinate", "units": "m"}
PROJECTED_X = {"standard_name": "projection_x_coordinate", "units": "m"}
LAMBERT = {
    "grid_mapping_name": "lambert_conformal_conic",
    "standard_parallel": [30.0, 60.0],
    "longitude_of_central_meridian": 10.0,
    "latitude_of_projection_origin": 45.0,
}


def grid_of(make_file, y, x, *, mapping=None, text="crs", attributes=None, names=("y", "x")):
    variables = {names[0]: ((names[0],), *y), names[1]: ((names[1],), *x), "v": (names, VALUES, dict(attributes or {}))}
    if mapping is not None:
        variables["v"][2].setdefault("grid_mapping", text)
        variables["crs"] = ((), np.int32(0), mapping)
    with RasterFile(make_file(variables)) as file:
        return file.variable("v").grid


@pytest.mark.parametrize(
    ("names", "lat", "lon"),
    [
        (("a", "b"), {"standard_name": "latitude"}, {"standard_name": "longitude"}),
        (("a", "b"), {"units": "degrees_north"}, {"units": "degreeE"}),
        (("a", "b"), {"units": "degrees", "axis": "Y"}, {"units": "degrees", "axis": "X"}),
        (("lat", "lon"), {}, {}),
        (("latitude", "longitude"), {"units": "degrees", "axis": "Y"}, {"units": "degrees", "axis": "X"}),
        (("y", "x"), {"units": "degrees"}, {"units": "degrees"}),
    ],
)
def test_latitude_and_longitude_are_known_by_name_units_or_axis(make_file, names, lat, lon) -> None:
    grid = grid_of(make_file, ([1.0, 2.0], lat), ([5.0, 6.0], lon), names=names)
    assert grid.is_geographic
    assert grid.crs == CRS.from_epsg(4326)
    assert grid.bounds == (4.5, 0.5, 6.5, 2.5)


@pytest.mark.parametrize(
    "mapping",
    [
        LAMBERT,
        {"crs_wkt": CRS.from_cf(LAMBERT).to_wkt(), "grid_mapping_name": "something_new"},
        {"spatial_ref": CRS.from_cf(LAMBERT).to_wkt("WKT1_GDAL")},
    ],
)
def test_projected_coordinates_take_their_grid_mapping(make_file, mapping) -> None:
    grid = grid_of(make_file, (Y, PROJECTED_Y), (X, PROJECTED_X), mapping=mapping)
    assert not grid.is_geographic
    assert grid.bounds == (5e4, 2.5e5, 2.5e5, 4.5e5)
    lon, lat = grid.to_lonlat(0, 0)
    assert (float(lon), float(lat)) == pytest.approx((10, 45))


def test_kilometres_and_feet_become_the_units_of_the_crs(make_file) -> None:
    kilometres = grid_of(
        make_file,
        ([400, 300], PROJECTED_Y | {"units": "km"}),
        ([100, 200], PROJECTED_X | {"units": "km"}),
        mapping=LAMBERT,
    )
    assert kilometres.bounds == (5e4, 2.5e5, 2.5e5, 4.5e5)
    feet = grid_of(make_file, (Y, PROJECTED_Y), (X, PROJECTED_X), mapping={"crs_wkt": CRS.from_epsg(2263).to_wkt()})
    assert feet.bounds[0] == pytest.approx(5e4 / 0.3048006096)


def test_scan_angles_of_a_satellite_become_metres(make_file) -> None:
    mapping = {
        "grid_mapping_name": "geostationary",
        "perspective_point_height": 35786023.0,
        "longitude_of_projection_origin": -75.0,
        "latitude_of_projection_origin": 0.0,
        "sweep_angle_axis": "x",
        "semi_major_axis": 6378137.0,
        "semi_minor_axis": 6356752.31414,
    }
    angle = {"units": "rad"}
    grid = grid_of(
        make_file,
        ([0.095340, 0.095284], PROJECTED_Y | angle),
        ([-0.024052, -0.023996], PROJECTED_X | angle),
        mapping=mapping,
    )
    lon, lat = grid.to_lonlat(grid.xs[0], grid.ys[0])
    # The worked example of NOAA's GOES-R Product Definition and Users' Guide, volume 3, section 5.1.2.8.
    assert (float(lon), float(lat)) == pytest.approx((-84.690932, 33.846162), abs=1e-5)


def test_each_pair_of_coordinates_takes_the_mapping_named_for_it(make_file) -> None:
    text = "other: lat lon crs: y x"
    assert parse_grid_mapping(text) == [("other", ("lat", "lon")), ("crs", ("y", "x"))]
    assert parse_grid_mapping("crs") == [("crs", ())]
    grid = grid_of(make_file, (Y, PROJECTED_Y), (X, PROJECTED_X), mapping=LAMBERT, text=text)
    assert grid.crs.is_projected


def test_latitudes_beside_a_projected_mapping_are_latitudes(make_file) -> None:
    lat, lon = {"standard_name": "latitude"}, {"standard_name": "longitude"}
    grid = grid_of(make_file, ([1.0, 2.0], lat), ([5.0, 6.0], lon), mapping=LAMBERT)
    assert grid.is_geographic


def test_float32_steps_too_fine_for_float32_are_even_and_start_at_the_decimal(make_file) -> None:
    lon = np.round(170 + 0.01 * np.arange(200), 2).astype("f4")
    lat = np.round(50 + 0.01 * np.arange(200), 2).astype("f4")
    variables = {
        "lat": (("lat",), lat, {}),
        "lon": (("lon",), lon, {}),
        "v": (("lat", "lon"), np.zeros((200, 200)), {}),
    }
    with RasterFile(make_file(variables)) as file:
        grid = file.variable("v").grid
    assert grid.resolution == pytest.approx((0.01, 0.01), rel=1e-12)
    assert grid.bounds == pytest.approx((169.995, 49.995, 171.995, 51.995), abs=1e-9)


def test_a_global_axis_of_float32_leaves_no_gap_at_the_seam(make_file) -> None:
    lon = (np.arange(432) * np.float32(360 / 432)).astype("f4")
    variables = {
        "lat": (("lat",), [0.0, 1.0], {}),
        "lon": (("lon",), lon, {}),
        "v": (("lat", "lon"), np.zeros((2, 432)), {}),
    }
    with RasterFile(make_file(variables)) as file:
        grid = file.variable("v").grid
    assert grid.lonlat_bounds[::2] == (-180, 180)
    seam = grid.bounds[0]
    for x in np.linspace(seam - 1e-4, seam + 1e-4, 101):
        assert grid.cell(x, 0.5) is not None


def test_a_single_cell_takes_its_size_from_its_bounds(make_file) -> None:
    variables = {
        "lat": (("lat",), [50.0], {"bounds": "lat_bnds"}),
        "lat_bnds": (("lat", "bnds"), [[51.0, 49.0]], {}),
        "lon": (("lon",), [10.0, 12.0], {}),
        "v": (("lat", "lon"), np.zeros((1, 2)), {}),
    }
    with RasterFile(make_file(variables)) as file:
        assert file.variable("v").grid.bounds == (9, 49, 13, 51)
        assert list(file.variables) == ["v"]
        assert file.skipped == {}


def test_an_auxiliary_coordinate_may_stand_for_a_dimension(make_file) -> None:
    variables = {
        "lat": (("j",), [50.0, 51.0], {"units": "degrees_north"}),
        "lon": (("i",), [10.0, 12.0], {"units": "degrees_east"}),
        "v": (("j", "i"), VALUES, {"coordinates": "lat lon"}),
    }
    with RasterFile(make_file(variables)) as file:
        info = file.variable("v")
    assert (info.y_dim, info.x_dim) == ("j", "i")
    assert info.grid.bounds == (9, 49.5, 13, 51.5)


LAT, LON = (("lat",), [50.0, 51.0], {}), (("lon",), [10.0, 12.0], {})


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"v": (("lat",), [1.0, 2.0], {})}, "no latitude and longitude"),
        ({"lat": (("lat",), [1.0, 2.1], {}), "lon": (("lon",), [1.0, 2.0], {}), "w": ((), 1.0, {})}, "no variable"),
        (
            {"lat": (("lat",), [1.0, 3.1, 2.0], {}), "lon": LON, "v": (("lat", "lon"), np.zeros((3, 2)), {})},
            "neither rises nor falls",
        ),
        (
            {"lat": (("lat",), [1.0], {}), "lon": LON, "v": (("lat", "lon"), np.zeros((1, 2)), {})},
            "one step and no bounds",
        ),
        (
            {"y": (("y",), Y, PROJECTED_Y), "x": (("x",), X, PROJECTED_X), "v": (("y", "x"), VALUES, {})},
            "no grid mapping",
        ),
        (
            {
                "y": (("y",), Y, PROJECTED_Y),
                "x": (("x",), X, PROJECTED_X),
                "m": ((), 0, {"grid_mapping_name": "flat_earth"}),
                "v": (("y", "x"), VALUES, {"grid_mapping": "m"}),
            },
            "'m' cannot be read",
        ),
        (
            {
                "nav_lat": (("j", "i"), VALUES * np.nan, {"units": "degrees_north"}),
                "nav_lon": (("j", "i"), VALUES, {"units": "degrees_east"}),
                "v": (("j", "i"), VALUES, {"coordinates": "nav_lat nav_lon"}),
            },
            "none of the longitudes and latitudes",
        ),
        (
            {
                "rlat": (("rlat",), [1.0, 2.0], {"units": "degrees"}),
                "rlon": (("rlon",), [1.0, 2.0], {"units": "degrees"}),
                "v": (("rlat", "rlon"), VALUES, {}),
            },
            "no grid mapping",
        ),
        (
            {
                "lat": LAT,
                "lon": LON,
                "time": (("time",), [0.0, 1.0], {"units": "days since yesterday", "standard_name": "time"}),
                "v": (("time", "lat", "lon"), np.zeros((2, 2, 2)), {}),
            },
            "time axis 'time'",
        ),
    ],
)
def test_what_has_no_place_is_refused_with_the_reason(make_file, variables, reason) -> None:
    with pytest.raises(RasterError, match=reason):
        RasterFile(make_file(variables))


def test_only_data_is_listed_not_texts_bounds_coordinates_and_mappings(make_file) -> None:
    variables = {
        "lat": (("lat",), [50.0, 51.0], {"bounds": "lat_bnds"}),
        "lat_bnds": (("lat", "bnds"), [[49.5, 50.5], [50.5, 51.5]], {}),
        "lon": LON,
        "name": (("lat",), np.array(["north", "south"]), {}),
        "crs": ((), np.int32(0), {"grid_mapping_name": "latitude_longitude", "earth_radius": 6371229.0}),
        "height": ((), 2.0, {"units": "m"}),
        "area": (("lat", "lon"), VALUES, {}),
        "v": (("lat", "lon"), VALUES, {"grid_mapping": "crs", "coordinates": "height area"}),
    }
    with RasterFile(make_file(variables)) as file:
        assert list(file.variables) == ["v"]
        assert file.skipped == {}
        assert file.variable("v").grid.crs.ellipsoid.semi_major_metre == 6371229


@pytest.mark.parametrize(
    ("name", "variable", "lat", "lon"),
    [("space_weather.nc", "TEC", "latitude", "longitude"), ("toa_brightness_stereographic.nc", "data", "lat", "lon")],
)
def test_projected_samples_lie_where_their_own_two_dimensional_coordinates_say(
    samples, name, variable, lat, lon
) -> None:
    import netCDF4

    with RasterFile(samples / name) as file, netCDF4.Dataset(samples / name) as dataset:
        grid = file.variable(variable).grid
        ours = grid.to_lonlat(*np.meshgrid(grid.xs, grid.ys))
        theirs = dataset[lon][:], dataset[lat][:]
    assert np.abs(ours[1] - theirs[1]).max() < 1e-4
    if not np.ma.is_masked(theirs[0]):  # the longitudes of the first were never written
        assert np.abs((ours[0] - theirs[0] + 180) % 360 - 180).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "variables", "geographic"),
    [
        ("A1B_north_america.nc", ["air_temperature"], True),
        ("orca2_votemper.nc", ["votemper"], True),
        ("NEMO/nemo_1m_20150101-20150201_grid-T.nc", ["tos"], True),
        ("E1_north_america.nc", ["air_temperature"], True),
        ("hybrid_height.nc", ["air_potential_temperature"], False),
        ("ostia_monthly.nc", ["surface_temperature"], True),
        ("rotated_pole.nc", ["air_pressure_at_sea_level"], False),
        ("space_weather.nc", ["Ne", "TEC"], False),
        ("toa_brightness_stereographic.nc", ["data"], False),
    ],
)
def test_real_files_are_placed(samples, name, variables, geographic) -> None:
    with RasterFile(samples / name) as file:
        assert list(file.variables) == variables
        assert file.skipped == {}
        assert all(info.grid.is_geographic == geographic for info in file.variables.values())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SOI_Darwin.nc", "no latitude and longitude"),
        ("atlantic_profiles.nc", "neither rises nor falls"),  # its first longitude is its last
        ("mesh_C4_synthetic_float.nc", "unstructured mesh"),
        ("vlstr_type.nc", "one step and no bounds"),
    ],
)
def test_real_files_that_cannot_be_placed_are_refused_clearly(samples, name, reason) -> None:
    with pytest.raises(RasterError, match=reason):
        RasterFile(samples / name)
