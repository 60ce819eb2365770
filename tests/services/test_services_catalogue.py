"""The catalogue: names, files, and what is told of them."""

import asyncio
import shutil
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from services_bench import catalogue_in

from geojobs_lab.database import Database
from geojobs_lab.errors import Conflict, InvalidInput, NotFound, Unavailable
from geojobs_lab.services import Service, ServiceCatalogue, rows

RED_TO_BLUE = {"type": "stretched", "colors": [[0, "#ff0000"], [9, "#00f"]]}


def write(path: Path, *, names: tuple[str, ...] = ("t",)) -> Path:
    coords = {
        "lat": ("lat", [40.0, 41.0, 42.0], {"units": "degrees_north"}),
        "lon": ("lon", [10.0, 11.0, 12.0, 13.0], {"units": "degrees_east"}),
    }
    values = np.arange(12.0, dtype="float32").reshape(3, 4)
    xr.Dataset(dict.fromkeys(names, (("lat", "lon"), values)), coords).to_netcdf(path)
    return path


@pytest.fixture
def opened(tmp_path: Path):
    (tmp_path / "root").mkdir()

    def open_catalogue(**configured: str) -> AbstractAsyncContextManager[ServiceCatalogue]:
        return catalogue_in(tmp_path / "data", configured, roots=[str(tmp_path / "root")], max_age=3600)

    return open_catalogue


async def settled(catalogue: ServiceCatalogue, name: str) -> Service:
    while (service := await catalogue.get(name)).state == "publishing":
        await asyncio.sleep(0.01)
    return service


def test_configured_files_are_looked_into_and_wrong_ones_have_a_reason(opened, tmp_path: Path) -> None:
    good = write(tmp_path / "good.nc")
    text = tmp_path / "text.nc"
    text.write_text("no raster")

    async def scenario() -> None:
        async with opened(good=str(good), gone="/nowhere/gone.nc", text=str(text)) as catalogue:
            service = await settled(catalogue, "good")
            assert (service.state, service.variables, service.temporary) == ("ready", ["t"], False)
            for name in ("gone", "text"):
                service = await settled(catalogue, name)
                assert service.state == "unavailable"
                assert service.reason
                assert "/nowhere" not in service.reason
                assert str(tmp_path) not in service.reason
                with pytest.raises(Unavailable, match=name):
                    catalogue.open(service)

    asyncio.run(scenario())


def test_a_folder_of_a_user_who_is_not_there_is_a_wrong_path_and_no_more(opened) -> None:
    async def scenario() -> None:
        async with opened(lost="~no-such-user/x.nc") as catalogue:
            assert (await settled(catalogue, "lost")).state == "unavailable"
            with pytest.raises(InvalidInput, match="service_roots"):
                await catalogue.publish_path("mine", "~no-such-user/x.nc")

    asyncio.run(scenario())


@pytest.mark.parametrize("age", [1e300, float("inf")])
def test_results_can_be_kept_for_ever(tmp_path: Path, age: float) -> None:
    catalogue = ServiceCatalogue(
        Database(tmp_path / "geojobs.sqlite"), configured={}, data_dir=tmp_path, roots=["~no-such-user"], max_age=age
    )
    made = Service("a", tmp_path / "a.nc", "A", datetime.now(UTC), temporary=True)
    expires = catalogue.expires(made)
    assert expires is not None
    assert expires > datetime.now(UTC) + timedelta(days=36_000)


def test_the_memory_for_blocks_is_what_the_catalogue_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from geojobs_lab.rasters.blocks import BLOCK_CACHE

    monkeypatch.setattr(BLOCK_CACHE, "_limit", BLOCK_CACHE.limit)
    write(tmp_path / "a.nc")
    database = Database(tmp_path / "data" / "geojobs.sqlite")
    catalogue = ServiceCatalogue(database, configured={}, data_dir=tmp_path / "data", block_cache=12_345)
    service = Service(name="a", path=tmp_path / "a.nc", title="a", created=datetime.now(UTC))
    catalogue.open(service)
    assert BLOCK_CACHE.limit == 12_345


def test_a_file_below_the_roots_is_published_where_it_is(opened, tmp_path: Path) -> None:
    path = write(tmp_path / "root" / "sub dir.nc")

    async def scenario() -> None:
        async with opened() as catalogue:
            service = await catalogue.publish_path("a/b", "sub dir.nc", title="Title", renderer=RED_TO_BLUE)
            assert (service.path, service.title, service.owned) == (path, "Title", False)
            assert catalogue.renderer(service, "t").to_json()["colors"] == [[0.0, "#ff0000"], [9.0, "#0000ff"]]
            await catalogue.publish_path("absolute", str(path))
            assert [one.name for one in (await catalogue.list(10, 0))[1]] == ["absolute", "a/b"]
            with pytest.raises(Conflict, match="'a/b'"):
                await catalogue.publish_path("a/b", "sub dir.nc")
            await catalogue.remove("a/b")
            assert path.is_file()
            with pytest.raises(NotFound):
                await catalogue.get("a/b")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "path", ["../secret.nc", "link.nc", "/etc/passwd", "nothing.nc", "", ".", "a\0b", "x" * 5000, "{outside}"]
)
def test_files_elsewhere_are_refused_and_not_told_apart(opened, tmp_path: Path, path: str) -> None:
    outside = write(tmp_path / "secret.nc")
    (tmp_path / "root" / "link.nc").symlink_to(outside)
    given = path.format(outside=outside)

    async def scenario() -> None:
        async with opened() as catalogue:
            with pytest.raises(InvalidInput, match="service_roots") as refusal:
                await catalogue.publish_path("x", given)
            assert refusal.value.field == "path"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "../x"}, "name"),
        ({"renderer": {"type": "unknown"}}, "renderer"),
        ({"path": "text.nc"}, "path"),
    ],
)
def test_what_is_wrong_is_named(opened, tmp_path: Path, arguments: dict[str, Any], field: str) -> None:
    write(tmp_path / "root" / "good.nc")
    (tmp_path / "root" / "text.nc").write_text("no raster")

    async def scenario() -> None:
        async with opened() as catalogue:
            with pytest.raises(InvalidInput) as refusal:
                await catalogue.publish_path(**{"name": "x", "path": "good.nc", **arguments})
            assert refusal.value.field == field
            assert await catalogue.list(10, 0) == (0, [])

    asyncio.run(scenario())


def test_an_upload_is_kept_and_goes_with_its_service(opened, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened() as catalogue:
            service = await catalogue.publish_upload("mine", write(tmp_path / "upload.tmp"))
            assert not (tmp_path / "upload.tmp").exists()
            assert service.path.parent == catalogue.uploads_dir
            await catalogue.remove("mine")
            assert not service.path.exists()
            bad = tmp_path / "bad.tmp"
            bad.write_text("no raster")
            with pytest.raises(InvalidInput) as caught:
                await catalogue.publish_upload("mine", bad)
            assert caught.value.field == "file"
            assert str(caught.value).startswith("file: the uploaded file cannot be read")
            assert not catalogue.uploads_dir.exists() or list(catalogue.uploads_dir.iterdir()) == []

    asyncio.run(scenario())


def test_title_renderer_and_keeping(opened, tmp_path: Path) -> None:
    write(tmp_path / "root" / "two.nc", names=("a", "b"))

    async def scenario() -> None:
        async with opened() as catalogue:
            first = await catalogue.publish_path("two", "two.nc")
            service = await catalogue.update("two", title="New", renderer=RED_TO_BLUE, variable="b")
            assert (service.title, list(service.renderers)) == ("New", ["b"])
            assert service.revision > first.revision
            styled = await catalogue.update("two", renderer=RED_TO_BLUE)
            assert list(styled.renderers) == ["b", "a"]
            assert catalogue.renderer(styled, "b") is catalogue.renderer(styled, "b")  # read once for all tiles
            again = await catalogue.update("two", renderer={**RED_TO_BLUE, "colors": [[1, "#000"], [2, "#fff"]]})
            assert catalogue.renderer(again, "b").to_json()["colors"][0] == [1, "#000000"]
            with pytest.raises(InvalidInput, match="'c'"):
                await catalogue.update("two", renderer=RED_TO_BLUE, variable="c")
            with pytest.raises(NotFound):
                await catalogue.update("three", title="x")
            # without one, the stretch covers the values
            default = catalogue.renderer(first, "a").to_json()["colors"]
            assert (default[0][0], default[-1][0]) == (0.0, 11.0)

    asyncio.run(scenario())


def test_temporary_services_expire_and_kept_ones_do_not(opened, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened() as catalogue:
            info = (await catalogue.publish_path("model", str(write(tmp_path / "root" / "model.nc")))).info
            written = []
            for name in ("old", "used", "young", "kept"):
                path = tmp_path / "data" / "results" / name / "out.nc"
                path.parent.mkdir(parents=True)
                shutil.copy(tmp_path / "root" / "model.nc", path)
                written.append({"name": f"{name}/out", "path": str(path), "title": name, "renderers": {}, "info": info})
            services = list(catalogue.results("job", written))
            for index, name in enumerate(("old", "used")):
                assert services[index].name == f"{name}/out"
                created = services[index].created - timedelta(hours=2)
                services[index] = replace(services[index], created=created)
            await catalogue._database.write(catalogue.insertion(services))
            await catalogue.update("kept/out", temporary=False)
            assert catalogue.expires(services[2]) == services[2].created + timedelta(hours=1)
            assert catalogue.expires(await catalogue.get("kept/out")) is None
            await catalogue._database.write(catalogue.holding("a job", [services[1], services[2]]))
            assert await catalogue.remove_expired(dry_run=True) == ["old/out"]
            assert (await catalogue.get("old/out")).state == "ready"
            assert await catalogue.remove_expired() == ["old/out"]
            left = {service.name for service in (await catalogue.list(10, 0))[1]}
            assert left == {"used/out", "young/out", "kept/out", "model"}
            assert not (tmp_path / "data" / "results" / "old").exists()
            assert (tmp_path / "data" / "results" / "used" / "out.nc").exists()
            with pytest.raises(Conflict, match="used by job a job"):
                await catalogue.remove("used/out")
            await catalogue._database.write(lambda c: catalogue.release(c, "a job"))
            assert await catalogue.remove_expired() == ["used/out"]

    asyncio.run(scenario())


def test_a_service_whose_file_is_gone_says_so(opened, tmp_path: Path) -> None:
    path = write(tmp_path / "root" / "going.nc")

    async def scenario() -> None:
        async with opened() as catalogue:
            await catalogue.publish_path("going", "going.nc")
            path.unlink()
            service = await catalogue.get("going")
            assert (service.state, service.reason) == ("unavailable", "its file is gone")
            with pytest.raises(Unavailable, match="gone"):
                catalogue.open(service)

    asyncio.run(scenario())


def test_pages_go_over_configured_and_other_services(opened, tmp_path: Path) -> None:
    good = write(tmp_path / "root" / "good.nc")

    async def scenario() -> None:
        async with opened(one=str(good), two=str(good)) as catalogue:
            for name in ("three", "four", "five"):
                await catalogue.publish_path(name, "good.nc")
            names = []
            for offset in range(0, 6, 2):
                count, page = await catalogue.list(2, offset)
                assert count == 5
                names.append([service.name for service in page])
            assert names == [["one", "two"], ["five", "four"], ["three"]]

    asyncio.run(scenario())


def test_a_data_folder_that_was_moved_keeps_its_services_and_one_that_lost_files_loses_services(
    opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def add() -> None:
        async with opened() as catalogue:
            for name in ("moved", "lost"):
                part = write(tmp_path / f"{name}.part")
                await catalogue.publish_upload(name, part)
            (await catalogue.get("lost")).path.unlink()

    async def look() -> None:
        async with opened() as catalogue:
            service = await catalogue.get("moved")
            assert service.state == "ready"
            assert service.path.is_relative_to(tmp_path / "data")
            with pytest.raises(NotFound):
                await catalogue.get("lost")

    asyncio.run(add())
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    asyncio.run(look())  # through a link the files are the same
    (tmp_path / "data").unlink()
    (tmp_path / "elsewhere" / "geojobs.sqlite").rename(tmp_path / "elsewhere" / "kept.sqlite")
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "data")
    (tmp_path / "data" / "kept.sqlite").rename(tmp_path / "data" / "geojobs.sqlite")
    shutil.rmtree(tmp_path / "elsewhere")
    asyncio.run(look())
    assert "'lost' is removed: its file is gone" in caplog.text


@pytest.mark.parametrize("flat", [False, True])  # as uploads once were
def test_a_copy_of_a_data_folder_has_files_of_its_own(opened, tmp_path: Path, flat: bool) -> None:
    async def add() -> None:
        async with opened() as catalogue:
            path = (await catalogue.publish_upload("mine", write(tmp_path / "a.part"))).path
            if flat:
                there = path.rename(path.parent.parent / path.name)
                await catalogue._database.write(lambda c: rows.move(c, "mine", there))

    async def look() -> None:
        database = Database(tmp_path / "copy" / "geojobs.sqlite")
        catalogue = ServiceCatalogue(database, configured={}, data_dir=tmp_path / "copy")
        await database.start()
        await catalogue.start()
        assert (await catalogue.get("mine")).path.is_relative_to(tmp_path / "copy")
        await catalogue.remove("mine")
        await catalogue.stop()
        await database.stop()

    asyncio.run(add())
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    asyncio.run(look())
    assert len(list((tmp_path / "data").rglob("*.nc"))) == 1
    assert list((tmp_path / "copy").rglob("*.nc")) == []


def test_a_file_that_cannot_be_removed_keeps_no_other_from_going(
    opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, path = tmp_path / "data" / "folder.nc", tmp_path / "data" / "out.nc"

    async def scenario() -> None:
        async with opened() as catalogue:
            folder.mkdir()
            path.touch()
            written = [
                {"name": f"job/{one.stem}", "path": str(one), "title": "", "renderers": {}, "info": None}
                for one in (folder, path)
            ]
            old = [replace(one, created=datetime(2000, 1, 1, tzinfo=UTC)) for one in catalogue.results("job", written)]
            await catalogue._database.write(catalogue.insertion(old))
            assert await catalogue.remove_expired() == ["job/folder", "job/out"]

    asyncio.run(scenario())
    assert not path.exists()
    assert "The file of service 'job/folder' could not be removed" in caplog.text
