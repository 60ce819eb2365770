"""References, names, times and strict JSON."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.documents import (
    JobDocument,
    ServiceReference,
    Status,
    check_service_name,
    dump_json,
    format_time,
    load_json,
    parse_time,
)
from geojobs_lab.errors import InvalidInput, InvalidReference

segments = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,8}", fullmatch=True)
names = st.lists(segments, min_size=1, max_size=3).map("/".join)
variables = st.none() | st.from_regex(r"[A-Za-z_][A-Za-z0-9_ .\-]{0,10}", fullmatch=True)
moments = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.just("2070-06-01T00:00:00")


@given(names, variables, moments)
def test_a_reference_survives_the_way_to_text_and_back(name, variable, moment) -> None:
    reference = ServiceReference(name, variable, moment)
    assert ServiceReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("service://a1b", ServiceReference("a1b")),
        ("service://a1b:air_temperature", ServiceReference("a1b", "air_temperature")),
        ("service://x/y/z:data@-12.5", ServiceReference("x/y/z", "data", -12.5)),
        ("service://a1b@1e9", ServiceReference("a1b", None, 1e9)),
        ("service://a1b:t@2070-02-30", ServiceReference("a1b", "t", "2070-02-30")),
        ("service://a1b:t@0", ServiceReference("a1b", "t", 0.0)),
    ],
)
def test_references_are_read(text: str, reference: ServiceReference) -> None:
    assert ServiceReference.parse(text) == reference


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://a1b", "service://"),
        ("service://", "service"),
        ("service://../etc:x", "'../etc'"),
        ("service://a1b:", "variable"),
        ("service://a1b:x@", "time ''"),
        ("service://a1b:x@yesterday", "'yesterday'"),
        ("service://a1b:x@2070-13-01", "'2070-13-01'"),
        ("service://a1b:x@2070-12-32", "'2070-12-32'"),
        ("service://a1b:x@nan", "'nan'"),
        ("service://a1b:x@inf", "'inf'"),
        ("service://a1b:" + "x" * 100_000, "100014 characters"),
    ],
)
def test_wrong_references_are_refused_with_the_part_that_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidReference) as refusal:
        ServiceReference.parse(text)
    assert says in str(refusal.value)
    assert len(str(refusal.value)) < 500
    assert refusal.value.value == text


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "a/", "/a", "..", "a/../b", ".hidden", "a b", "a:b", "a@b", "ä", "x" * 201]
)
def test_names_that_are_no_service_names(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_service_name(name)
    assert refusal.value.field == "name"
    assert name[:200] in str(refusal.value)


def test_times_are_written_in_utc_with_z() -> None:
    time = datetime(2016, 9, 3, 1, 36, 10, 768937, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(time) == "2016-09-02T23:36:10.768937Z"
    assert parse_time(format_time(time)) == time
    assert parse_time("2016-09-02T23:36:10Z") == datetime(2016, 9, 2, 23, 36, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "{", "", "[" * 100_000])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=".+"):
        load_json(text)


@pytest.mark.parametrize(
    "text", [r'{"a": "\ud800"}', r'["\uDC00\uD800"]', rb'{"\ud9ab": 1}', b'["\xed\xa0\x80"]', b"\xff"]
)
def test_half_characters_are_refused_since_nobody_could_store_them(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="half a character|decode"):
        load_json(text)


def test_whole_characters_are_read_however_they_are_written() -> None:
    for text in (r'["\ud83d\udca7"]', '["💧"]', '["💧"]'.encode(), '["💧"]'.encode("utf-16")):
        assert load_json(text) == ["💧"]
    assert load_json(r'["\\ud800"]') == [r"\ud800"]


def test_nan_is_not_written() -> None:
    with pytest.raises(ValueError, match=".+"):
        dump_json({"a": math.nan})


def test_a_job_document_survives_and_unknown_fields_are_passed_over() -> None:
    document = JobDocument("u", "j", "t", Status.PENDING, "{}", "{}", None, None, 0.5, None, None, 3)
    assert JobDocument.from_json({**document.to_json(), "news": 1}) == document
    assert list(document.to_json()) == (
        "uuid job created status inputs outputs started finished progress message error revision".split()
    )
