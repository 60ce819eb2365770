"""References become rasters."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidReference, RasterError
from geojobs_lab.rasters import write_raster
from geojobs_lab.services.references import FileResolver


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    days = np.array(["2000-01-01", "2000-01-03"], "M8[s]")
    data = xr.DataArray(
        np.arange(8.0).reshape(2, 2, 2),
        coords={"time": days, "lat": [50.0, 51.0], "lon": [10.0, 11.0]},
        dims=("time", "lat", "lon"),
    )
    write_raster(tmp_path / "one.nc", {"t": data}, {})
    write_raster(tmp_path / "two.nc", {"t": data, "p": data}, {})
    (tmp_path / "torn.nc").write_text("no data")
    return {name: str(tmp_path / f"{name.rpartition('/')[2]}.nc") for name in ("one", "more/two", "torn", "gone")}


def reference(text: str) -> ServiceReference:
    return ServiceReference.parse(text)


def test_a_whole_variable_or_one_time_of_it_is_opened(paths) -> None:
    resolver = FileResolver(paths)
    assert resolver.raster(reference("service://one")).shape == (2, 2, 2)
    assert resolver.raster(reference("service://more/two:p")).name == "p"
    assert resolver.raster(reference("service://one:t@946857600")).values.tolist() == [[4, 5], [6, 7]]
    assert resolver.raster(reference("service://one@2000-01-02")).values.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("service://three:t", "no service 'three'; there are 'gone', 'more/two', 'one', 'torn'"),
        ("service://one:p", "no variable 'p'; there are 't'"),
        ("service://more/two", "one of 't', 'p'"),
        ("service://one:t@2000-01-02", "2000-01-01T00:00:00Z"),
    ],
)
def test_what_a_reference_cannot_mean_is_refused_naming_the_reference(paths, text: str, reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason) as caught:
        FileResolver(paths, best_fit=False).raster(reference(text))
    assert str(caught.value).startswith(text)
    assert caught.value.field == "inputs"


@pytest.mark.parametrize(
    ("text", "reason"), [("service://torn:t", "cannot be read as NetCDF"), ("service://gone", "no file")]
)
def test_a_service_whose_file_is_bad_says_so_without_its_path(paths, tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RasterError, match=reason) as caught:
        FileResolver(paths).raster(reference(text))
    assert str(caught.value).startswith(text)
    assert str(tmp_path) not in str(caught.value)


def test_many_services_are_not_all_listed() -> None:
    with pytest.raises(InvalidReference, match="and 90 more") as caught:
        FileResolver({f"s{number:02d}": "x" for number in range(100)}).raster(reference("service://other"))
    assert len(str(caught.value)) < 300
