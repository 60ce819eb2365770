"""The client against a real Jupyter server, under a base URL with a space and an @."""

import asyncio
import shutil
import tempfile
import time

import httpx
import numpy as np
import pytest
import rioxarray  # noqa: F401  # the accessor
import xarray as xr
from matplotlib.text import Text

from geojobs_lab import Client, Job
from geojobs_lab.client import RasterOutput
from geojobs_lab.documents import Status
from geojobs_lab.errors import (
    Conflict,
    InvalidInput,
    JobFailed,
    JobRevoked,
    NotAuthenticated,
    RequestRefused,
    ServerNotFound,
    WaitTimeout,
)
from geojobs_lab.rasters import open_raster
from geojobs_lab.renderers import ClassifiedRenderer


def ready(client, name):
    service = client.service(name)
    deadline = time.monotonic() + 30
    while service.state == "publishing":
        assert time.monotonic() < deadline
        time.sleep(0.05)
        service = service.refresh()
    assert service.state == "ready", service.document["reason"]
    return service


@pytest.fixture
def data(client):
    return ready(client, "climate/a1b").reference(time="2070-06-01")


@pytest.mark.parametrize(
    "paste",
    [
        lambda server: f"{server.url}?token={server.token}",
        lambda server: f"{server.url}lab/tree/some/notebooks/x.ipynb?token={server.token}",
        lambda server: server.url.replace("%20", " ") + f"tree?token={server.token}",
        lambda server: server.url.replace("@", "%40") + f"?token={server.token}",
        lambda server: f"{server.api}jobs/?token={server.token}",
        lambda server: server.url.removeprefix("http://") + f"?token={server.token}",
    ],
)
def test_urls_as_people_paste_them_lead_to_the_server(lab_server, paste):
    with Client(paste(lab_server)) as client:
        assert client.url == lab_server.url
        assert len(client.registered_jobs()) == 7


def test_a_client_says_where_it_leads_and_never_its_token(client, lab_server):
    assert repr(client) == f"<Client of {lab_server.url}, found by the URL given>"


def test_the_users_environment_leads_to_the_server(lab_server, monkeypatch):
    monkeypatch.setenv("GEOJOBS_URL", lab_server.url)
    monkeypatch.setenv("GEOJOBS_TOKEN", lab_server.token)
    with Client() as client:
        assert "GEOJOBS_URL" in repr(client)


def test_a_script_finds_the_only_server_by_its_runtime_file(lab_server, monkeypatch):
    for name in ("GEOJOBS_URL", "GEOJOBS_SERVER_URL", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(lab_server.folder / "runtime"))
    with Client() as client:
        assert "running servers" in repr(client)
        assert client.url.split(":")[2] == lab_server.url.split(":")[2]


def test_a_wrong_token_is_told_at_once(lab_server):
    with pytest.raises(NotAuthenticated, match="does not take the token"):
        Client(lab_server.url, "wrong")


def test_a_wrong_base_url_is_told_as_one(lab_server):
    with pytest.raises(ServerNotFound, match="not the geojobs extension"):
        Client(lab_server.url.replace("@c/", "/"), lab_server.token)


def test_registered_jobs_read_as_a_table(client):
    jobs = client.registered_jobs()
    assert "add_one" in [job.name for job in jobs]
    assert "in: int" in repr(jobs)
    assert "misspelt" in repr(jobs)
    assert "not available" in repr(jobs)
    assert jobs._repr_html_().startswith("<table>")


def test_a_registered_job_tells_its_parameters(client):
    job = client.registered_job("add_one")
    assert (job.available, [parameter["name"] for parameter in job.inputs]) == (True, ["in"])
    assert "A number <b>to add to</b>" in repr(job)
    assert "&lt;b&gt;" in job._repr_html_()
    assert "<b>" not in job._repr_html_()


def test_a_registered_job_that_is_not_there_is_refused(client):
    with pytest.raises(RequestRefused, match="nothing_such") as caught:
        client.registered_job("nothing_such")
    assert caught.value.status == 404


def test_a_job_runs_to_its_result(client):
    job = client.submit("add_one", {"in": 5})
    assert isinstance(job, Job)
    assert job.wait(60) is job
    assert (job.status, job.outputs, job.result(), job.inputs) == (Status.SUCCESS, {"out": 6}, 6, {"in": 5})
    assert job.created <= job.started <= job.finished


def test_a_job_can_be_awaited(client):
    async def run():
        return await client.submit("add_one", inputs={"in": 1})

    assert asyncio.run(run()).outputs == {"out": 2}


def test_a_result_waits_for_its_job(client):
    assert client.submit("slow", seconds=0.3).result() == "done"


@pytest.mark.parametrize("value", [None, 1.5, "ä <b>", [1, [2]], {"a": {"b": None}}, np.float32(0.5), np.arange(3)])
def test_values_come_back_as_they_went(client, value):
    result = client.submit("echo", value=value).result()
    assert result == (value.tolist() if isinstance(value, np.generic | np.ndarray) else value)


def test_a_large_array_comes_back_whole(client):
    result = client.submit("numbers", size=20_001).result()
    np.testing.assert_array_equal(result, np.arange(20_001.0))


def test_a_small_array_comes_back_as_a_list(client):
    assert client.submit("numbers", size=3).result() == [0.0, 1.0, 2.0]


def test_a_raster_comes_back_with_its_place_and_unit(client, data, a1b, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    job = client.submit("doubled", data=data)
    result = job.result()
    source = open_raster(a1b, "air_temperature", "2070-06-01").load()
    assert isinstance(result, xr.DataArray)
    assert result.rio.crs == source.rio.crs
    assert (result.attrs["units"], result.dims) == ("K", ("latitude", "longitude"))
    np.testing.assert_allclose(result, source * 2)
    np.testing.assert_allclose(result.longitude, source.longitude)
    assert result.name in job.outputs
    assert list(tmp_path.iterdir()) == []


def test_the_output_of_one_job_is_the_input_of_the_next(client, data):
    first = client.submit("doubled", data=data).wait(60)
    (output,) = first.outputs.values()
    assert isinstance(output, RasterOutput)
    second = client.submit("doubled", data=output)
    np.testing.assert_allclose(second.result(), first.result() * 2)


def test_a_service_is_an_input_as_it_is(client):
    job = client.submit("doubled", data=ready(client, "climate/a1b"))
    assert job.inputs == {"data": "service://climate/a1b"}
    assert job.result().sizes["time"] == 240


def test_tiles_of_a_result_are_served_at_its_root_relative_url(client, lab_server, data):
    job = client.submit("doubled", data=data).wait(60)
    url = job.tile_url()
    assert url.startswith(lab_server.path)
    headers = {"Authorization": f"token {lab_server.token}"}
    tile = httpx.get(lab_server.origin + url.format(z=2, x=0, y=1), headers=headers, trust_env=False)
    assert (tile.status_code, tile.headers["content-type"]) == (200, "image/png")


def test_an_absolute_tile_url_needs_nothing_else(client, data):
    name = next(iter(client.submit("doubled", data=data).wait(60).outputs.values()))
    renderer = {"type": "stretched", "colors": [[400, "#000000"], [600, "#ff0000"]]}
    url = client.tile_url(name, "data", renderer=renderer, absolute=True)
    tile = httpx.get(url.format(z=2, x=0, y=1), trust_env=False)
    assert (tile.status_code, tile.headers["content-type"]) == (200, "image/png")
    grey = httpx.get(client.tile_url(name, absolute=True).format(z=2, x=0, y=1), trust_env=False)
    assert grey.content != tile.content


def test_a_tile_url_takes_a_time(client):
    service = ready(client, "climate/a1b")
    early, late = (
        httpx.get(service.tile_url(time=time, absolute=True).format(z=2, x=0, y=1), trust_env=False)
        for time in ("1861-06-01", "2099-06-01")
    )
    assert early.status_code == late.status_code == 200
    assert early.content != late.content


def test_a_raster_result_knows_its_service(client, data):
    service = client.submit("doubled", data=data).wait(60).service()
    assert service.variables == ("data",)
    assert service.legend()["entries"]
    assert service.statistics(weights="area")["area_weighted_mean"] > 400
    west, south, east, north = service.bounds
    assert (round(west), round(south), round(east), round(north)) in [(224, 14, 316, 61), (-136, 14, -44, 61)]


def test_a_value_that_is_no_raster_has_no_tiles(client):
    job = client.submit("add_one", {"in": 1}).wait(60)
    with pytest.raises(InvalidInput, match="no published raster"):
        job.tile_url()


def test_an_output_that_is_not_there_is_refused_with_the_choices(client):
    job = client.submit("add_one", {"in": 1}).wait(60)
    with pytest.raises(InvalidInput, match=r"'nothing' is not one of the outputs .*\(out\)"):
        job.result("nothing")


def test_a_failure_tells_error_place_and_log(client):
    job = client.submit("broken")
    with pytest.raises(JobFailed, match=r"failed in .*broken.*: ValueError: the value is wrong") as caught:
        job.wait(60)
    assert "about to fail" in str(caught.value)
    assert caught.value.error["type"] == "ValueError"
    assert job.error == caught.value.error


def test_a_running_job_tells_progress_and_log_and_can_be_cancelled(client):
    job = client.submit("slow")
    deadline = time.monotonic() + 30
    while job.progress is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (job.progress, job.message, job.status) == (0.25, "a quarter", Status.STARTED)
    assert "it begins" in repr(job.log())
    with pytest.raises(WaitTimeout, match="goes on"):
        job.wait(0.2)
    with pytest.raises(Conflict):
        job.delete()
    assert job.cancel().status is Status.REVOKED
    assert job.cancel().status is Status.REVOKED
    with pytest.raises(JobRevoked):
        job.wait()
    job.delete()
    with pytest.raises(RequestRefused) as caught:
        client.job(job.uuid)
    assert caught.value.status == 404


def test_a_service_in_use_keeps_its_job(client, data):
    first = client.submit("doubled", data=data).wait(60)
    user = client.submit("slow", data=next(iter(first.outputs.values())))
    try:
        with pytest.raises(RequestRefused) as caught:
            first.delete()
        assert caught.value.status == 409
    finally:
        user.cancel()
    first.delete()


def test_a_job_is_found_again_by_its_uuid(client):
    job = client.submit("add_one", {"in": 1}).wait(60)
    assert client.job(job.uuid).outputs == {"out": 2}


def test_jobs_are_listed_newest_first_and_filtered(client):
    first, second = (client.submit("add_one", {"in": n}).wait(60) for n in (1, 2))
    listed = client.jobs(status="success", job="add_one", limit=2)
    assert [job.uuid for job in listed] == [second.uuid, first.uuid]
    assert first.uuid in repr(listed)
    assert "<table>" in listed._repr_html_()
    assert len(client.jobs(job="nothing_such")) == 0


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("nothing_such", {}, "nothing_such"),
        ("add_one", {}, "in"),
        ("add_one", {"in": "x"}, "in"),
        ("add_one", {"in": 1, "more": 2}, "more"),
        ("doubled", {"data": "service://nowhere"}, "nowhere"),
        ("misspelt", {}, "misspelt"),
    ],
)
def test_a_wrong_submission_is_refused_with_the_servers_words(client, name, inputs, message):
    with pytest.raises(RequestRefused, match=f"submitting the job '{name}'.*{message}") as caught:
        client.submit(name, inputs)
    assert caught.value.status == 400
    assert caught.value.document["errors"]


def test_an_input_given_twice_is_refused_before_anything_is_sent(client):
    with pytest.raises(InvalidInput, match="'value' is given twice"):
        client.submit("echo", {"value": 1}, value=2)


def test_a_file_on_the_server_is_published_by_its_path(client, published_dir, a1b):
    path = shutil.copy(a1b, published_dir / "by_path.nc")
    service = client.publish(path, title="A run")
    assert (service.name, ready(client, "by_path").document["title"]) == ("by_path", "A run")
    with pytest.raises(RequestRefused) as caught:
        client.publish(path)
    assert caught.value.status == 409


def test_a_path_outside_the_servers_roots_is_refused(client):
    with pytest.raises(RequestRefused) as caught:
        client.publish("/etc/passwd", "passwd")
    assert caught.value.status == 400


def test_a_local_file_is_uploaded(client, a1b, tmp_path):
    path = shutil.copy(a1b, tmp_path / "local.nc")
    renderer = {"type": "stretched", "colors": [[250, "#0000ff"], [300, "#ff0000"]]}
    client.publish(path, "up/loaded", upload=True, renderer=renderer, title="Uploaded")
    service = ready(client, "up/loaded")
    assert service.variables == ("air_temperature",)
    copy = service.download(tmp_path / "copy.nc")
    assert copy.read_bytes() == a1b.read_bytes()


def test_a_raster_of_this_process_is_published(client, a1b):
    raster = open_raster(a1b, "air_temperature", "1990").load()
    client.publish(raster, "from_here")
    service = ready(client, "from_here")
    np.testing.assert_allclose(client.submit("doubled", data=service).result(), raster * 2, rtol=1e-6)


def test_a_service_name_that_is_none_is_refused_here(client):
    with pytest.raises(InvalidInput, match="not a service name"):
        client.publish("/x.nc", "../x")


def test_services_read_as_a_table(client):
    ready(client, "climate/a1b")
    services = client.services()
    assert "climate/a1b" in repr(services)
    assert "air_temperature" in client.service("climate/a1b")._repr_html_()
    assert repr(client.service("climate/a1b")) == "<Service 'climate/a1b', ready: air_temperature>"


def test_a_variable_that_a_service_has_not_is_refused_with_the_choices(client):
    with pytest.raises(InvalidInput, match=r"'wind' is not one of service 'climate/a1b' \(air_temperature\)"):
        ready(client, "climate/a1b").reference("wind")


def test_a_result_is_drawn_in_the_colours_of_its_tiles_unless_others_are_wanted(client, data):
    job = client.submit("doubled", data=data)
    figure = job.plot(title="Twice as warm")
    assert "Twice as warm" in {text.get_text() for text in figure.findobj(Text)}
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert job.plot(title="Twice as warm", cmap="Blues")._repr_png_() != figure._repr_png_()


def test_a_service_is_read_whole_or_at_one_time(client):
    service = ready(client, "climate/a1b")
    step = service.read(time="2070-06-01")
    assert step.ndim == 2
    assert step.rio.crs is not None
    series = service.read("air_temperature")
    assert series.sizes["time"] == 240
    np.testing.assert_array_equal(series.sel(time=step.time).values, step.values)


def test_a_result_is_restyled_renamed_kept_drawn_and_removed(client, data):
    job = client.submit("doubled", data=data).wait()
    service = job.service()
    assert service.document["temporary"] is True
    style = ClassifiedRenderer.equal(400, 700, classes=3)
    kept = service.update(title="Twice as warm", renderer=style).keep()
    assert (kept.document["title"], kept.document["temporary"]) == ("Twice as warm", False)
    assert [entry["label"] for entry in kept.legend()["entries"]] == ["≤ 500", "500 – 600", "600 – 700"]
    assert kept.plot(vmin=400, vmax=700).axes
    with pytest.raises(RequestRefused, match="renderer"):
        service.update(renderer={"type": "striped"})
    kept.delete()
    with pytest.raises(RequestRefused, match="no service"):
        service.refresh()
    with pytest.raises(RequestRefused, match="configuration"):
        client.service("climate/a1b").delete()
