"""``jobs/`` as rest.md has it, on a real server with real workers."""

import io
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import httpx
import numpy as np
import psutil
import pytest

Submit = Callable[..., dict[str, Any]]
Finished = Callable[[dict[str, Any]], dict[str, Any]]

FIELDS = "uuid job created status inputs outputs started finished progress message error revision".split()
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def started(api: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until a job has begun and told how far it is."""
    end = time.monotonic() + 60
    while job["progress"] is None:
        assert time.monotonic() < end, job
        job = api.get(f"jobs/{job['uuid']}/", params={"wait": 5, "revision": job["revision"]}).json()
    return job


def pid_of(api: httpx.Client, job: dict[str, Any]) -> int:
    """Return the process that runs a job of the task `slow`."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for line in api.get(f"jobs/{job['uuid']}/log/").json()["lines"]:
            if line["message"].startswith("pid "):
                return int(line["message"].removeprefix("pid "))
        time.sleep(0.05)
    raise AssertionError("no pid in the log")


# -- submitting


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"job": "some_job", "inputs": '{"in": 5}'}},
        {"data": {"job": "some_job", "inputs": '{"in": 5}'}},
        {"files": {"job": (None, "some_job"), "inputs": (None, '{"in": 5}')}},
        {"content": b'{"job": "some_job", "inputs": "{\\"in\\": 5}"}'},
    ],
    ids=["json", "urlencoded", "multipart", "no content type"],
)
@pytest.mark.parametrize("url", ["jobs/", "jobs"])
def test_a_job_is_submitted(api: httpx.Client, server: Any, finished: Finished, url: str, body: dict[str, Any]) -> None:
    answer = api.post(url, **body)
    assert answer.status_code == 201
    job = answer.json()
    assert list(job) == FIELDS
    assert answer.headers["Location"] == f"{server.path}jobs/{job['uuid']}/"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert TIME.fullmatch(job["created"])
    expected = {"job": "some_job", "status": "pending", "inputs": '{"in": 5}', "outputs": "{}", "revision": 1}
    assert expected.items() <= job.items()
    assert {job[name] for name in ("started", "finished", "progress", "message", "error")} == {None}

    done = finished(job)
    assert done["status"] == "success"
    assert json.loads(done["outputs"]) == {"out": 6}
    assert isinstance(done["outputs"], str)
    assert TIME.fullmatch(done["started"])
    assert TIME.fullmatch(done["finished"])
    assert done["revision"] > 1
    assert done["inputs"] == '{"in": 5}'


def test_inputs_may_be_a_plain_object(run: Submit) -> None:
    job = run("some_job", **{"in": "3"})
    assert json.loads(job["inputs"]) == {"in": "3"}
    assert json.loads(job["outputs"]) == {"out": 4}


@pytest.mark.parametrize("fields", [{}, {"inputs": None}, {"inputs": ""}, {"inputs": "null"}, {"inputs": "{}"}])
def test_absent_null_and_empty_inputs_mean_none(
    api: httpx.Client, finished: Finished, fields: dict[str, str | None]
) -> None:
    job = api.post("jobs/", json={"job": "broken", **fields}).json()
    assert job["inputs"] == "{}"
    assert finished(job)["error"]["type"] == "ValueError"


def test_an_empty_field_of_a_form_means_no_inputs(api: httpx.Client) -> None:
    assert api.post("jobs/", data={"job": "broken", "inputs": ""}).json()["inputs"] == "{}"


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({}, "job", "None"),
        ({"job": ""}, "job", "''"),
        ({"job": 5}, "job", "5"),
        ({"job": "no_such_job"}, "job", "no_such_job"),
        ({"job": "misspelt"}, "job", "NoSuchTask"),
        ({"job": "no_task"}, "job", "NOT_A_TASK"),
        ({"job": "lost"}, "job", "flow.json"),
        ({"job": "no_entry"}, "job", "5"),
        ({"job": "some_job", "inputs": "{in: 5}"}, "inputs", "{in: 5}"),
        ({"job": "some_job", "inputs": "[5]"}, "inputs", "[5]"),
        ({"job": "some_job", "inputs": 5}, "inputs", "5"),
        ({"job": "some_job", "inputs": '{"in": NaN}'}, "inputs", "NaN"),
        ({"job": "some_job", "inputs": '{"in": Infinity}'}, "inputs", "Infinity"),
        ({"job": "some_job", "inputs": {}}, "inputs", "in"),
        ({"job": "some_job", "inputs": {"in": 5, "more": 1}}, "inputs", "more"),
        ({"job": "some_job", "inputs": {"in": "five"}}, "inputs", "five"),
        ({"job": "some_job", "inputs": {"in": 3.5}}, "inputs", "3.5"),
        ({"job": "doubled", "inputs": {"data": 5}}, "inputs", "5"),
        ({"job": "doubled", "inputs": {"data": "world"}}, "inputs", "world"),
        ({"job": "doubled", "inputs": {"data": "service://nowhere:x"}}, "inputs", "nowhere"),
        ({"job": "doubled", "inputs": {"data": "service://world:humidity"}}, "inputs", "humidity"),
        ({"job": "doubled", "inputs": {"data": "service://world"}}, "inputs", "temperature"),
        ({"job": "doubled", "inputs": {"data": "service://world:temperature@noon"}}, "inputs", "noon"),
        ({"job": "doubled", "inputs": {"data": "service://world:temperature@"}}, "inputs", "@"),
        ({"job": "doubled", "inputs": {"data": "service://a/../b:x"}}, "inputs", "a/../b"),
        ({"job": "doubled", "inputs": {"data": "service://missing:x"}}, "inputs", "missing"),
        ({"job": "broken", "priority": "high"}, "priority", "high"),
        ({"job": "broken", "priority": 1.5}, "priority", "1.5"),
        ({"job": "broken", "priority": True}, "priority", "True"),
        ({"job": "broken", "priority": 1001}, "priority", "1001"),
        ({"job": "broken", "timeout": "soon"}, "timeout", "soon"),
        ({"job": "broken", "timeout": 0}, "timeout", "0"),
        ({"job": "broken", "timeout": -1}, "timeout", "-1"),
        ({"job": "broken", "timeout": [1]}, "timeout", "[1]"),
    ],
)
def test_a_wrong_submission_is_refused_and_makes_no_job(
    api: httpx.Client, fields: dict[str, Any], field: str, told: str
) -> None:
    before = api.get("jobs/", params={"limit": 1}).json()["count"]
    answer = api.post("jobs/", json=fields)
    document = answer.json()
    assert answer.status_code == 400, document
    assert document["errors"] == {field: [document["message"]]}
    assert told in document["message"]
    assert "/nowhere/at-all" not in document["message"]
    assert api.get("jobs/", params={"limit": 1}).json()["count"] == before


def test_a_full_queue_refuses_with_the_time_to_come_back(geojobs_server: Any, lab_config: str) -> None:
    limits = "\nc.GeoJobsApp.max_workers = 1\nc.GeoJobsApp.max_queued = 1\n"
    with geojobs_server(lab_config + limits) as server, server.client() as api:
        running = started(api, api.post("jobs/", json={"job": "slow"}).json())
        waiting = api.post("jobs/", json={"job": "slow"}).json()
        refused = api.post("jobs/", json={"job": "slow"})
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["message"]
        for job in (waiting, running):
            assert api.delete(f"jobs/{job['uuid']}/").json()["status"] == "revoked"


def test_a_submission_may_limit_its_time(api: httpx.Client, finished: Finished) -> None:
    for fields in ({"json": {"job": "slow", "timeout": 0.2}}, {"data": {"job": "slow", "timeout": "0.2"}}):
        answer = api.post("jobs/", **fields)
        assert answer.status_code == 201
        assert list(answer.json()) == FIELDS
        job = finished(answer.json())
        assert (job["status"], job["error"]["type"]) == ("failure", "JobTimeout")


def test_what_is_more_urgent_goes_first(api: httpx.Client, finished: Finished) -> None:
    blocking = [started(api, api.post("jobs/", json={"job": "slow"}).json()) for _ in range(2)]
    empty = {"job": "some_job", "inputs": '{"in": 1}', "priority": "", "timeout": ""}  # a form of a page
    jobs = [
        api.post("jobs/", json={**empty, "priority": -1, "timeout": None}).json(),
        api.post("jobs/", data=empty).json(),
        api.post("jobs/", json={**empty, "priority": "5", "timeout": 60}).json(),
    ]
    api.delete(f"jobs/{blocking[0]['uuid']}/")
    jobs = [finished(job) for job in jobs]
    api.delete(f"jobs/{blocking[1]['uuid']}/")
    assert [job["status"] for job in jobs] == ["success"] * 3
    assert sorted(jobs, key=lambda job: job["started"]) == jobs[::-1]


def test_a_key_that_comes_again_gets_the_first_job(api: httpx.Client, finished: Finished) -> None:
    body = {"job": "some_job", "inputs": {"in": 1}}
    key = {"Idempotency-Key": "the key of this test"}
    first = api.post("jobs/", json=body, headers=key)
    again = api.post("jobs/", data={**body, "inputs": '{"in": 1}'}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["uuid"] == first.json()["uuid"]
    assert again.headers["Location"] == first.headers["Location"]
    done = finished(first.json())
    assert api.post("jobs/", json=body, headers=key).json() == done  # as it is now
    other = api.post("jobs/", json=body, headers={"Idempotency-Key": "another key of this test"})
    assert other.status_code == 201
    assert other.json()["uuid"] != done["uuid"]


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("the key of another test", {"job": "broken"}),
        ("the key of another test", {"job": "some_job", "inputs": {"in": 2}}),
        ("x" * 256, {"job": "some_job", "inputs": {"in": 1}}),
        ("", {"job": "some_job", "inputs": {"in": 1}}),
    ],
)
def test_a_key_that_cannot_be_is_refused(api: httpx.Client, key: str, fields: dict[str, Any]) -> None:
    api.post(
        "jobs/",
        json={"job": "some_job", "inputs": {"in": 1}},
        headers={"Idempotency-Key": "the key of another test"},
    )
    before = api.get("jobs/", params={"limit": 1}).json()["count"]
    answer = api.post("jobs/", json=fields, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"Idempotency-Key"}
    assert api.get("jobs/", params={"limit": 1}).json()["count"] == before


def test_a_job_is_tried_again_as_a_new_one(run: Submit, api: httpx.Client, server: Any, finished: Finished) -> None:
    job = run("some_job", **{"in": 7})
    for url in (f"jobs/{job['uuid']}/retry/", f"jobs/{job['uuid']}/retry"):
        answer = api.post(url)
        assert answer.status_code == 201
        again = answer.json()
        assert again["uuid"] != job["uuid"]
        assert answer.headers["Location"] == f"{server.path}jobs/{again['uuid']}/"
        done = finished(again)
        assert [done[name] for name in ("job", "inputs", "status")] == ["some_job", '{"in": 7}', "success"]
    assert api.get(f"jobs/{job['uuid']}/").json() == job
    assert api.get(f"jobs/{job['uuid']}/retry/").status_code == 405
    assert api.post("jobs/aa346c90-68e5-4d19-a7f3-a54f6b87ec34/retry/").status_code == 404


# -- what a job tells


def test_a_job_tells_its_progress(api: httpx.Client) -> None:
    job = started(api, api.post("jobs/", json={"job": "slow", "inputs": {"seconds": 60}}).json())
    assert (job["status"], job["progress"], job["message"], job["outputs"]) == ("started", 0.25, "a quarter", "{}")
    api.delete(f"jobs/{job['uuid']}/")


def test_a_job_that_fails_tells_why_and_keeps_the_traceback_for_the_log(run: Submit, api: httpx.Client) -> None:
    job = run("broken")
    assert job["status"] == "failure"
    assert job["outputs"] == "{}"
    assert job["error"].keys() == {"type", "message", "where"}
    assert (job["error"]["type"], job["error"]["message"]) == ("ValueError", "the value is wrong")
    lines = api.get(f"jobs/{job['uuid']}/log/").json()["lines"]
    assert any("Traceback" in line["message"] for line in lines)


def test_a_job_is_found_with_and_without_the_slash(run: Submit, api: httpx.Client) -> None:
    job = run("some_job", **{"in": 1})
    assert api.get(f"jobs/{job['uuid']}").json() == api.get(f"jobs/{job['uuid']}/").json() == job


@pytest.mark.parametrize("url", ["jobs/{}/", "jobs/{}/log/", "jobs/{}/outputs/x.npy"])
@pytest.mark.parametrize("uuid", ["aa346c90-68e5-4d19-a7f3-a54f6b87ec34", "nonsense", "%2e%2e", "..%2f..", "%00"])
def test_an_unknown_job_is_not_found(api: httpx.Client, url: str, uuid: str) -> None:
    answer = api.get(url.format(uuid))
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_removing_an_unknown_job_is_not_possible(api: httpx.Client) -> None:
    assert api.delete("jobs/aa346c90-68e5-4d19-a7f3-a54f6b87ec34/").status_code == 404


def test_an_unchanged_document_is_not_sent_again(run: Submit, api: httpx.Client) -> None:
    job = run("some_job", **{"in": 1})
    first = api.get(f"jobs/{job['uuid']}/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = api.get(f"jobs/{job['uuid']}/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


# -- long-polling


def test_a_long_poll_answers_at_once_when_the_revision_has_passed(run: Submit, api: httpx.Client) -> None:
    job = run("some_job", **{"in": 1})
    start = time.monotonic()
    assert api.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": 1}).json() == job
    assert api.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": job["revision"]}).json() == job
    assert time.monotonic() - start < 5


def test_a_long_poll_answers_unchanged_when_the_time_is_over(api: httpx.Client) -> None:
    job = started(api, api.post("jobs/", json={"job": "slow"}).json())
    time.sleep(0.5)
    job = api.get(f"jobs/{job['uuid']}/").json()
    start = time.monotonic()
    again = api.get(f"jobs/{job['uuid']}/", params={"wait": 0.7, "revision": job["revision"]}).json()
    assert 0.6 < time.monotonic() - start < 5
    assert again == job
    api.delete(f"jobs/{job['uuid']}/")


def test_a_long_poll_hears_of_the_end(api: httpx.Client) -> None:
    job = started(api, api.post("jobs/", json={"job": "slow", "inputs": {"seconds": 1}}).json())
    start = time.monotonic()
    while job["status"] == "started":
        job = api.get(f"jobs/{job['uuid']}/", params={"wait": 30, "revision": job["revision"]}).json()
    assert job["status"] == "success"
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("query", ["wait=x", "wait=nan", "wait=1&revision=x", "wait=1&revision=1.5"])
def test_a_long_poll_that_cannot_be_is_refused(run: Submit, api: httpx.Client, query: str) -> None:
    job = run("some_job", **{"in": 1})
    answer = api.get(f"jobs/{job['uuid']}/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() <= {"wait", "revision"}


# -- lists and logs


def test_jobs_are_listed_newest_first(run: Submit, api: httpx.Client) -> None:
    uuids = [run("some_job", **{"in": number})["uuid"] for number in range(3)]
    page = api.get("jobs/", params={"limit": 3}).json()
    assert page.keys() == {"count", "next", "previous", "results"}
    assert [job["uuid"] for job in page["results"]] == uuids[::-1]
    assert page["results"][0] == api.get(f"jobs/{uuids[-1]}/").json()


def test_jobs_are_found_by_their_uuids(run: Submit, api: httpx.Client) -> None:
    uuids = [run("some_job", **{"in": number})["uuid"] for number in range(3)]
    page = api.get("jobs/", params={"uuid": f"{uuids[0]},{uuids[2]},nonsense"}).json()
    assert page["count"] == 2
    assert [job["uuid"] for job in page["results"]] == [uuids[2], uuids[0]]


def test_jobs_are_found_by_name_and_status(run: Submit, api: httpx.Client) -> None:
    run("some_job", **{"in": 1})
    uuid = run("broken")["uuid"]
    page = api.get("jobs/", params={"job": "broken", "status": "failure", "limit": 1}).json()
    assert page["results"][0]["uuid"] == uuid
    for query, name, value in (({"job": "broken"}, "job", "broken"), ({"status": "success"}, "status", "success")):
        assert {job[name] for job in api.get("jobs/", params=query).json()["results"]} == {value}
    assert api.get("jobs/", params={"job": "broken", "status": "success"}).json()["count"] == 0


def test_the_pages_of_a_list_lead_to_each_other(run: Submit, api: httpx.Client, server: Any) -> None:
    uuids = [run("some_job", **{"in": number})["uuid"] for number in range(3)]
    url, seen = f"{server.path}jobs/?job=some_job&limit=1&uuid={','.join(uuids)}", []
    while url:
        page = api.get(urljoin(server.api, url)).json()
        assert page["count"] == 3
        seen += [job["uuid"] for job in page["results"]]
        last, url = page, page["next"]
    assert seen == uuids[::-1]
    assert last["previous"].startswith(f"{server.path}jobs/?")
    assert api.get(urljoin(server.api, last["previous"])).json()["results"][0]["uuid"] == uuids[1]


def test_the_log_goes_on_where_it_was_left(api: httpx.Client, finished: Finished) -> None:
    job = api.post("jobs/", json={"job": "slow", "inputs": {"seconds": 0}}).json()
    finished(job)
    log = api.get(f"jobs/{job['uuid']}/log/").json()
    assert log.keys() == {"lines", "next_offset"}
    assert log["lines"][0].keys() == {"time", "level", "message"}
    assert TIME.fullmatch(log["lines"][0]["time"])
    assert log["next_offset"] == len(log["lines"])
    rest = api.get(f"jobs/{job['uuid']}/log", params={"offset": 1}).json()
    assert rest["lines"] == log["lines"][1:]
    end = api.get(f"jobs/{job['uuid']}/log/", params={"offset": log["next_offset"]}).json()
    assert end == {"lines": [], "next_offset": log["next_offset"]}
    assert api.get(f"jobs/{job['uuid']}/log/", params={"offset": "x"}).json()["errors"].keys() == {"offset"}


# -- stopping and removing


def test_deleting_an_active_job_ends_its_worker(api: httpx.Client) -> None:
    job = started(api, api.post("jobs/", json={"job": "slow"}).json())
    pid = pid_of(api, job)
    assert psutil.pid_exists(pid)
    answer = api.delete(f"jobs/{job['uuid']}/")
    assert answer.status_code == 200
    assert answer.json()["status"] == "revoked"
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert api.get(f"jobs/{job['uuid']}/").json() == answer.json()


def test_stopping_what_has_ended_does_not_remove_it(run: Submit, api: httpx.Client) -> None:
    job = run("some_job", **{"in": 1})
    answer = api.delete(f"jobs/{job['uuid']}/", params={"active": "true"})
    assert answer.status_code == 409
    assert job["uuid"] in answer.json()["message"]
    assert api.get(f"jobs/{job['uuid']}/").json() == job
    wrong = api.delete(f"jobs/{job['uuid']}/", params={"active": "yes"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["active"])
    assert api.delete(f"jobs/{job['uuid']}/", params={"active": "false"}).status_code == 204
    active = api.post("jobs/", json={"job": "slow"}).json()
    stopped = api.delete(f"jobs/{active['uuid']}/", params={"active": "true"})
    assert (stopped.status_code, stopped.json()["status"]) == (200, "revoked")


def test_deleting_an_ended_job_removes_it_with_its_services(api: httpx.Client, result: str) -> None:
    uuid = result.partition("/")[0]
    assert api.get(f"services/{result}/").status_code == 200
    answer = api.delete(f"jobs/{uuid}/")
    assert (answer.status_code, answer.content) == (204, b"")
    for url in (f"jobs/{uuid}/", f"services/{result}/", f"services/{result}/download/"):
        assert api.get(url).status_code == 404


def test_a_job_whose_result_is_in_use_is_not_removed(api: httpx.Client, result: str) -> None:
    uuid = result.partition("/")[0]
    user = api.post("jobs/", json={"job": "slow", "inputs": {"data": f"service://{result}:data"}}).json()
    user = started(api, user)
    for url in (f"jobs/{uuid}/", f"services/{result}/"):
        answer = api.delete(url)
        assert answer.status_code == 409
        assert result in answer.json()["message"]
    api.delete(f"jobs/{user['uuid']}/")
    assert api.delete(f"jobs/{uuid}").status_code == 204


# -- outputs


def test_a_raster_is_published_under_the_name_of_job_and_output(api: httpx.Client, run: Submit) -> None:
    job = run("doubled", data="service://world:temperature@951696000")
    assert json.loads(job["outputs"]) == {"result": f"{job['uuid']}/result"}
    service = api.get(f"services/{job['uuid']}/result/").json()
    assert (service["temporary"], service["job"], service["state"]) == (True, job["uuid"], "ready")
    assert [variable["name"] for variable in service["variables"]] == ["data"]
    renderer = service["variables"][0]["renderer"]
    assert [color for _, color in renderer["colors"]] == ["#ff0000", "#0000ff"]


def test_a_renderer_may_be_a_dotted_path(api: httpx.Client, run: Submit) -> None:
    job = run("blue", data="service://world:temperature@951696000")
    assert job["status"] == "success", job
    renderer = api.get(f"services/{job['uuid']}/result/").json()["variables"][0]["renderer"]
    assert [color for _, color in renderer["colors"]] == ["#000000", "#0000ff"]


def test_a_small_array_is_a_list_in_which_missing_elements_are_null(run: Submit) -> None:
    assert json.loads(run("numbers", size=4)["outputs"]) == {"result": [None, 1, 2, 3]}


def test_a_large_array_is_a_file(api: httpx.Client, server: Any, run: Submit) -> None:
    job = run("numbers", size=300_000)
    output = json.loads(job["outputs"])["result"]
    assert output == {
        "href": f"{server.path}jobs/{job['uuid']}/outputs/result.npy",
        "shape": [300_000],
        "dtype": "float64",
    }
    answer = api.get(urljoin(server.api, output["href"]))
    assert answer.status_code == 200
    array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    np.testing.assert_array_equal(array[1:], np.arange(1.0, 300_000))
    assert np.isnan(array[0])
    for name in ("other", "..%2f..%2fgeojobs", "%2e%2e%2fresult"):
        assert api.get(f"jobs/{job['uuid']}/outputs/{name}.npy").status_code == 404


# -- what can be run


def test_registered_jobs_are_described(api: httpx.Client) -> None:
    document = api.get("registered-jobs/some_job/").json()
    assert {"name": "some_job", "title": "Some job", "available": True, "reason": None}.items() <= document.items()
    assert document["description"]
    (parameter,) = document["inputs"]
    assert {"name": "in", "type": "int", "required": True}.items() <= parameter.items()
    assert parameter["schema"]["type"] == "integer"
    assert parameter.keys() >= {"name", "type", "required", "default", "description", "schema"}
    assert [parameter["name"] for parameter in document["outputs"]] == ["out"]


def test_registered_jobs_are_listed_with_those_that_are_wrong(api: httpx.Client) -> None:
    page = api.get("registered-jobs/").json()
    jobs = {job["name"]: job for job in page["results"]}
    assert page["count"] == len(jobs)
    assert page["next"] is None
    assert {"some_job", "slow", "misspelt", "no_task", "lost", "no_entry"} <= jobs.keys()
    for name in ("misspelt", "no_task", "lost", "no_entry"):
        assert jobs[name]["available"] is False
        assert jobs[name]["reason"]
        assert api.get(f"registered-jobs/{name}").json() == jobs[name]
    assert api.get("registered-jobs/", params={"limit": 2, "offset": 1}).json()["results"] == page["results"][1:3]


def test_an_unknown_registered_job_is_not_found(api: httpx.Client) -> None:
    assert api.get("registered-jobs/nothing/").status_code == 404


def test_a_wrong_entry_is_logged_in_one_line(server: Any) -> None:
    lines = [line for line in server.log().splitlines() if "'misspelt'" in line and "POST" not in line]
    assert len(lines) == 1
    assert "NoSuchTask" in lines[0]
