"""How variables are drawn when nobody says it, and what is remembered of their values."""

import threading
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from geojobs_lab.documents import utc_now
from geojobs_lab.rasters import RasterFile
from geojobs_lab.services import styles as module
from geojobs_lab.services.kept import Kept
from geojobs_lab.services.service import Service
from geojobs_lab.services.styles import Styles


def write(path: Path, values: np.ndarray, attributes: dict[str, object], dtype: str = "f4") -> Service:
    with netCDF4.Dataset(path, "w") as file:
        for name, size, units in (("lat", values.shape[0], "degrees_north"), ("lon", values.shape[1], "degrees_east")):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))[:] = np.linspace(1, 40, size)
            file[name].units = units
        file.createVariable("v", dtype, ("lat", "lon"))[:] = values
        file["v"].setncatts(attributes)
    return Service(name="s", path=path, title="s", created=utc_now(), state="ready")


def styles() -> Styles:
    return Styles(lambda service: RasterFile(service.path))


def test_classes_that_tell_their_flags_are_drawn_one_by_one(tmp_path: Path) -> None:
    flags = {"flag_values": np.array([1, 2, 5], "i1"), "flag_meanings": "sea land ice"}
    service = write(tmp_path / "flags.nc", np.array([[1, 2], [5, 1]]), flags, "i1")
    renderer = styles().renderer(service, "v")
    assert renderer.type == "unique"
    assert [entry["label"] for entry in renderer.legend()["entries"]] == ["sea", "land", "ice"]
    odd = write(tmp_path / "odd.nc", np.array([[1, 2], [5, 1]]), {**flags, "flag_meanings": "sea"}, "i1")
    assert styles().renderer(odd, "v").type == "stretched"


def test_other_variables_are_stretched_over_their_values(tmp_path: Path) -> None:
    service = write(tmp_path / "plain.nc", np.array([[1.5, np.nan], [-3, np.inf]]), {})
    renderer = styles().renderer(service, "v")
    assert (renderer.vmin, renderer.vmax) == (-3, 1.5)
    empty = write(tmp_path / "empty.nc", np.full((2, 2), np.nan), {})
    assert styles().renderer(empty, "v").vmax == 1


@pytest.mark.parametrize(("fill", "limits"), [(fill, (250, 300)) for fill in (-9999, -3276.7, 1e20, 1e34)])
def test_a_fill_that_is_not_declared_does_not_spread_the_colours(tmp_path: Path, fill: float, limits: object) -> None:
    service = write(tmp_path / "fill.nc", np.array([[250, fill], [300, 275]]), {})
    renderer = styles().renderer(service, "v")
    assert (renderer.vmin, renderer.vmax) == limits
    assert renderer.fill_value == np.float32(fill)


@pytest.mark.parametrize("values", [[[0, 1], [999, 700]], [[-9999, -9000], [-5000, 8000]], [[0, 300], [301, 302]]])
def test_a_value_that_only_looks_like_a_fill_has_its_colour(tmp_path: Path, values: list[list[float]]) -> None:
    service = write(tmp_path / "plain.nc", np.array(values), {})
    renderer = styles().renderer(service, "v")
    assert (renderer.vmin, renderer.vmax, renderer.fill_value) == (np.min(values), np.max(values), None)


def test_large_layers_without_overviews_are_looked_at_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = write(tmp_path / "large.nc", np.arange(40_000.0).reshape(200, 200), {})
    monkeypatch.setattr("geojobs_lab.rasters.walking.MOST_CELLS", 400)
    assert styles().distribution(service, "v").count == 40_000
    monkeypatch.setattr(module, "_MOST_CELLS", 4_000)
    found = styles().distribution(service, "v")
    assert 3_000 < found.count <= 4_000
    assert (found.low, found.high) == pytest.approx((0, 40_000), abs=5_000)


def test_the_data_are_looked_at_once_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = write(tmp_path / "once.nc", np.arange(12.0).reshape(3, 4), {})
    looked, look = [], module._look

    def slowly(*args: object) -> object:
        looked.append(args)
        time.sleep(0.05)
        return look(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_look", slowly)
    made = styles()
    asked = '{"type": "stretched", "options": {"colormap": "viridis", "pmin": 10}}'
    threads = [threading.Thread(target=made.renderer, args=(service, "v", asked)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.renderer(service, "v", asked.replace("10", "20")).vmin == pytest.approx(2.2)
    assert len(looked) == 1
    write(tmp_path / "other.nc", np.arange(12.0).reshape(3, 4) + 100, {}).path.replace(service.path)
    assert made.renderer(service, "v", asked).vmin > 100
    assert len(looked) == 2


def test_what_fails_is_tried_again_and_the_oldest_is_forgotten() -> None:
    kept: Kept[int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 1) == kept.get("a", lambda: 2) == 1
    kept.get("b", lambda: 1)
    kept.get("a", lambda: 3)
    kept.get("c", lambda: 1)
    assert kept.get("a", lambda: 4) == 1
    assert kept.get("b", lambda: 5) == 5
