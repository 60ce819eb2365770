"""Pages of other origins: nothing without allow_origin, and what rest.md promises with it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

ELSEWHERE = "http://elsewhere.example:8000"
PREFLIGHT = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}


def cors(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.fixture(scope="module")
def open_server(geojobs_server: Any, lab_config: str) -> Iterator[Any]:
    with geojobs_server(lab_config + f"\nc.ServerApp.allow_origin = {ELSEWHERE!r}\n") as server:
        yield server


@pytest.fixture(scope="module")
def pattern_server(geojobs_server: Any) -> Iterator[Any]:
    with geojobs_server(r"c.ServerApp.allow_origin_pat = r'https?://[a-z]+\.example:8000'") as server:
        yield server


def test_a_preflight_from_elsewhere_gets_nothing_without_allow_origin(api: httpx.Client) -> None:
    answer = api.options("jobs/", headers={**PREFLIGHT, "Access-Control-Request-Headers": "authorization"})
    assert answer.status_code == 204
    assert cors(answer) == {}


def test_an_answer_with_a_token_may_not_be_read_elsewhere_without_allow_origin(api: httpx.Client) -> None:
    for answer in (api.get("jobs/", headers={"Origin": ELSEWHERE}), api.get("nope/", headers={"Origin": ELSEWHERE})):
        assert cors(answer) == {}


def test_a_cookie_is_of_no_use_to_a_page_elsewhere(server: Any) -> None:
    with server.client(token=False) as page:
        page.get("", params={"token": server.token})
        for answer in (
            page.get("jobs/", headers={"Origin": ELSEWHERE}),
            page.post("jobs/", json={}, headers={"Origin": ELSEWHERE, "X-XSRFToken": page.cookies["_xsrf"]}),
        ):
            assert answer.status_code == 403
            assert "origin" in answer.json()["message"]
            assert cors(answer) == {}
        assert page.get("jobs/", headers={"Origin": server.origin}).status_code == 200


def test_a_preflight_is_answered_with_methods_and_headers(open_server: Any) -> None:
    with open_server.client(token=False) as client:
        answer = client.options("jobs/", headers={**PREFLIGHT, "Access-Control-Request-Headers": "authorization"})
        elsewhere = client.options("services/world/", headers=PREFLIGHT)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert answer.headers["Access-Control-Allow-Headers"] == (
        "Authorization, Content-Type, If-None-Match, Idempotency-Key, Last-Event-ID, X-XSRFToken, X-CSRFToken"
    )
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, HEAD, OPTIONS"
    assert elsewhere.headers["Access-Control-Allow-Methods"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


def test_every_answer_may_be_read_and_shows_the_headers_that_clients_need(open_server: Any) -> None:
    with open_server.client() as client:
        answers = [
            client.get("jobs/", headers={"Origin": ELSEWHERE}),
            client.post("jobs/", json={"job": "some_job", "inputs": {"in": 1}}, headers={"Origin": ELSEWHERE}),
            client.post("jobs/", json={"job": "no such"}, headers={"Origin": ELSEWHERE}),
            client.get("nope/", headers={"Origin": ELSEWHERE}),
        ]
    with open_server.client(token=False) as client:
        answers.append(client.get("jobs/", headers={"Origin": ELSEWHERE, "Authorization": "token wrong"}))
    assert [answer.status_code for answer in answers] == [200, 201, 400, 404, 403]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
        assert answer.headers["Access-Control-Expose-Headers"] == "Location, ETag, Retry-After"


def test_a_pattern_lets_in_the_origins_that_match(pattern_server: Any) -> None:
    with pattern_server.client() as client:
        allowed = client.get("jobs/", headers={"Origin": ELSEWHERE})
        refused = client.get("jobs/", headers={"Origin": "http://elsewhere.example:9"})
        preflight = client.options("jobs/", headers=PREFLIGHT)
        stranger = client.options("jobs/", headers={**PREFLIGHT, "Origin": "http://elsewhere.example:9"})
    assert allowed.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert preflight.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert allowed.headers["Vary"] == refused.headers["Vary"] == "Origin"
    assert cors(refused) == cors(stranger) == {}
