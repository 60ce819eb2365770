"""Geometries and whole datasets: GeoJSON, files, services."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import netCDF4
import numpy as np
import pytest
import shapely
import xarray as xr

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import RunError
from geojobs_lab.parameters import (
    FeatureCollectionParameter,
    FeatureDatasetParameter,
    FeatureParameter,
    ListParameter,
    MultipleParameter,
    ParameterNotValidError,
    RasterDatasetParameter,
    RasterParameter,
)
from geojobs_lab.parameters.base import to_json

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 0]]
GEOMETRIES = [
    {"type": "Point", "coordinates": [7, 50]},
    {"type": "Point", "coordinates": [7, 50, 120]},
    {"type": "MultiPoint", "coordinates": [[7, 50], [8, 51]]},
    {"type": "LineString", "coordinates": [[7, 50], [8, 51]]},
    {"type": "MultiLineString", "coordinates": [[[7, 50], [8, 51]], [[0, 0], [1, 1]]]},
    {"type": "Polygon", "coordinates": [SQUARE, [[0.5, 0.2], [0.6, 0.2], [0.6, 0.3], [0.5, 0.2]]]},
    {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[5, 5], [6, 5], [6, 6], [5, 5]]]]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [7, 50]}]},
]
POINT, POLYGON = GEOMETRIES[0], GEOMETRIES[5]


def feature(where, **properties):
    return {"type": "Feature", "geometry": where, "properties": properties}


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


class Nothing:
    """A resolver that is asked for nothing, or remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def raster(self, reference):
        self.asked.append(("raster", str(reference)))
        return xr.DataArray([[1.0]])

    def dataset(self, reference):
        self.asked.append(("dataset", str(reference)))
        return xr.Dataset({"a": 1.0})


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry["type"])
def test_geojson_becomes_a_shapely_geometry_and_back(geometry):
    parameter = FeatureParameter("x")
    shape = shapely.geometry.shape(geometry)
    for value in (geometry, feature(geometry, name="a"), json.dumps(geometry), json.dumps(feature(geometry)), shape):
        assert parameter.clean(value).equals_exact(shape)
    assert to_json(shape) == json.loads(json.dumps(shapely.geometry.mapping(shape)))
    assert parameter.clean(to_json(shape)).equals_exact(shape)


def test_an_empty_geometry_is_one():
    for shape in (shapely.Point(), shapely.Polygon(), shapely.MultiPolygon(), shapely.LineString()):
        assert FeatureParameter("x").clean(to_json(shape)).equals_exact(shape)


class Speaking:
    """Somebody's own class, which says what it is as geometries do."""

    __geo_interface__ = {"type": "Point", "coordinates": (7.0, 50.0)}


def test_what_speaks_geojson_is_heard():
    assert FeatureParameter("x").clean(Speaking()) == shapely.Point(7, 50)
    assert FeatureParameter("x").clean(shapely.LinearRing(SQUARE)).geom_type == "LineString"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"type": "Point", "coordinates": [7]}, "its positions must be lists of two or three numbers each, not [[7]]"),
        ({"type": "Point", "coordinates": [7, "50"]}, "its positions must be lists of two or three numbers each, not"),
        ({"type": "Point", "coordinates": [7, None]}, "its positions must be lists of two or three numbers each, not"),
        ({"type": "Point", "coordinates": [7, float("nan")]}, "its coordinates must be finite numbers"),
        (shapely.Point(7, float("inf")), "its coordinates must be finite numbers"),
        (shapely.Point(7, 50, float("nan")), "its coordinates must be finite numbers"),
        ({"type": "Point"}, "its 'coordinates' must be a list, not null"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "A linearring requires at least 4 coordinates"),
        ({"type": "LineString", "coordinates": [[0, 0]]}, "point array must contain 0 or >1 elements"),
        ({"type": "Circle", "coordinates": [0, 0]}, "its type must be one of Point, MultiPoint, LineString,"),
        ({"type": "FeatureCollection", "features": []}, "its type must be one of Point, MultiPoint, LineString,"),
        ({"type": "Feature", "geometry": None}, "it has no geometry"),
        ({}, "its type must be one of"),
        ("POINT (7 50)", "Expecting value: line 1 column 1"),
        (5, "it is no GeoJSON object"),
        (None, "it has no geometry"),
    ],
    ids=str,
)
def test_what_is_no_geometry_is_refused_with_the_reason(value, why):
    with pytest.raises(ParameterNotValidError) as caught:
        FeatureParameter("x").clean(value)
    said = str(caught.value)
    assert said.startswith("x: must be a geometry or feature in GeoJSON, or a shapely geometry, not ")
    assert f": {why}" in said
    assert "\n" not in said


def test_other_geometry_types_than_the_wanted_are_refused():
    parameter = FeatureParameter("x", geometry_types=["Polygon", "MultiPolygon"])
    assert parameter.clean(POLYGON).geom_type == "Polygon"
    with pytest.raises(ParameterNotValidError, match=r"in GeoJSON \(Polygon or MultiPolygon\), .*: it is a Point$"):
        parameter.clean(POINT)
    with pytest.raises(ParameterNotValidError, match=r"^x\[1\]: .*: it is a Point$"):
        FeatureCollectionParameter("x", geometry_types=["Polygon"]).clean([POLYGON, POINT])
    with pytest.raises(ValueError, match=r"x: the geometry types must be among Point, .*: \['Circle'\]"):
        FeatureParameter("x", geometry_types=["Circle"])


POINTS = [shapely.Point(7, 50), shapely.Point(8, 51)]


@pytest.mark.parametrize(
    "value",
    [
        POINTS,
        tuple(POINTS),
        iter(POINTS),
        np.array(POINTS),
        gpd.GeoSeries(POINTS),
        gpd.GeoDataFrame({"a": [1, 2]}, geometry=POINTS),
        shapely.GeometryCollection(POINTS),
        collection(*(feature(to_json(point)) for point in POINTS)),
        json.dumps(collection(*(feature(to_json(point)) for point in POINTS))),
        {"type": "GeometryCollection", "geometries": to_json(POINTS)},
        [to_json(POINTS[0]), feature(to_json(POINTS[1]))],
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_form_of_a_collection_becomes_a_list_of_geometries(value):
    assert FeatureCollectionParameter("x").clean(value) == POINTS


def test_a_single_geometry_is_a_collection_of_one():
    parameter = FeatureCollectionParameter("x")
    assert parameter.clean(POINT) == parameter.clean(json.dumps(POINT)) == [POINTS[0]]
    assert parameter.clean(shapely.MultiPoint(POINTS)) == [shapely.MultiPoint(POINTS)]
    assert parameter.clean([]) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "x[0]: must be a geometry or feature in GeoJSON, or a shapely geometry, not 5: it is no GeoJSON object"),
        (np.int64(5), "x[0]: must be a geometry or feature in GeoJSON, or a shapely geometry, not "),
        ([POINT, {"type": "Point"}], "x[1]: must be a geometry or feature in GeoJSON, or a shapely geometry, not "),
        (collection(feature(None)), "x[0]: must be a geometry or feature in GeoJSON, or a shapely geometry, not "),
        ({"type": "FeatureCollection"}, "x: must be a list of geometries, or a collection in GeoJSON, not "),
        ("nonsense", "x: must be a list of geometries, or a collection in GeoJSON, not 'nonsense': Expecting value"),
    ],
)
def test_a_refused_collection_says_which_item_is_wrong(value, message):
    with pytest.raises(ParameterNotValidError) as caught:
        FeatureCollectionParameter("x").clean(value)
    assert str(caught.value).startswith(message)


def test_the_schemas_are_those_of_geojson():
    assert FeatureParameter("x", geometry_types=["Point"]).json_schema() == {
        "type": "object",
        "format": "geojson",
        "properties": {"type": {"enum": ["Point", "Feature"]}},
        "required": ["type"],
    }
    assert FeatureCollectionParameter("x").json_schema()["type"] == ["object", "array"]
    assert FeatureDatasetParameter("x").json_schema()["properties"]["type"] == {"enum": ["FeatureCollection"]}
    assert RasterDatasetParameter("x").json_schema() == {"type": "string", "pattern": "^service://[^:@]+$"}


def frame():
    return gpd.GeoDataFrame({"name": ["Köln", "Bonn"], "people": [1.1, np.nan]}, geometry=POINTS, crs="EPSG:4326")


def test_a_feature_dataset_comes_from_geojson():
    value = collection(feature(POINT, name="Köln", people=1.1), feature(None, name="Bonn", geometry="x"))
    parameter = FeatureDatasetParameter("x")
    for given in (value, json.dumps(value)):
        made = parameter.resolve(parameter.clean(given), Nothing())
        assert isinstance(made, gpd.GeoDataFrame)
        assert made.crs == "EPSG:4326"
        assert list(made["name"]) == ["Köln", "Bonn"]
        assert np.isnan(made["people"][1])
        assert list(made.geometry) == [POINTS[0], None]
    assert parameter.resolve(parameter.clean(collection()), Nothing()).crs == "EPSG:4326"


def test_a_geodataframe_is_taken_as_it_is_and_its_json_is_in_degrees():
    parameter, moved = FeatureDatasetParameter("x"), frame().to_crs(3857)
    assert parameter.resolve(parameter.clean(moved), Nothing()) is moved
    assert not parameter.clean(moved).crs.is_geographic
    document = to_json(moved)
    assert document["features"][0]["geometry"]["coordinates"] == pytest.approx([7, 50])
    assert document["features"][1]["properties"] == {"name": "Bonn", "people": None}
    assert parameter.clean(document)["type"] == "FeatureCollection"


@pytest.mark.parametrize(("file", "driver"), [("places.gpkg", "GPKG"), ("places.shp", "ESRI Shapefile")])
def test_a_file_of_features_is_read_when_the_task_runs(tmp_path, file, driver):
    parameter = FeatureDatasetParameter("x")
    path = parameter.clean(tmp_path / file)
    assert path == tmp_path / file  # not even looked for
    frame().to_crs(3857).to_file(path, driver=driver)
    made = parameter.resolve(path, Nothing())
    assert made.crs == "EPSG:3857"
    assert list(made["name"]) == ["Köln", "Bonn"]
    assert [(point.x, point.y) for point in made.to_crs(4326).geometry] == [
        pytest.approx((7, 50)),
        pytest.approx((8, 51)),
    ]


def test_a_file_that_holds_no_features_is_refused_by_its_name_alone(tmp_path):
    parameter = FeatureDatasetParameter("x")
    (tmp_path / "broken.gpkg").write_text("nothing")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for file, said in (
        ("missing.gpkg", "x: there is no file 'missing.gpkg'"),
        ("broken.gpkg", "x: 'broken.gpkg' cannot be read as features"),
        ("table.csv", "x: 'table.csv' holds a table without geometries"),
    ):
        with pytest.raises(RunError) as caught:
            parameter.resolve(tmp_path / file, Nothing())
        assert str(caught.value).startswith(said)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (POINT, "it is no FeatureCollection"),
        ("places.gpkg", "Expecting value"),
        ([feature(POINT)], "it is no FeatureCollection"),
        ({"type": "FeatureCollection", "features": {}}, "its 'features' must be a list, not {}"),
        (collection(POINT), "features[0]: it is no Feature"),
        (collection(feature(POINT), {"type": "Feature", "properties": [1]}),
         "features[1]: its properties must be an object, not [1]"),
        (collection(feature({"type": "Point", "coordinates": [1]})), "features[0]: its positions must be lists"),
        (collection(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}),
         "GeoJSON is in longitude and latitude (RFC 7946), and its 'crs' says 'urn:ogc:def:crs:EPSG::3857'"),
    ],
)  # fmt: skip
def test_what_is_no_feature_dataset_is_refused_with_the_reason(value, why):
    with pytest.raises(ParameterNotValidError) as caught:
        FeatureDatasetParameter("x").clean(value)
    assert str(caught.value).startswith(
        "x: must be a FeatureCollection in GeoJSON (in Python a geopandas.GeoDataFrame or a Path too)"
    )
    assert f": {why}" in str(caught.value)


def test_without_geopandas_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "geopandas", None)
    parameter = FeatureDatasetParameter("x")
    for value in (parameter.clean(collection()), Path("places.gpkg")):
        with pytest.raises(RunError, match=r"x: feature datasets need geopandas: pip install 'geojobs_lab\[vector\]'"):
            parameter.resolve(value, Nothing())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        for name, values in (("lat", [1.0, 0.0]), ("lon", [5.0, 6.0, 7.0])):
            dataset.createDimension(name, len(values))
            dataset.createVariable(name, "f8", (name,))[:] = values
            dataset[name].units = {"lat": "degrees_north", "lon": "degrees_east"}[name]
        for number, name in enumerate(("warm", "cold")):
            dataset.createVariable(name, "f4", ("lat", "lon"))[:] = number
    return path


def test_a_raster_dataset_comes_from_a_path_or_the_older_kind_of_dataset(file):
    parameter = RasterDatasetParameter("x")
    made = parameter.resolve(parameter.clean(file), Nothing())
    assert set(made.data_vars) >= {"warm", "cold"}
    assert float(made["cold"].mean()) == 1.0
    made.close()
    with netCDF4.Dataset(file) as older:
        converted = parameter.resolve(parameter.clean(older), Nothing())
    assert isinstance(converted, xr.Dataset)
    assert float(converted["cold"].mean()) == 1.0  # the older one is closed by now
    converted.close()
    assert parameter.resolve(parameter.clean(converted), Nothing()) is converted
    with pytest.raises(ParameterNotValidError, match="x: must be a raster dataset: .*: it is closed"):
        parameter.resolve(older, Nothing())


def test_a_raster_dataset_is_a_whole_service():
    parameter, resolver = RasterDatasetParameter("x"), Nothing()
    reference = parameter.clean("service://climate/a1b")
    assert reference == ServiceReference("climate/a1b")
    assert list(parameter.references(reference)) == [reference]
    assert set(parameter.resolve(reference, resolver).data_vars) == {"a"}
    assert resolver.asked == [("dataset", "service://climate/a1b")]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("service://a:v", "not 'service://a:v': the whole service is wanted, and a variable is named"),
        ("service://a@2070", "not 'service://a@2070': the whole service is wanted, and a time is named"),
        ("two.nc", "x: must be a raster dataset: a service like 'service://name' (in Python an"),
        ("/etc/passwd", "not '/etc/passwd'"),
        (xr.DataArray([[1.0]]), "not DataArray of shape (1, 1)"),
        ({"a": 1}, "not {'a': 1}"),
    ],
)
def test_what_is_no_raster_dataset_is_refused(value, said):
    with pytest.raises(ParameterNotValidError) as caught:
        RasterDatasetParameter("x").clean(value)
    assert said in str(caught.value)


def test_inside_other_kinds_each_kind_resolves_what_it_cleaned(file):
    resolver = Nothing()
    datasets = ListParameter(RasterDatasetParameter(""), "x")
    cleaned = datasets.clean(["service://a", file])
    assert [str(reference) for reference in datasets.references(cleaned)] == ["service://a"]
    first, second = datasets.resolve(cleaned, resolver)
    assert set(first.data_vars) == {"a"}
    assert "warm" in second
    second.close()
    either = MultipleParameter([RasterDatasetParameter(""), RasterParameter("")], "x")
    for text in ("service://a", "service://a:v"):
        either.resolve(either.clean(text), resolver)
    assert resolver.asked == [("dataset", "service://a"), ("dataset", "service://a"), ("raster", "service://a:v")]


def test_a_path_is_no_default():
    for kind in (RasterDatasetParameter, FeatureDatasetParameter):
        with pytest.raises(ParameterNotValidError, match="x: the default must have a JSON form"):
            kind("x", default=Path("two.nc"))


def test_checking_references_and_paths_loads_no_library():
    code = (
        "import sys, pathlib, geojobs_lab.parameters as p;"
        "p.RasterDatasetParameter('x').clean('service://a');"
        "p.RasterDatasetParameter('x').clean(pathlib.Path('a'));"
        "p.FeatureDatasetParameter('x').clean(pathlib.Path('a'));"
        "print(sorted({'numpy', 'xarray', 'netCDF4', 'pandas', 'shapely', 'pyproj', 'geopandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
