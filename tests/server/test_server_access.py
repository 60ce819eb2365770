"""Who may use the API: tokens, cookies and their XSRF tokens, on every route."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from geojobs_lab_server.routes import routes

EXAMPLES = {
    "uuid": "aa346c90-68e5-4d19-a7f3-a54f6b87ec34",
    "name": "world",
    "variable": "temperature",
    "z": "1",
    "x": "0",
    "y": "0",
    "double": "",
    "form": "svg",
    "path": "nothing/here",
}


def urls() -> Iterator[tuple[str, str]]:
    """Yield each method of each route, with a URL that the pattern matches."""
    for pattern, handler in routes():
        url = re.sub(r"\(\?P<(\w+)>[^)]*\)\??", lambda match: EXAMPLES[match[1]], pattern)
        url = url.replace("/?", "/").replace("\\", "").removeprefix("/geoprocessing/rest/").lstrip("?")
        for method in handler.methods():
            if method != "OPTIONS":
                yield method, url


@pytest.fixture
def stranger(server: Any) -> Iterator[httpx.Client]:
    """A client without a token."""
    with server.client(token=False) as client:
        yield client


@pytest.fixture
def page(server: Any) -> Iterator[httpx.Client]:
    """A client with the cookies that a page of the server's has, and no token."""
    with server.client(token=False) as client:
        client.get("", params={"token": server.token})
        assert client.cookies.get("_xsrf")
        yield client


@pytest.mark.parametrize(("method", "url"), list(urls()))
def test_nothing_is_answered_without_a_token(stranger: httpx.Client, method: str, url: str) -> None:
    answer = stranger.request(method, url)
    assert answer.status_code == 403
    if method == "HEAD":
        assert not answer.content
        return
    assert "No or wrong credentials" in answer.json()["message"]
    assert answer.json().keys() == {"message", "reason", "errors"}


@pytest.mark.parametrize(("method", "url"), list(urls()))
def test_every_method_asks_the_authorizer(reader: httpx.Client, method: str, url: str) -> None:
    with reader.stream(method, url, follow_redirects=False) as answer:  # that of events has no end
        if method in ("GET", "HEAD") or url == EXAMPLES["path"]:
            assert answer.status_code != 403
        else:
            assert answer.status_code == 403
            answer.read()
            assert "write on resource: geojobs" in answer.json()["message"]


@pytest.fixture(scope="module")
def reader(geojobs_server: Any, lab_config: str) -> Iterator[httpx.Client]:
    """A client of a server that lets its users read this API, and nothing else."""
    config = """
from jupyter_server.auth import Authorizer
class Reading(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return action == "read" and resource == "geojobs"
c.ServerApp.authorizer_class = Reading
"""
    with geojobs_server(lab_config + config) as server, server.client() as client:
        yield client


@pytest.mark.parametrize("header", ["token {}", "Bearer {}"])
def test_a_token_is_taken_from_the_header(stranger: httpx.Client, server: Any, header: str) -> None:
    assert stranger.get("jobs/", headers={"Authorization": header.format(server.token)}).status_code == 200


def test_a_token_is_taken_from_the_query(stranger: httpx.Client, server: Any) -> None:
    assert stranger.get("jobs/", params={"token": server.token}).status_code == 200


def test_a_wrong_token_is_refused(stranger: httpx.Client) -> None:
    answer = stranger.get("jobs/", headers={"Authorization": "token wrong"})
    assert (answer.status_code, answer.json()["errors"]) == (403, {})


def test_a_cookie_is_enough_to_read(page: httpx.Client) -> None:
    assert page.get("jobs/").status_code == 200


def test_a_post_with_a_cookie_alone_is_refused(page: httpx.Client) -> None:
    for body in ({"json": {"job": "some_job"}}, {"data": {"job": "some_job"}}, {"files": {"job": (None, "some_job")}}):
        answer = page.post("jobs/", **body)
        assert answer.status_code == 403
        assert "_xsrf" in answer.json()["message"]


@pytest.mark.parametrize("header", ["X-XSRFToken", "X-CSRFToken"])
def test_a_post_with_a_cookie_needs_the_xsrf_token_as_header(page: httpx.Client, header: str) -> None:
    token = page.cookies["_xsrf"]
    answer = page.post("jobs/", json={"job": "some_job", "inputs": '{"in": 1}'}, headers={header: token})
    assert answer.status_code == 201, answer.text


def test_a_post_with_a_cookie_takes_the_xsrf_token_from_the_query(page: httpx.Client) -> None:
    answer = page.post("jobs/", params={"_xsrf": page.cookies["_xsrf"]}, json={"job": "some_job", "inputs": {"in": 1}})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("field", ["_xsrf", "csrfmiddlewaretoken"])
@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_a_form_may_hold_the_xsrf_token(page: httpx.Client, field: str, kind: str) -> None:
    fields = {"job": "some_job", "inputs": '{"in": 1}', field: page.cookies["_xsrf"]}
    body = (
        {"data": fields} if kind == "urlencoded" else {"files": {name: (None, text) for name, text in fields.items()}}
    )
    assert page.post("jobs/", **body).status_code == 201


def test_a_wrong_xsrf_token_is_refused(page: httpx.Client) -> None:
    for field in ("_xsrf", "csrfmiddlewaretoken"):
        answer = page.post("jobs/", data={"job": "some_job", "inputs": '{"in": 1}', field: "2|a|b|c"})
        assert answer.status_code == 403


def test_the_xsrf_token_may_not_be_a_field_of_json(page: httpx.Client) -> None:
    # A page elsewhere could not send it, but neither does rest.md know it.
    answer = page.post("jobs/", json={"job": "some_job", "inputs": {"in": 1}, "_xsrf": page.cookies["_xsrf"]})
    assert answer.status_code == 403


def test_a_delete_with_a_cookie_needs_the_xsrf_token(page: httpx.Client) -> None:
    headers = {"X-XSRFToken": page.cookies["_xsrf"]}
    job = page.post("jobs/", json={"job": "slow", "inputs": {}}, headers=headers).json()
    assert page.delete(f"jobs/{job['uuid']}/").status_code == 403
    assert page.get(f"jobs/{job['uuid']}/").json()["status"] != "revoked"
    assert page.delete(f"jobs/{job['uuid']}/", headers=headers).json()["status"] == "revoked"


def test_an_upload_is_not_kept_when_its_sender_may_not_publish(page: httpx.Client, server: Any) -> None:
    answer = page.post("services/", data={"name": "x"}, files={"file": ("x.nc", b"x" * 3_000_000)})
    assert answer.status_code == 403
    uploads = (server.folder / "data" / "geojobs_lab" / "uploads").rglob("*")
    assert [path for path in uploads if path.is_file()] == []


def test_a_server_that_lets_nobody_in_by_default_finds_every_method_guarded(geojobs_server: Any) -> None:
    config = "c.ServerApp.allow_unauthenticated_access = False\nc.ServerApp.allow_origin = 'http://elsewhere'\n"
    with geojobs_server(config) as server, server.client(token=False) as client:
        assert "geoprocessing" not in server.log()  # Jupyter warns of what it finds open
        assert client.get("jobs/").status_code == 403
        assert client.post("jobs/", json={}).status_code == 403
        preflight = client.options("jobs/", headers={"Origin": "http://elsewhere"})
        assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "http://elsewhere")


def test_a_server_without_authentication_takes_everything(geojobs_server: Any) -> None:
    with geojobs_server("c.ServerApp.disable_check_xsrf = True", token="") as server, server.client() as client:
        assert client.get("jobs/").status_code == 200
        answer = client.post("jobs/", json={"job": "debug:echo", "inputs": {"value": 1}})
        assert answer.status_code == 201, answer.text


def test_a_host_name_that_is_not_the_servers_is_refused(api: httpx.Client) -> None:
    answer = api.get("jobs/", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert "host name" in answer.json()["message"]


def test_a_refusal_does_not_break_the_connection(server: Any) -> None:
    with server.client(token=False) as client:
        for _ in range(5):
            answers = [client.delete("jobs/x/"), client.post("jobs/", json={"job": "x" * 100_000}), client.get("jobs/")]
            assert [answer.status_code for answer in answers] == [403, 403, 403]
            assert not any("close" in answer.headers.get("Connection", "") for answer in answers)
