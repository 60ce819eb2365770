"""Every answer that is no success is a document with a message, and tells nothing of the server's inside."""

import socket
from typing import Any

import httpx
import pytest


def assert_document(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    document = answer.json()
    assert document.keys() == {"message", "reason", "errors"}
    assert document["message"]
    for inside in ("Traceback", "/work/", "/tmp/", "site-packages"):
        assert inside not in document["message"]
    return document


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("url", ["nope", "nope/", "jobs/x/y/z/", "services", "registered-jobs/a/b/", "%2e%2e/"])
def test_what_is_not_there_is_told_as_json(api: httpx.Client, method: str, url: str) -> None:
    answer = api.request(method, url)
    if url == "services":  # is there, and takes some methods only
        if method in ("PUT", "PATCH", "DELETE"):
            assert_document(answer, 405)
        return
    assert_document(answer, 404)


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("PUT", "jobs/", "GET, POST, HEAD, OPTIONS"),
        ("POST", "registered-jobs/", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "services/", "GET, POST, HEAD, OPTIONS"),
        ("POST", "services/world/variables/temperature/tiles/0/0/0.png", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_answered_is_refused_with_those_that_are(
    api: httpx.Client, method: str, url: str, allowed: str
) -> None:
    answer = api.request(method, url)
    assert allowed in assert_document(answer, 405)["message"]
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "url", ["services/world/", "services/world/variables/temperature/tiles/0/0/0.png", "services/world/download/"]
)
def test_head_is_answered_as_get_without_the_body(api: httpx.Client, url: str) -> None:
    head, get = api.head(url), api.get(url)
    assert (head.status_code, get.status_code) == (200, 200)
    assert head.content == b""
    for name in ("Content-Type", "ETag", "Content-Length"):
        assert head.headers.get(name) == get.headers.get(name)
    assert api.head("services/nowhere/").status_code == 404


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "application/json"}, b"{"),
        ({"Content-Type": "application/json"}, b"[1]"),
        ({"Content-Type": "application/json"}, b'{"job": NaN}'),
        ({"Content-Type": "application/json"}, b"\xff\xfe{"),
        ({"Content-Type": "application/json"}, b"[" * 100_000),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"job=%ff"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&" * 2000),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"nothing"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b\r\n\r\n\r\n--b--"),
        ({"Content-Type": "multipart/form-data"}, b"--b--"),
        ({"Content-Type": "text/plain"}, b"job=some_job"),
        ({"Content-Type": "nonsense"}, b"job=some_job"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api: httpx.Client, headers: dict[str, str], content: bytes) -> None:
    document = assert_document(api.post("jobs/", headers=headers, content=content), 400)
    assert document["errors"].keys() <= {"body", "job"}


def test_a_body_that_is_too_long_is_refused(api: httpx.Client) -> None:
    content = b'{"job": "' + b"x" * (33 * 2**20) + b'"}'
    assert_document(api.post("jobs/", content=content, headers={"Content-Type": "application/json"}), 413)
    assert api.get("jobs/").status_code == 200


def test_a_field_that_is_too_long_is_refused(api: httpx.Client) -> None:
    field = b"x" * (33 * 2**20)
    assert_document(api.post("services/", data={"name": "long"}, files={"title": (None, field)}), 413)


def test_a_body_without_a_length_is_refused_when_it_is_too_long(api: httpx.Client) -> None:
    pieces = (b"x" * 2**20 for _ in range(40))
    assert_document(api.post("jobs/", content=pieces, headers={"Content-Type": "application/json"}), 413)


def test_an_endless_body_is_not_read_to_its_end(server: Any) -> None:
    with socket.create_connection((httpx.URL(server.url).host, httpx.URL(server.url).port), timeout=30) as line:
        head = f"POST {server.path}jobs/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {server.token}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        sent = 0
        try:
            while sent < 500:
                line.sendall(piece)
                sent += 1
        except ConnectionError:
            pass
    assert 60 <= sent < 500


@pytest.mark.parametrize("length", ["abc", "-5", "1.0", ""])
def test_a_length_that_is_no_number_is_refused(server: Any, length: str) -> None:
    with socket.create_connection((httpx.URL(server.url).host, httpx.URL(server.url).port), timeout=30) as line:
        head = f"POST {server.path}jobs/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {server.token}\r\n"
        line.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 400")


def test_a_client_that_asks_first_is_not_made_to_send(server: Any) -> None:
    with socket.create_connection((httpx.URL(server.url).host, httpx.URL(server.url).port), timeout=30) as line:
        head = f"POST {server.path}jobs/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {server.token}\r\n"
        line.sendall(f"{head}Content-Length: 40000000\r\nExpect: 100-continue\r\n\r\n".encode())
        answer = line.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"errors": {}' in answer


def test_an_upload_longer_than_jupyters_own_limit_is_refused(geojobs_server: Any) -> None:
    with geojobs_server("c.ServerApp.max_body_size = 1000000") as server, server.client() as client:
        answer = client.post("services/", data={"name": "x"}, files={"file": ("x.nc", b"x" * 1_500_000)})
        assert "1000000 bytes" in assert_document(answer, 413)["message"]
        answer = client.post("services/", data={"name": "x"}, files={"file": ("x.nc", b"x" * 100_000_000)})
        assert_document(answer, 413)
        assert list(server.folder.glob("data/geojobs_lab/uploads/.*")) == []


def test_what_goes_wrong_in_the_server_is_not_told(geojobs_server: Any) -> None:
    config = """
import geojobs_lab.services
async def fail(self, limit, offset):
    raise RuntimeError("/srv/secret is broken")
geojobs_lab.services.ServiceCatalogue.list = fail
"""
    with geojobs_server(config, tracebacks=True) as server, server.client() as client:
        answer = client.get("services/")
        document = assert_document(answer, 500)
        assert "secret" not in answer.text
        assert document["errors"] == {}
        assert "/srv/secret is broken" in server.log()


def test_a_url_that_is_no_utf8_is_refused(api: httpx.Client) -> None:
    assert_document(api.get("jobs/%ff/"), 400)


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("jobs/?limit=x", "limit"),
        ("jobs/?limit=-1", "limit"),
        ("jobs/?limit=1001", "limit"),
        ("jobs/?offset=1e3", "offset"),
        ("jobs/?offset=99999999999999999999", "offset"),
        ("jobs/?status=nonsense", "status"),
        ("services/?offset=x", "offset"),
    ],
)
def test_a_page_that_cannot_be_is_refused(api: httpx.Client, url: str, field: str) -> None:
    document = assert_document(api.get(url), 400)
    assert document["errors"].keys() == {field}
    assert field in document["message"]
