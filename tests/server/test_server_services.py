"""``services/`` as rest.md has it: what is published, publishing, changing and removing."""

import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import psutil
import pytest
import xarray as xr

RENDERER = {"type": "stretched", "colors": [[0, "#000000"], [300, "#ff0000"]]}


@pytest.fixture
def published(api: httpx.Client, world: Path, published_dir: Path) -> Any:
    """A service of its own for a test, by path, removed when it is over."""
    file = published_dir / "mine.nc"
    shutil.copy(world, file)
    answer = api.post("services/", json={"name": "mine", "path": str(file), "title": "Mine", "renderer": RENDERER})
    assert answer.status_code == 201, answer.text
    yield answer.json()
    assert api.delete("services/mine/").status_code in (204, 404)
    file.unlink(missing_ok=True)


def test_services_are_listed_with_those_that_cannot_be_published(api: httpx.Client) -> None:
    page = api.get("services/").json()
    assert page.keys() == {"count", "next", "previous", "results"}
    services = {service["name"]: service for service in page["results"]}
    assert services["world"]["state"] == services["climate/deep"]["state"] == "ready"
    assert services["missing"]["state"] == "unavailable"
    assert services["missing"]["reason"]
    assert "/nowhere" not in services["missing"]["reason"]
    assert [variable["name"] for variable in services["world"]["variables"]] == ["temperature", "wind"]
    assert "stops" not in services["world"]["variables"][0]["time"]
    small = api.get("services", params={"limit": 1, "offset": 1}).json()
    assert (small["count"], len(small["results"])) == (page["count"], 1)
    assert small["next"]
    assert small["previous"]


def test_a_service_tells_what_is_in_it(api: httpx.Client) -> None:
    service = api.get("services/world/").json()
    assert {"name": "world", "state": "ready", "title": "A small world", "temporary": False}.items() <= service.items()
    assert service.keys() >= {"description", "created", "expires", "job", "reason"}
    assert (service["expires"], service["job"]) == (None, None)
    assert service["crs"]["epsg"] == 4326
    assert service["extent"] == [-180, -90, 180, 90]
    assert service["lonlat_bounds"] == [-180, -90, 180, 90]
    temperature, wind = service["variables"]
    expected = {"name": "temperature", "units": "K", "long_name": "Air temperature", "dtype": "float32"}
    assert expected.items() <= temperature.items()
    assert temperature["shape"] == [3, 90, 180]
    assert temperature["time"]["calendar"] == "360_day"
    assert [stop["iso"][:10] for stop in temperature["time"]["stops"]] == ["2000-01-16", "2000-02-16", "2000-03-16"]
    assert temperature["time"]["stops"][0]["timestamp"] == 947_980_800
    assert temperature["renderer"] is None
    assert [dimension["name"] for dimension in wind["other_dimensions"]] == ["level"]


def test_the_urls_of_a_service_are_root_relative_and_lead_there(api: httpx.Client, server: Any) -> None:
    for name in ("world", "climate/deep"):
        service = api.get(f"services/{name}/").json()
        urls = [service["url"], service["urls"]["download"]]
        for variable in service["variables"]:
            urls += [
                url + "?lon=1&lat=1" if key in ("value", "series") else url for key, url in variable["urls"].items()
            ]
        assert len(urls) == 22
        for url in urls:
            assert url.startswith(f"{server.path}services/{name}/")
            url = url.replace("{z}", "1").replace("{x}", "0").replace("{y}", "0")
            assert api.get(urljoin(server.api, url)).status_code == 200


@pytest.mark.parametrize("name", ["climate/deep", "climate%2Fdeep", "climate%2fdeep", "%63limate/deep"])
def test_a_name_with_a_slash_is_found_however_it_is_written(api: httpx.Client, name: str) -> None:
    service = api.get(f"services/{name}/").json()
    assert service["name"] == "climate/deep"
    assert api.get(f"services/{name}").json() == service
    answer = api.get(f"services/{name}/variables/temperature/value/?lon=1&lat=1")
    assert answer.json()["value"] == 1
    assert api.get(f"services/{name}/download").status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "services/nothing/",
        "services/climate/",
        "services/%2e%2e/",
        "services/%2e%2e/%2e%2e/geojobs.sqlite",
        "services/world%2f..%2fworld/",
        "services/nothing/download/",
        "services/nothing/variables/temperature/tilejson.json",
        "services/nothing/variables/temperature/tiles/0/0/0.png",
        "services/world/variables/humidity/tiles/0/0/0.png",
        "services/world/variables/humidity/value/?lon=1&lat=1",
        "services/world/variables/..%2ftemperature/legend.json",
    ],
)
def test_an_unknown_service_or_variable_is_not_found(api: httpx.Client, url: str) -> None:
    answer = api.get(url)
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_an_unavailable_service_serves_nothing_and_says_why(api: httpx.Client) -> None:
    for url in ("download/", "variables/x/tiles/0/0/0.png", "variables/x/statistics/", "variables/x/tilejson.json"):
        answer = api.get(f"services/missing/{url}")
        assert answer.status_code == 503
        assert "unavailable" in answer.json()["message"]
        assert "/nowhere" not in answer.json()["message"]


def test_a_file_is_downloaded(api: httpx.Client, world: Path) -> None:
    answer = api.get("services/world/download/")
    assert answer.content == world.read_bytes()
    assert answer.headers["Content-Type"] == "application/netcdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="world.nc"'
    assert api.get("services/world/download", params={"format": "nc"}).content == answer.content
    again = api.get("services/world/download/", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_published_result_opens_in_xarray(api: httpx.Client, result: str, tmp_path: Path) -> None:
    file = tmp_path / "result.nc"
    file.write_bytes(api.get(f"services/{result}/download/?format=nc").content)
    with xr.open_dataset(file) as dataset:
        assert float(dataset["data"].isel(time=0, latitude=45, longitude=90)) == 2  # 1 N
        assert dataset.attrs["geojobs_job"] == "doubled"
        assert dataset.attrs["geojobs_uuid"] == result.partition("/")[0]


def test_a_temporary_service_tells_when_it_goes(api: httpx.Client, result: str) -> None:
    service = api.get(f"services/{result}/").json()
    assert service["expires"] > service["created"]


def test_a_temporary_service_can_be_kept(api: httpx.Client, result: str) -> None:
    answer = api.patch(f"services/{result}/", json={"temporary": False})
    assert answer.status_code == 200
    assert (answer.json()["temporary"], answer.json()["expires"]) == (False, None)
    assert api.get(f"services/{result}/").json() == answer.json()
    assert api.delete(f"services/{result}/").status_code == 204


def test_a_file_is_published_by_its_path(published: dict[str, Any], api: httpx.Client) -> None:
    assert {"name": "mine", "title": "Mine", "state": "ready", "temporary": False}.items() <= published.items()
    assert api.get("services/mine/").json() == published
    renderer = published["variables"][0]["renderer"]
    assert renderer["colors"] == [[0, "#000000"], [300, "#ff0000"]]
    assert api.get("services/mine/variables/wind/legend.json").json()["entries"]


def test_publishing_says_where_the_service_is(api: httpx.Client, server: Any, world: Path, published_dir: Path) -> None:
    shutil.copy(world, published_dir / "relative.nc")
    answer = api.post("services/", json={"name": "rel/ative", "path": "relative.nc"})
    assert answer.headers["Location"] == f"{server.path}services/rel/ative/" == answer.json()["url"]
    assert answer.json()["title"] == "A small world"
    assert api.delete("services/rel/ative/").status_code == 204
    assert (published_dir / "relative.nc").exists()  # not the server's file


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"path": "mine.nc"}, "name"),
        ({"name": 5, "path": "mine.nc"}, "name"),
        ({"name": "../mine", "path": "mine.nc"}, "name"),
        ({"name": "a/../b", "path": "mine.nc"}, "name"),
        ({"name": "a//b", "path": "mine.nc"}, "name"),
        ({"name": "/a", "path": "mine.nc"}, "name"),
        ({"name": "a b", "path": "mine.nc"}, "name"),
        ({"name": "x"}, "path"),
        ({"name": "x", "path": None}, "path"),
        ({"name": "x", "path": ["mine.nc"]}, "path"),
        ({"name": "x", "path": "/etc/passwd"}, "path"),
        ({"name": "x", "path": "../../etc/passwd"}, "path"),
        ({"name": "x", "path": "nothing.nc"}, "path"),
        ({"name": "x", "path": "mine.nc\0"}, "path"),
        ({"name": "x", "path": "text.nc"}, "path"),
        ({"name": "x", "path": "mine.nc", "title": 5}, "title"),
        ({"name": "x", "path": "mine.nc", "renderer": "red"}, "renderer"),
        ({"name": "x", "path": "mine.nc", "renderer": {"type": "magic"}}, "renderer"),
        ({"name": "x", "path": "mine.nc", "renderer": [1]}, "renderer"),
    ],
)
def test_wrong_publishing_is_refused(
    api: httpx.Client, published: dict[str, Any], published_dir: Path, fields: dict[str, Any], field: str
) -> None:
    (published_dir / "text.nc").write_text("this is no NetCDF")
    answer = api.post("services/", json=fields)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"].keys() == {field}
    assert str(published_dir) not in answer.text
    assert api.get("services/x/").status_code == 404


def test_a_path_outside_the_roots_tells_nothing_of_it(api: httpx.Client, published_dir: Path, world: Path) -> None:
    (published_dir / "link.nc").symlink_to(world)
    texts = []
    for path in (str(world), str(world) + "x", "link.nc"):
        answer = api.post("services/", json={"name": "x", "path": path})
        assert answer.status_code == 400
        texts.append(answer.json()["message"].replace(path, "…"))
    assert len(set(texts)) == 1


def test_a_name_is_given_once(api: httpx.Client, published: dict[str, Any]) -> None:
    for name in ("mine", "world"):
        answer = api.post("services/", json={"name": name, "path": "mine.nc"})
        assert answer.status_code == 409
        assert name in answer.json()["message"]


def test_the_title_and_the_renderer_can_be_changed(api: httpx.Client, published: dict[str, Any]) -> None:
    changed = api.patch("services/mine", json={"title": "Renamed"}).json()
    assert changed["title"] == "Renamed"
    renderer = {"type": "stretched", "colors": [[0, "#000000"], [1, "#00ff00"]]}
    changed = api.patch("services/mine/", json={"renderer": renderer, "variable": "wind"}).json()
    colors = {variable["name"]: variable["renderer"]["colors"][1][1] for variable in changed["variables"]}
    assert colors == {"temperature": "#ff0000", "wind": "#00ff00"}
    assert changed["title"] == "Renamed"
    tiles = {document["variables"][0]["urls"]["tiles"] for document in (published, changed)}
    assert len(tiles) == 2  # browsers must not show what they remember


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"temporary": "no"}, "temporary"),
        ({"title": 5}, "title"),
        ({"title": ""}, "title"),
        ({"renderer": {"type": "magic"}}, "renderer"),
        ({"renderer": "{"}, "renderer"),
        ({"path": "/etc/passwd"}, "path"),
        ({"name": "other"}, "name"),
    ],
)
def test_a_wrong_change_is_refused(
    api: httpx.Client, published: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    answer = api.patch("services/mine/", json=fields)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {field}
    assert api.get("services/mine/").json() == published


def test_a_change_of_what_is_not_there_is_not_found(api: httpx.Client) -> None:
    assert api.patch("services/nothing/", json={"title": "x"}).status_code == 404
    assert api.delete("services/nothing/").status_code == 404


def test_what_the_configuration_publishes_is_changed_there(api: httpx.Client) -> None:
    for answer in (api.patch("services/world/", json={"title": "x"}), api.delete("services/world/")):
        assert answer.status_code == 409
        assert "configuration" in answer.json()["message"]


# -- uploads


def uploads_of(server: Any) -> list[Path]:
    """The files that are uploaded, or being so; each server has a folder of its own for them."""
    return [path for path in server.folder.glob("data/geojobs_lab/uploads/*/*") if path.is_file()]


def test_an_uploaded_file_is_published_and_removed_with_its_service(
    api: httpx.Client, server: Any, world: Path
) -> None:
    fields = {
        "name": "up/loaded",
        "title": "Uploaded",
        "renderer": '{"type": "stretched", "colors": [[0, "#000"], [9, "#fff"]]}',
    }
    answer = api.post("services/", data=fields, files={"file": ("any name.nc", world.read_bytes())})
    assert answer.status_code == 201, answer.text
    assert {"name": "up/loaded", "title": "Uploaded", "state": "ready"}.items() <= answer.json().items()
    assert answer.json()["variables"][0]["renderer"]["colors"][1] == [9, "#ffffff"]
    assert api.get("services/up/loaded/download/").content == world.read_bytes()
    (file,) = uploads_of(server)
    assert file.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (file.parent, file.parent.parent)} == {0o700}
    assert file.stat().st_mode & 0o077 == 0
    assert api.delete("services/up/loaded/").status_code == 204
    assert uploads_of(server) == []


@pytest.mark.parametrize(
    ("fields", "files", "field"),
    [
        ({"name": "x"}, {"file": ("x.nc", b"this is no NetCDF")}, "file"),
        ({"name": "../x"}, {"file": ("x.nc", b"this is no NetCDF")}, "name"),
        ({}, {"file": ("x.nc", b"anything")}, "name"),
        ({"name": "x"}, {"other": ("x.nc", b"anything")}, "other"),
        ({"name": "x"}, [("file", ("x.nc", b"1")), ("file", ("y.nc", b"2"))], "file"),
        ({"name": "x"}, {"file": (None, b"no file")}, "path"),
        ({"name": "x", "renderer": "{"}, {"file": ("x.nc", b"anything")}, "renderer"),
    ],
)
def test_a_wrong_upload_is_refused_and_not_kept(
    api: httpx.Client, server: Any, fields: dict[str, str], files: Any, field: str
) -> None:
    answer = api.post("services/", data=fields, files=files)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {field}
    assert uploads_of(server) == []


def test_an_upload_whose_name_is_taken_is_not_kept(api: httpx.Client, server: Any, world: Path) -> None:
    answer = api.post("services/", data={"name": "world"}, files={"file": ("x.nc", world.read_bytes())})
    assert answer.status_code == 409
    assert uploads_of(server) == []


@pytest.mark.parametrize("name", ["odd/download", "odd/variables/x/legend.json", "download", "variables"])
def test_a_name_that_looks_like_a_url_below_a_service_is_found(
    api: httpx.Client, server: Any, world: Path, name: str
) -> None:
    answer = api.post("services/", data={"name": name}, files={"file": ("x.nc", world.read_bytes())})
    url = urljoin(server.api, answer.headers["Location"])
    assert api.get(url).json() == answer.json()
    assert api.get(urljoin(server.api, answer.json()["variables"][0]["urls"]["legend"])).json()["unit"] == "K"
    assert api.delete(url).status_code == 204


def test_a_form_may_leave_fields_empty(api: httpx.Client, world: Path) -> None:
    fields = {"name": "blank", "title": "", "renderer": ""}
    answer = api.post("services/", data=fields, files={"file": ("x.nc", world.read_bytes())})
    assert answer.status_code == 201, answer.text
    assert answer.json()["title"] == "A small world"
    assert api.delete("services/blank/").status_code == 204


def test_an_upload_goes_to_the_disk_and_not_into_memory(api: httpx.Client, server: Any, world: Path) -> None:
    process = psutil.Process(server.process.pid)
    files = {"file": ("x.nc", world.read_bytes())}
    assert api.post("services/", data={"name": "small"}, files=files).status_code == 201  # loads what is loaded once
    assert api.delete("services/small/").status_code == 204
    before, peak = process.memory_info().rss, [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            peak.append(process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    answer = api.post("services/", data={"name": "huge"}, files={"file": ("x.nc", b"x" * 150_000_000)})
    over.set()
    watching.join()
    assert answer.json()["errors"].keys() == {"file"}  # it is no NetCDF file
    assert max(peak) - before < 50_000_000


def test_an_upload_that_breaks_off_is_not_kept(api: httpx.Client, server: Any) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 5_000_000
    head = (
        f"POST {server.path}services/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {server.token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n"
    )
    with socket.create_connection((httpx.URL(server.url).host, httpx.URL(server.url).port)) as line:
        line.sendall(head.encode() + part)
        eventually(lambda: len(uploads_of(server)) == 1)
    eventually(lambda: uploads_of(server) == [])


def test_a_download_that_breaks_off_is_no_fault(api: httpx.Client, server: Any, run: Callable[..., Any]) -> None:
    uuid = run("numbers", size=5_000_000)["uuid"]  # 40 MB, more than any buffer between here and there
    with server.client() as client, client.stream("GET", f"jobs/{uuid}/outputs/result.npy") as answer:
        assert next(answer.iter_raw(10)).startswith(b"\x93NUMPY")
    assert api.delete(f"jobs/{uuid}/").status_code == 204


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
