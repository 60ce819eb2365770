"""Server-sent events: of one job, and of all."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

Submit = Callable[..., dict[str, Any]]

ELSEWHERE = "https://app.example"
# Quick signs of life; answers that tornado would compress; a store that fails at a certain line of a log.
CONFIG = """
import geojobs_lab_server.streaming
from geojobs_lab.errors import StoreError
from geojobs_lab.jobs import JobManager
geojobs_lab_server.streaming._KEEP_ALIVE = 0.1
c.ServerApp.tornado_settings = {"compress_response": True}
c.ServerApp.allow_origin = "https://app.example"
real_log = JobManager.log
async def log(self, uuid, offset):
    if offset == 4242:
        raise StoreError("the database is locked")
    return await real_log(self, uuid, offset)
JobManager.log = log
"""


class Event(NamedTuple):
    id: str | None
    name: str | None
    data: Any


@pytest.fixture(scope="module")
def own_server(geojobs_server: Any, lab_config: str) -> Iterator[Any]:
    with geojobs_server(lab_config + CONFIG) as server:
        yield server


@contextmanager
def listening(client: httpx.Client, url: str, last: str | None = None, **query: Any) -> Iterator[Iterator[Event]]:
    headers = {} if last is None else {"Last-Event-ID": last}
    with client.stream("GET", url, params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield blocks(answer.iter_lines())


def blocks(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Event(fields.get("id"), fields.get("event"), json.loads(fields.get("data", "null")))
            fields = {}


def lines_of(events: list[Event]) -> list[str]:
    return [line["message"] for event in events if event.name == "log" for line in event.data["lines"]]


def streams(api: httpx.Client) -> int:
    (line,) = [line for line in api.get("metrics/").text.splitlines() if line.startswith("geojobs_event_streams ")]
    return int(float(line.split()[1]))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10  # less than the time between two signs of life, by which streams would notice too
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# -- of one job


def test_a_job_is_followed_to_its_end(api: httpx.Client) -> None:
    job = api.post("jobs/", json={"job": "slow", "inputs": {"seconds": 0.4}}).json()
    with listening(api, f"jobs/{job['uuid']}/events/") as stream:
        events = list(stream)  # it ends by itself
    assert events[0] == Event(None, None, None)
    assert {event.name for event in events[1:]} == {"job", "log"}
    documents = [event.data for event in events if event.name == "job"]
    revisions = [document["revision"] for document in documents]
    assert revisions == sorted(set(revisions))
    assert documents[-1]["status"] == "success"
    assert "a quarter" in [document["message"] for document in documents]
    assert events[-1].data == documents[-1] == api.get(f"jobs/{job['uuid']}/").json()
    log = api.get(f"jobs/{job['uuid']}/log/").json()
    assert lines_of(events) == [line["message"] for line in log["lines"]]
    assert events[-1].id == f"{revisions[-1]}.{log['next_offset']}"
    assert [event.id.split(".")[0] for event in events if event.name == "job"] == [str(r) for r in revisions]


def test_lines_come_while_the_job_says_nothing_else(api: httpx.Client) -> None:
    job = api.post("jobs/", json={"job": "slow"}).json()
    with listening(api, f"jobs/{job['uuid']}/events") as stream:
        for event in stream:
            if event.name == "log":
                break
        api.delete(f"jobs/{job['uuid']}/")
        *_, last = stream
    assert event.data["lines"][0]["message"].startswith("pid ")
    assert event.data["next_offset"] == 1
    assert last.data["status"] == "revoked"


def test_a_long_log_comes_in_pages_and_goes_on_where_it_was_left(run: Submit, api: httpx.Client) -> None:
    job = run("chatty", lines=2500)
    url = f"jobs/{job['uuid']}/events/"
    with listening(api, url) as stream:
        events = list(stream)
    pages = [event for event in events if event.name == "log"]
    assert len(pages) > 1
    assert [line.split()[0] for line in lines_of(events)] == [str(number) for number in range(2500)]
    with listening(api, url, offset=2400) as stream:
        assert lines_of(list(stream)) == lines_of(events)[2400:]
    with listening(api, url, last=pages[0].id) as stream:  # as a browser comes again
        rest = list(stream)
    assert lines_of(rest) == lines_of(events)[pages[0].data["next_offset"] :]
    assert rest[-1] == events[-1]
    with listening(api, url, last=str(job["revision"] - 1), offset=2500) as stream:
        assert list(stream)[1:] == [events[-1]]
    over = api.get(url, headers={"Last-Event-ID": events[-1].id})
    assert (over.status_code, over.content) == (204, b"")  # so it does not come a third time


@pytest.mark.parametrize(
    ("url", "last", "field"),
    [
        ("jobs/{}/events/?offset=x", None, "offset"),
        ("jobs/{}/events/?offset=-1", None, "offset"),
        ("jobs/{}/events/", "x", "Last-Event-ID"),
        ("jobs/{}/events/", "5.x", "Last-Event-ID"),
        ("jobs/{}/events/", "99999999999999999", "Last-Event-ID"),
        ("events/", "x", "Last-Event-ID"),
        ("events/?after=x", None, "after"),
        ("events/?after=1.5", None, "after"),
    ],
)
def test_a_place_to_go_on_that_cannot_be_is_refused(
    run: Submit, api: httpx.Client, url: str, last: str | None, field: str
) -> None:
    uuid = run("some_job", **{"in": 1})["uuid"]
    answer = api.get(url.format(uuid), headers={} if last is None else {"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {field}
    assert (last or "x" if "1.5" not in url and "-1" not in url else "1") in answer.json()["message"]


def test_an_unknown_job_has_no_events(api: httpx.Client) -> None:
    answer = api.get("jobs/aa346c90-68e5-4d19-a7f3-a54f6b87ec34/events/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"


# -- of all jobs


def test_all_jobs_are_followed_from_now_on(run: Submit, api: httpx.Client) -> None:
    old = run("some_job", **{"in": 1})
    with listening(api, "events/") as stream:
        first = next(stream)
        assert first.name is None
        assert first.id.isdigit()
        job = run("some_job", **{"in": 2})
        seen = [next(stream)]
        while seen[-1].data["status"] != "success":
            seen.append(next(stream))
        assert {event.data["uuid"] for event in seen} == {job["uuid"]}
        assert seen[-1].data == job
        api.delete(f"jobs/{old['uuid']}/")
        gone = next(stream)
    assert (gone.name, gone.data) == ("removed", {"uuid": old["uuid"]})
    ids = [int(event.id) for event in (first, *seen, gone)]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("how", ["header", "query", "both"])
def test_who_comes_again_hears_what_it_has_missed(run: Submit, api: httpx.Client, how: str) -> None:
    with listening(api, "events/") as stream:
        cursor = next(stream).id
    jobs = [run("some_job", **{"in": number}) for number in range(2)]
    api.delete(f"jobs/{jobs[0]['uuid']}/")
    last = cursor if how in ("header", "both") else None
    query = {} if how == "header" else {"after": cursor if how == "query" else 0}
    with listening(api, "events/", last, **query) as stream:
        assert next(stream).id == cursor
        events = [next(stream), next(stream)]
    assert {event.name: event.data for event in events} == {"job": jobs[1], "removed": {"uuid": jobs[0]["uuid"]}}


# -- how a stream is answered, and how it ends


@pytest.mark.parametrize("url", ["jobs/{}/events/", "events/"])
def test_only_the_headers_are_answered_to_head(run: Submit, api: httpx.Client, url: str) -> None:
    answer = api.head(url.format(run("some_job", **{"in": 1})["uuid"]))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert "Content-Length" not in answer.headers
    assert streams(api) == 0


def test_a_page_listens_with_its_cookie_or_the_token_in_the_url(server: Any) -> None:
    with server.client(token=False) as page:
        assert page.get("events/").status_code == 403
        with listening(page, "events/", token=server.token) as stream:
            next(stream)
        with listening(page, "events/") as stream:  # it has the cookie now
            assert next(stream).id.isdigit()
        assert page.get("events/", headers={"Origin": ELSEWHERE}).status_code == 403


def test_nothing_is_left_of_a_client_that_leaves(api: httpx.Client) -> None:
    job = api.post("jobs/", json={"job": "slow"}).json()
    while job["progress"] is None:  # from then on nothing is told
        job = api.get(f"jobs/{job['uuid']}/", params={"wait": 5, "revision": job["revision"]}).json()
    with listening(api, "events/") as one, listening(api, f"jobs/{job['uuid']}/events/") as other:
        next(one), next(other)
        assert streams(api) == 2
    until(lambda: streams(api) == 0)
    api.delete(f"jobs/{job['uuid']}/")


def test_who_does_not_read_is_waited_for_and_not_written_for(run: Submit, api: httpx.Client, server: Any) -> None:
    job = run("chatty", lines=3000, length=4000)  # more than the system keeps on the way
    url = httpx.URL(server.api)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((url.host, url.port))
        path = f"{server.path}jobs/{job['uuid']}/events/?token={server.token}"
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        until(lambda: streams(api) == 1)
        with listening(api, f"jobs/{job['uuid']}/events/") as stream:
            assert len(lines_of(list(stream))) == 3000
        assert streams(api) == 1  # the other has got no further
        assert api.delete(f"jobs/{job['uuid']}/").status_code == 204
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            piece = slow.recv(2**20)
            assert piece
            answer += piece
    assert b"event: removed" in answer[-200:]
    assert job["uuid"].encode() in answer[-200:]
    until(lambda: streams(api) == 0)


def test_a_client_that_never_reads_and_leaves_is_forgotten(run: Submit, api: httpx.Client, server: Any) -> None:
    job = run("chatty", lines=3000, length=4000)
    url = httpx.URL(server.api)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((url.host, url.port))
        path = f"{server.path}jobs/{job['uuid']}/events/?token={server.token}"
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        until(lambda: streams(api) == 1)
    until(lambda: streams(api) == 0)


def test_a_stream_on_which_nothing_happens_gives_signs_of_life(own_server: Any) -> None:
    headers = {"Accept-Encoding": "gzip", "Origin": ELSEWHERE}
    with own_server.client() as client, client.stream("GET", "events/", headers=headers) as answer:
        assert answer.headers["Content-Encoding"] == "identity"
        assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        assert next(lines).startswith("id: ")
        assert next(lines) == "retry: 2000"
        assert [next(lines) for _ in range(5)] == ["", ":", "", ":", ""]


def test_a_stream_ends_when_the_store_fails(own_server: Any) -> None:
    with own_server.client() as client:
        job = client.post("jobs/", json={"job": "slow"}).json()
        with listening(client, f"jobs/{job['uuid']}/events/", offset=4242) as stream:
            assert list(stream) == [Event(None, None, None)]
        client.delete(f"jobs/{job['uuid']}/")
        assert streams(client) == 0
    assert "A stream of events ends: the database is locked" in own_server.log()
