"""Entity tags of documents: what has not changed is not sent again."""

import time
from typing import Any

import httpx
import pytest

DOCUMENTS = [
    "",
    "jobs/",
    "jobs/?job=some_job&limit=1",
    "jobs/{uuid}/",
    "jobs/{uuid}/log/",
    "registered-jobs/",
    "registered-jobs/some_job/",
    "services/",
    "services/world/",
    "services/world/variables/temperature/tilejson.json",
    "services/world/variables/temperature/legend.json",
    "services/world/variables/temperature/value/?lon=1&lat=2",
]


@pytest.fixture(scope="module")
def uuid(server: Any) -> str:
    """A job that has ended, with a log."""
    with server.client() as api:
        job = api.post("jobs/", json={"job": "broken"}).json()
        while job["status"] in ("pending", "started"):
            job = api.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": job["revision"]}).json()
    return str(job["uuid"])


@pytest.mark.parametrize("url", DOCUMENTS)
def test_a_document_that_the_client_has_is_not_sent_again(api: httpx.Client, uuid: str, url: str) -> None:
    url = url.format(uuid=uuid)
    first = api.get(url)
    tag = first.headers["ETag"]
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-cache"
    assert api.head(url).headers["ETag"] == tag
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        for method in ("GET", "HEAD"):
            again = api.request(method, url, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["ETag"], again.headers["Cache-Control"]) == (tag, "no-cache")
            assert "Content-Length" not in again.headers
    changed = api.get(url, headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.json()) == (200, first.json())


def test_a_document_that_has_changed_has_another_tag(api: httpx.Client) -> None:
    urls = [f"jobs/{api.post('jobs/', json={'job': 'slow'}).json()['uuid']}/", "jobs/?job=slow&limit=1"]
    job = api.get(urls[0]).json()
    while job["progress"] is None:
        job = api.get(urls[0], params={"wait": 5, "revision": job["revision"]}).json()
    tags = [api.get(url).headers["ETag"] for url in urls]
    api.delete(urls[0])
    for url, tag in zip(urls, tags, strict=True):
        answer = api.get(url, headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert answer.headers["ETag"] != tag


def test_a_long_poll_that_ends_without_news_sends_nothing(api: httpx.Client) -> None:
    job = api.post("jobs/", json={"job": "slow"}).json()
    url = f"jobs/{job['uuid']}/"
    while job["progress"] is None:
        job = api.get(url, params={"wait": 5, "revision": job["revision"]}).json()
    query = {"wait": 0.3, "revision": job["revision"]}
    tag = api.get(url).headers["ETag"]
    start = time.monotonic()
    again = api.get(url, params=query, headers={"If-None-Match": tag})
    assert time.monotonic() - start >= 0.25
    assert (again.status_code, again.content) == (304, b"")
    api.delete(url)
    ended = api.get(url, params={**query, "wait": 20}, headers={"If-None-Match": tag})
    assert (ended.status_code, ended.json()["status"]) == (200, "revoked")


def test_what_is_no_document_has_no_304(api: httpx.Client, uuid: str) -> None:
    known = {"If-None-Match": "*"}
    assert api.get("jobs/aa346c90-68e5-4d19-a7f3-a54f6b87ec34/", headers=known).status_code == 404
    assert api.get("jobs/?limit=x", headers=known).status_code == 400
    assert api.post("jobs/", json={"job": "no-such-job"}, headers=known).status_code == 400
    with httpx.Client(base_url=api.base_url, trust_env=False) as stranger:
        assert stranger.get(f"jobs/{uuid}/", headers=known).status_code == 403
