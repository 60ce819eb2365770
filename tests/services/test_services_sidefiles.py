"""Side files: made in the background, used, replaced, removed, and never made twice."""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import netCDF4
import numpy as np
import psutil
import pytest
from services_bench import catalogue_in

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import RasterFile, sidefiles
from geojobs_lab.rasters.sidefiles import write_overviews
from geojobs_lab.services import ServiceCatalogue
from geojobs_lab.services import sidefiles as services_sidefiles
from geojobs_lab.services.sidefolder import side_file

NY, NX = 600, 700


def write(path: Path, *, offset: float = 0, ny: int = NY, format: str = "NETCDF4") -> np.ndarray:
    values = offset + np.add.outer(np.arange(ny) % 50, np.arange(NX) / 7)
    with netCDF4.Dataset(path, "w", format=format) as file:
        for name, axis, units in (
            ("lat", 60 - 0.01 * np.arange(ny), "degrees_north"),
            ("lon", 5 + 0.01 * np.arange(NX), "degrees_east"),
        ):
            file.createDimension(name, axis.size)
            file.createVariable(name, "f8", (name,))[:] = axis
            file[name].units = units
        file.createVariable("t", "f4", ("lat", "lon"))[:] = values
    return values.astype("f4")


def quarter_means(values: np.ndarray) -> np.ndarray:
    return values.reshape(values.shape[0] // 4, 4, values.shape[1] // 4, 4).mean(axis=(1, 3), dtype="f8")


def opened(folder: Path, **configured: str) -> AbstractAsyncContextManager[ServiceCatalogue]:
    return catalogue_in(folder / "data", configured, roots=[str(folder)])


async def with_levels(catalogue: ServiceCatalogue, name: str, levels: tuple[int, ...] = (1, 2, 4)) -> RasterFile:
    deadline = time.monotonic() + 250
    while time.monotonic() < deadline:
        service = await catalogue.get(name)
        if service.state == "ready":
            file = await asyncio.to_thread(catalogue.open, service)
            if file.levels("t") == levels:
                return file
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{name} has no overviews")


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data" / "overviews").glob("*.nc"))


def test_a_file_from_elsewhere_gets_overviews_and_loses_them_with_its_service(tmp_path: Path) -> None:
    values = write(tmp_path / "big.nc")
    write(tmp_path / "small.nc", ny=100)  # 700 columns
    (tmp_path / "copy.nc").write_bytes((tmp_path / "big.nc").read_bytes())
    before = (tmp_path / "big.nc").read_bytes()

    async def scenario() -> None:
        async with opened(tmp_path, configured=str(tmp_path / "small.nc")) as catalogue:
            await catalogue.publish_path("big", "big.nc")
            file = await asyncio.to_thread(catalogue.open, await catalogue.get("big"))
            assert np.array_equal(file.read("t", {}, slice(None, None, 4)), values[::4])  # as long as there are none
            file = await with_levels(catalogue, "big")
            np.testing.assert_allclose(file.read("t", {}, factor=4), quarter_means(values), rtol=2e-7)
            await with_levels(catalogue, "configured")
            upload = await catalogue.publish_upload("upload", tmp_path / "copy.nc")
            await with_levels(catalogue, "upload")
            assert len(made(tmp_path)) == 3
            assert catalogue.open(upload).stored("t", 2).path.name in made(tmp_path)
            await catalogue.publish_path("again", "big.nc")
            await catalogue.remove("upload")
            await catalogue.remove("big")
            assert len(made(tmp_path)) == 2  # the other service has the same file
            await catalogue.remove("again")
            assert len(made(tmp_path)) == 1

    asyncio.run(scenario())
    assert (tmp_path / "big.nc").read_bytes() == before


def test_a_side_file_is_not_made_twice_and_again_when_the_file_has_changed(tmp_path: Path) -> None:
    write(tmp_path / "big.nc")

    async def scenario(changed: bool) -> None:
        async with opened(tmp_path, big=str(tmp_path / "big.nc")) as catalogue:
            await with_levels(catalogue, "big")
            if changed:
                values = write(tmp_path / "new.nc", offset=100)
                (tmp_path / "new.nc").replace(tmp_path / "big.nc")
                file = await with_levels(catalogue, "big")
                np.testing.assert_allclose(file.read("t", {}, factor=4), quarter_means(values), rtol=2e-7)
                while len(made(tmp_path)) > 1:
                    await asyncio.sleep(0.01)

    asyncio.run(scenario(changed=False))
    (first,) = (tmp_path / "data" / "overviews").glob("*.nc")
    inode = first.stat().st_ino
    asyncio.run(scenario(changed=False))
    assert (made(tmp_path), first.stat().st_ino) == ([first.name], inode)
    asyncio.run(scenario(changed=True))
    (second,) = made(tmp_path)
    assert second != first.name
    assert second.split("-")[0] == first.name.split("-")[0]


def test_a_variable_drawn_by_classes_from_now_on_gets_the_most_frequent_values_too(tmp_path: Path) -> None:
    write(tmp_path / "big.nc")
    with netCDF4.Dataset(tmp_path / "big.nc", "a") as file:
        file.createVariable("u", "f4", ("lat", "lon"))[:] = np.arange(NX) % 3
    side = side_file(tmp_path / "data" / "overviews", tmp_path / "big.nc")
    side.parent.mkdir(parents=True)
    write_overviews(tmp_path / "big.nc", side, ["t"])
    inode = side.stat().st_ino
    style = {"type": "unique", "colors": [[1.0, "#ff0000"]]}

    async def scenario() -> None:
        async with opened(tmp_path) as catalogue:
            service = await catalogue.publish_path("big", "big.nc")
            before = catalogue._files.version(service)
            await catalogue.update("big", renderer=style, variable="t")  # has them
            assert catalogue._sides._prepare(service.path, ["t"]) is None
            await catalogue.update("big", renderer=style, variable="u")
            deadline = time.monotonic() + 250
            while len((file := await asyncio.to_thread(catalogue.open, service)).levels("u", "mode")) == 1:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            for variable in ("t", "u"):
                assert file.levels(variable) == file.levels(variable, "mode") == (1, 2, 4)
            assert side.stat().st_ino != inode
            assert catalogue._files.version(service) != before

    asyncio.run(scenario())
    assert made(tmp_path) == [side.name]


def test_two_servers_on_one_folder_make_one(tmp_path: Path) -> None:
    write(tmp_path / "big.nc")

    async def scenario() -> None:
        async with (
            opened(tmp_path, a=str(tmp_path / "big.nc")) as one,
            opened(tmp_path, b=str(tmp_path / "big.nc")) as other,
        ):
            files = await asyncio.gather(with_levels(one, "a"), with_levels(other, "b"))
            (path,) = (tmp_path / "data" / "overviews").glob("*.nc")
            inode = path.stat().st_ino
            while other._sides._wanted.qsize() or one._sides._wanted.qsize():
                await asyncio.sleep(0.01)
            assert [file.stored("t", 2).path for file in files] == [path, path]
            assert path.stat().st_ino == inode

    asyncio.run(scenario())


def test_what_cannot_be_written_is_told_once_and_the_service_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = write(tmp_path / "big.nc")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "overviews").write_text("in the way")

    async def scenario() -> None:
        async with opened(tmp_path, big=str(tmp_path / "big.nc")) as catalogue:
            while "without overviews" not in caplog.text:
                await asyncio.sleep(0.01)
            for name in ("one", "two"):
                await catalogue.publish_path(name, "big.nc")
            await asyncio.sleep(0.1)
            file = catalogue.open(await catalogue.get("one"))
            assert file.levels("t") == (1,)
            assert np.array_equal(file.read("t", {}), values)

    asyncio.run(scenario())
    assert caplog.text.count("without overviews") == 1
    assert str(tmp_path) not in caplog.text


def test_a_side_file_that_is_damaged_is_as_good_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = write(tmp_path / "big.nc")
    (tmp_path / "side.nc").write_text("no NetCDF")
    with RasterFile(tmp_path / "big.nc", tmp_path / "side.nc") as file:
        assert file.levels("t") == (1,)
        assert np.array_equal(file.read("t", {}), values)
    assert "The overviews of 'big.nc' are not used" in caplog.text


def maker(folder: Path, lifeline: int, *, file: str = "big.nc") -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "geojobs_lab.services.sidemaking", str(folder / file)]
    command += [str(folder / "side" / "made.nc"), str(lifeline), ""]
    return subprocess.Popen(command, pass_fds=(lifeline,), stderr=subprocess.PIPE, text=True)


def test_the_maker_waits_for_others_has_lowest_priority_and_ends_with_the_server(tmp_path: Path) -> None:
    write(tmp_path / "big.nc")
    (tmp_path / "side").mkdir()
    left = tmp_path / "side" / ".old.nc.part"
    left.write_text("of a server that was killed")
    theirs, ours = os.pipe()
    with (tmp_path / "side" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = maker(tmp_path, theirs)
        os.close(theirs)
        while psutil.Process(process.pid).nice() != 19:
            time.sleep(0.01)
        assert process.poll() is None
        os.close(ours)
        process.communicate(timeout=250)
        assert process.returncode == 1
        assert left.exists()
    theirs, ours = os.pipe()
    process = maker(tmp_path, theirs)
    os.close(theirs)
    assert process.communicate(timeout=250) == (None, "")
    assert process.returncode == 0
    assert sorted(path.name for path in (tmp_path / "side").iterdir()) == ["lock", "made.nc"]
    os.close(ours)


def test_a_maker_that_fails_says_so_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "big.nc").write_text("no raster")
    (tmp_path / "side").mkdir()
    theirs, ours = os.pipe()
    process = maker(tmp_path, theirs)
    os.close(theirs)
    said = process.communicate(timeout=250)[1]
    os.close(ours)
    assert process.returncode == 1
    assert said.startswith("'big.nc' cannot be read as NetCDF: ")
    assert said.count("\n") == 1
    assert [path.name for path in (tmp_path / "side").iterdir()] == ["lock"]


def test_what_a_killed_maker_has_left_goes_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "overviews"
    folder.mkdir(parents=True)
    left, old, new = folder / ".left.nc.part", folder / "old-old.nc", folder / "new-new.nc"
    for path in (left, old, new):
        path.write_text("")
    os.utime(old, (time.time() - 31 * 86_400,) * 2)

    async def scenario() -> None:
        async with opened(tmp_path):
            while left.exists() or old.exists():
                await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert new.exists()


def test_the_end_of_the_catalogue_ends_the_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "big.nc")
    folder = tmp_path / "data" / "overviews"
    folder.mkdir(parents=True)
    processes: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def noted(*args, **kwargs):
        processes.append(popen(*args, **kwargs))
        return processes[-1]

    monkeypatch.setattr(services_sidefiles.subprocess, "Popen", noted)

    async def scenario() -> None:
        async with opened(tmp_path, big=str(tmp_path / "big.nc")):
            while not processes:
                await asyncio.sleep(0.01)

    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that it is at work, as it were
        asyncio.run(scenario())
        (process,) = processes
        deadline = time.monotonic() + 250
        while psutil.pid_exists(process.pid) and psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert made(tmp_path) == []


@pytest.mark.parametrize("format", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA", "NETCDF4_CLASSIC"])
def test_packed_numbers_in_any_order_of_dimensions_and_format_get_theirs(format: str, tmp_path: Path) -> None:
    values = np.random.default_rng(8).integers(-100, 100, (700, 3, 520)).astype("i2")
    values[:50] = -999
    flags = np.random.default_rng(9).integers(0, 4, (700, 520)).astype("i1")
    with netCDF4.Dataset(tmp_path / "packed.nc", "w", format=format) as file:
        for name, size in (("lon", 700), ("step", 3), ("lat", 520)):
            file.createDimension(name, size)
        for name, axis in (("lat", 60 - 0.01 * np.arange(520)), ("lon", 5 + 0.01 * np.arange(700))):
            file.createVariable(name, "f8", (name,))[:] = axis
        made = file.createVariable("t", "i2", ("lon", "step", "lat"), fill_value=-999)
        made.set_auto_maskandscale(False)
        made.scale_factor, made.add_offset = np.float32(0.5), np.float32(10)
        made[:] = values
        land = file.createVariable("land", "i1", ("lon", "lat"))
        land.flag_values = np.arange(4, dtype="i1")
        land[:] = flags
    assert write_overviews(tmp_path / "packed.nc", tmp_path / "side.nc") == 2
    meant = np.where(values == -999, np.nan, values * 0.5 + 10)
    with RasterFile(tmp_path / "packed.nc", tmp_path / "side.nc") as file:
        assert file.levels("t") == file.levels("land", "mode") == (1, 2, 4)
        assert file.levels("t", "mode") == file.levels("land") == (1,)
        stored = file.stored("t", 4)
        assert (stored.path, stored.dims, stored.shape) == (tmp_path / "side.nc", ("lon", "step", "lat"), (175, 3, 130))
        for step in range(3):
            found = file.read("t", {"step": step}, factor=2)
            windows = meant[:, step].reshape(350, 2, 260, 2)
            with np.errstate(invalid="ignore"):
                expected = np.nansum(windows, axis=(1, 3)) / np.isfinite(windows).sum(axis=(1, 3))
            np.testing.assert_allclose(found, expected.T, rtol=3e-7, atol=1e-6)
        windows = flags.reshape(350, 2, 260, 2).transpose(0, 2, 1, 3).reshape(350, 260, 4)
        expected = np.array([[np.bincount(cells).argmax() for cells in row] for row in windows])
        assert np.array_equal(file.read("land", {}, factor=2, method="mode"), expected.T)


def test_only_what_pays_gets_overviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "big.nc")
    assert write_overviews(tmp_path / "big.nc", tmp_path / "one.nc") == 1
    monkeypatch.setattr(sidefiles, "_MOST_CELLS", NY * NX - 1)
    assert write_overviews(tmp_path / "big.nc", tmp_path / "none.nc") == 0
    with RasterFile(tmp_path / "big.nc", tmp_path / "none.nc") as file:
        assert file.levels("t") == (1,)
    with pytest.raises(RasterError, match="'gone.nc'"):
        write_overviews(tmp_path / "gone.nc", tmp_path / "two.nc")
