import pytest

from geojobs_lab.client.urls import Address, is_loopback, on_loopback, quote_path, read_url, spellings
from geojobs_lab.errors import InvalidInput


@pytest.mark.parametrize(
    ("pasted", "first", "token"),
    [
        ("http://h:8888/base/lab?token=T", "http://h:8888/base/", "T"),
        ("http://h:8888/base/lab/tree/a/notebooks/x.ipynb", "http://h:8888/base/", None),
        ("http://h:8888/", "http://h:8888/", None),
        ("http://h:8888", "http://h:8888/", None),
        ("h:8888/tree", "http://h:8888/", None),
        (" https://hub/user/me/lab \n", "https://hub/user/me/", None),
        ("http://h/b/geoprocessing/rest/jobs/", "http://h/b/", None),
        ("http://h/user/a b@c/lab", "http://h/user/a%20b@c/", None),
        ("http://h/user/a%20b%40c/", "http://h/user/a%20b%40c/", None),
    ],
)
def test_a_pasted_url_is_cut_to_its_base_and_token(pasted, first, token):
    urls, found = read_url(pasted)
    assert (urls[0], found) == (first, token)


def test_a_base_that_ends_like_a_page_is_a_candidate_too():
    urls, _ = read_url("http://h/user/lab/lab/tree/x")
    assert urls == (
        "http://h/user/",
        "http://h/user/lab/",
        "http://h/user/lab/lab/",
        "http://h/user/lab/lab/tree/x/",
    )


def test_an_at_sign_is_tried_in_both_spellings():
    assert read_url("http://h/a@b/")[0] == ("http://h/a@b/", "http://h/a%40b/")
    assert read_url("http://h/a%40b/")[0] == ("http://h/a%40b/", "http://h/a@b/")


@pytest.mark.parametrize("wrong", ["", "ftp://h/", "http://", "http://h:port/", "file:///etc"])
def test_what_is_no_url_of_a_server_is_refused(wrong):
    with pytest.raises(InvalidInput, match="is not the URL of a server"):
        read_url(wrong)


def test_a_refused_url_does_not_show_its_token():
    with pytest.raises(InvalidInput) as caught:
        read_url("ftp://h/?token=SECRET")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1/", True),
        ("http://localhost/", True),
        ("http://[::1]:8888/", True),
        ("http://10.0.0.1/", False),
    ],
)
def test_loopback_is_told_by_the_host(url, expected):
    assert is_loopback(url) is expected


def test_a_url_moves_to_the_loopback_with_its_port_and_path():
    assert on_loopback("http://machine:8888/a%20b/") == "http://127.0.0.1:8888/a%20b/"


def test_percent_signs_are_encoded_once():
    assert spellings("http://h/a%20b/") == ("http://h/a%20b/",)
    assert spellings("http://h/100%/") == ("http://h/100%25/",)


def test_slashes_of_a_service_name_stay():
    assert quote_path("uuid/out put") == "uuid/out%20put"


def test_an_address_keeps_its_token_out_of_the_repr():
    assert "SECRET" not in repr(Address("http://h/", "SECRET", "step"))
