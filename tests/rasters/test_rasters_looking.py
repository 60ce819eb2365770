"""What a file tells is remembered while it is the same file, and no longer."""

import netCDF4
import numpy as np
import pytest

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import RasterFile, looking

LAT, LON = [50.0, 51.0, 52.0], [10.0, 12.0, 14.0, 16.0]
VALUES = np.arange(12, dtype="f4").reshape(3, 4)


@pytest.fixture
def looks(monkeypatch) -> list[str]:
    """Count the looks into files."""
    seen: list[str] = []

    def scan(dataset):
        seen.append(dataset.filepath())
        return real(dataset)

    real = looking.Scan
    monkeypatch.setattr(looking, "Scan", scan)
    return seen


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_a_file_that_is_opened_again_is_not_looked_into_again(make_lonlat, looks, form) -> None:
    path = make_lonlat(VALUES, LAT, LON, format=form)
    with RasterFile(path) as first:
        told = first.describe()
    with RasterFile(path) as second:
        assert second.describe() == told
        assert (second.read("v", {}) == VALUES).all()
    assert len(looks) == 1


def test_what_was_told_of_a_file_that_has_changed_is_forgotten(make_lonlat, looks) -> None:
    path = make_lonlat(VALUES, LAT, LON)
    RasterFile(path).close()
    with netCDF4.Dataset(path, "a") as dataset:
        dataset["v"].units = "K"
    with RasterFile(path) as file:
        assert file.variable("v").units == "K"
    assert len(looks) == 2


def test_a_file_that_has_taken_the_place_of_another_is_not_read_as_that(make_lonlat) -> None:
    path = make_lonlat(VALUES, LAT, LON)
    RasterFile(path).close()
    with RasterFile(path) as remembered:
        make_lonlat(VALUES[:2], LAT[:2], LON, name="other.nc").replace(path)
        with pytest.raises(RasterError, match="'made.nc' has changed since it was opened"):
            remembered.read("v", {})
    with RasterFile(path) as file:
        assert (file.read("v", {}) == VALUES[:2]).all()


def test_a_side_file_that_comes_later_is_found(make_lonlat, tmp_path) -> None:
    path, side = make_lonlat(VALUES, LAT, LON), tmp_path / "side.nc"
    with RasterFile(path, side) as file:
        assert file.levels("v") == (1,)
    with netCDF4.Dataset(side, "w") as dataset:
        group = dataset.createGroup("overviews/mean/2")
        group.createDimension("lat", 2)
        group.createDimension("lon", 2)
        group.createVariable("v", "f4", ("lat", "lon"))[...] = 7
    for _ in range(2):
        with RasterFile(path, side) as file:
            assert file.levels("v") == (1, 2)
            assert (file.read("v", {}, factor=2) == 7).all()


def test_cells_with_places_of_their_own_are_not_kept(make_file, looks) -> None:
    lat, lon = np.meshgrid(LAT, LON, indexing="ij")
    lat = lat + lon / 100
    coordinates = {
        "lat": (("y", "x"), lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": (("y", "x"), lon, {"standard_name": "longitude", "units": "degrees_east"}),
    }
    path = make_file(coordinates | {"v": (("y", "x"), VALUES, {"coordinates": "lat lon"})})
    for _ in range(2):
        RasterFile(path).close()
    assert len(looks) == 2
