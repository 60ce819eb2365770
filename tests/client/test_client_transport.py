import time

import pytest

from geojobs_lab.client.transport import Transport, has_kernel, look
from geojobs_lab.client.urls import Address
from geojobs_lab.errors import NotAuthenticated, RequestRefused, ServerNotFound


def slowly(seconds, answer):
    def wait(_):
        time.sleep(seconds)
        return answer

    return wait


def ask(line, path="jobs/"):
    return line.request("GET", path, doing="asking")


def test_the_token_goes_along_as_a_header(scripted, line):
    scripted.answer("GET", "jobs/", {"results": []})
    assert ask(line) == {"results": []}
    assert scripted.asked[-1].headers["Authorization"] == "token secret"
    assert "token" not in scripted.asked[-1].query


def test_a_refusal_carries_the_servers_message_status_and_document(scripted, line):
    document = {"message": "inputs: 'x' is missing", "reason": None, "errors": {"inputs": ["..."]}}
    scripted.answer("GET", "jobs/", (400, document))
    with pytest.raises(RequestRefused, match=r"asking: inputs: 'x' is missing \(HTTP 400\)") as caught:
        ask(line)
    assert (caught.value.status, caught.value.document) == (400, document)


def test_a_wrong_token_says_which_step_found_the_server_and_what_to_do(scripted):
    wrong = Transport(Address(scripted.url, "wrong", "the test"))
    with pytest.raises(NotAuthenticated, match=r"does not take the token.*the test.*GEOJOBS_TOKEN"):
        ask(wrong)
    wrong.close()


def test_no_token_at_all_is_told_apart(scripted):
    without = Transport(Address(scripted.url, None, "the test"))
    with pytest.raises(NotAuthenticated, match="wants a token and none is known"):
        ask(without)
    without.close()


def test_a_redirect_to_a_login_page_is_a_closed_door(scripted, line):
    scripted.answer("GET", "jobs/", (302, "<html>log in</html>"))
    with pytest.raises(NotAuthenticated):
        ask(line)


def test_a_page_instead_of_json_means_that_the_extension_is_not_there(scripted, line):
    scripted.answer("GET", "jobs/", (404, "<html>404</html>"))
    with pytest.raises(ServerNotFound, match=r"not the geojobs extension.*Install geojobs_lab"):
        ask(line)


def test_a_page_with_success_is_not_ours_either(scripted, line):
    scripted.answer("GET", "jobs/", (200, "<html>JupyterLab</html>"))
    with pytest.raises(ServerNotFound, match="not the geojobs extension"):
        ask(line)


def test_a_gateways_error_page_is_told_apart(scripted, line):
    scripted.answer("GET", "jobs/", (503, "<html>Service Unavailable</html>"))
    with pytest.raises(ServerNotFound, match="a gateway answers"):
        ask(line)


def test_a_refused_connection_says_who_does_not_answer(nowhere):
    gone = Transport(Address(nowhere, "T", "the test"))
    with pytest.raises(ServerNotFound, match=r"asking: no answer from http://127.*Is the server running"):
        ask(gone)


def test_a_server_that_hangs_up_is_not_found(scripted, line):
    scripted.answer("GET", "jobs/", (0, None))
    with pytest.raises(ServerNotFound, match="no answer"):
        ask(line)


def test_a_server_that_takes_too_long_is_not_found(scripted, line, impatient):
    scripted.answer("GET", "jobs/", slowly(1.0, {}))
    with pytest.raises(ServerNotFound, match="no answer"):
        ask(line)


def test_proxies_of_the_environment_do_not_stand_before_the_loopback(scripted, line, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    scripted.answer("GET", "jobs/", {"results": []})
    assert ask(line) == {"results": []}


def test_a_download_arrives_whole(scripted, line, tmp_path):
    scripted.answer("GET", "file", (200, b"x" * 3_000_000))
    line.download("file", tmp_path / "file", doing="downloading")
    assert (tmp_path / "file").stat().st_size == 3_000_000


def test_a_refused_download_is_an_error_and_leaves_no_file(scripted, line, tmp_path):
    with pytest.raises(RequestRefused, match="downloading: there is no 'file'"):
        line.download("file", tmp_path / "file", doing="downloading")
    assert not (tmp_path / "file").exists()


def test_a_closed_line_opens_again(scripted, line):
    scripted.answer("GET", "jobs/", {"results": []})
    ask(line)
    line.close()
    assert ask(line) == {"results": []}


@pytest.mark.parametrize(
    ("token", "answer", "state"),
    [
        ("secret", {"name": "geojobs_lab"}, "ours"),
        ("secret", {"name": "something else"}, "foreign"),
        ("secret", (200, "<html>"), "foreign"),
        ("secret", (404, "<html>"), "foreign"),
        ("secret", (302, "<html>"), "refused"),
        ("secret", (503, {"message": "the server is starting"}), "silent"),
        ("wrong", {"name": "geojobs_lab"}, "refused"),
    ],
)
def test_a_look_tells_what_stands_at_an_address(scripted, token, answer, state):
    scripted.answer("GET", "", answer)
    assert look(Address(scripted.url, token, "the test")).state == state


def test_a_look_at_nobody_is_silent(nowhere):
    assert look(Address(nowhere, "T", "the test")).state == "silent"
    assert not has_kernel(Address(nowhere, "T", "the test"), "k")
