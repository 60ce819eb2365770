"""Old temporary services go from outside a server too, and those in use or kept stay."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import xarray as xr
from services_bench import catalogue_in

from geojobs_lab.errors import InvalidInput, StoreError
from geojobs_lab.services import ServiceCatalogue, cleanup_temporary_services

INFO = {"variables": [{"name": "data"}]}


async def add(catalogue: ServiceCatalogue, folder: Path, name: str, hours: float) -> Path:
    """Record a result of a job that is so old, with its file."""
    path = folder / "results" / name / "out.nc"
    path.parent.mkdir(parents=True)
    xr.Dataset({"x": 1}).to_netcdf(path)
    document = {"name": f"{name}/out", "path": str(path), "title": name, "renderers": {}, "info": INFO}
    (service,) = catalogue.results(name, [document])
    service = replace(service, created=service.created - timedelta(hours=hours))
    await catalogue._database.write(catalogue.insertion([service]))
    return path


def test_what_is_too_old_goes_with_its_file_while_a_server_is_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with catalogue_in(tmp_path, {}) as catalogue:
            paths = {name: await add(catalogue, tmp_path, name, 13) for name in ("old", "used", "kept")}
            paths["young"] = await add(catalogue, tmp_path, "young", 1)
            await catalogue.update("kept/out", temporary=False)
            await catalogue._database.write(catalogue.holding("a-job", [await catalogue.get("used/out")]))

            # as a notebook calls it: inside of an event loop
            assert cleanup_temporary_services(tmp_path, dry_run=True) == ["old/out"]
            assert all(path.is_file() for path in paths.values())
            assert cleanup_temporary_services(str(tmp_path)) == ["old/out"]
            assert [name for name, path in paths.items() if path.exists()] == ["used", "kept", "young"]
            assert not paths["old"].parent.exists()
            assert cleanup_temporary_services(tmp_path, max_age=0) == ["young/out"]
            left = {service.name for service in (await catalogue.list(9, 0))[1]}
            assert left == {"used/out", "kept/out"}

    asyncio.run(scenario())


def test_the_default_is_where_servers_keep_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    assert cleanup_temporary_services() == []
    assert not (tmp_path / "jupyter").exists()

    async def scenario() -> None:
        async with catalogue_in(tmp_path / "jupyter" / "geojobs_lab", {}) as catalogue:
            await add(catalogue, tmp_path, "old", 13)

    asyncio.run(scenario())
    assert cleanup_temporary_services() == ["old/out"]


@pytest.mark.parametrize("age", [-1, float("nan")])
def test_an_age_that_is_none_is_refused(tmp_path: Path, age: float) -> None:
    with pytest.raises(InvalidInput, match="max_age"):
        cleanup_temporary_services(tmp_path, age)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "geojobs.sqlite").write_text("no database" * 1000)
    with pytest.raises(StoreError, match="database"):
        cleanup_temporary_services(tmp_path)
