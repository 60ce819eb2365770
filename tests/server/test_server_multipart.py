"""The reader of multipart bodies, alone."""

from pathlib import Path

import pytest
from geojobs_lab_server.multipart import MultipartReader
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import InvalidInput, TooLarge


def encode(parts: list[tuple[str, bytes]], boundary: str = "b") -> bytes:
    """Return a body as browsers send it; a name that begins with ``file`` is that of a file."""
    lines = b""
    for name, content in parts:
        filename = '; filename="any.nc"' if name.startswith("file") else ""
        lines += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode()
        lines += content + b"\r\n"
    return lines + f"--{boundary}--\r\n".encode()


def read(body: bytes, size: int, folder: Path | None = None, limit: int = 10_000) -> MultipartReader:
    """Feed a body in pieces of `size` bytes."""
    reader = MultipartReader("b", uploads_dir=folder, limit=limit)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    reader.close()
    return reader


TEXTS = st.text(st.sampled_from("ab-\r\n é"), max_size=30).filter(lambda text: "\r\n--b" not in f"\r\n{text}")


@given(fields=st.dictionaries(st.sampled_from(["one", "two", "drei", "vier"]), TEXTS), size=st.integers(1, 80))
def test_fields_come_back_however_the_body_is_cut(fields: dict[str, str], size: int) -> None:
    body = encode([(name, text.encode()) for name, text in fields.items()])
    assert read(body, size).fields == fields


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("content", [b"", b"\r\n", b"\r\n--", b"\r\n--c", bytes(range(256)) * 4, b"--b--"[1:]])
def test_a_file_comes_back_byte_by_byte(tmp_path: Path, content: bytes, size: int) -> None:
    reader = read(encode([("name", b"x"), ("file", content), ("title", b"t")]), size, tmp_path)
    assert reader.fields == {"name": "x", "title": "t"}
    assert reader.file is not None
    assert reader.file.read_bytes() == content
    reader.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_a_field_where_none_is_expected() -> None:
    assert read(encode([("file", b"{}")]), 5).fields == {"file": "{}"}


def test_what_stands_before_and_after_the_parts_is_passed_over() -> None:
    body = b"preamble\r\n" + encode([("one", b"1")]) + b"epilogue\r\n--b\r\n"
    assert read(body, 3).fields == {"one": "1"}


def test_names_may_be_written_in_all_ways() -> None:
    body = (
        b"--b\r\ncontent-disposition: form-data; name=plain\r\n\r\n1\r\n"
        b'--b  \r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="a \\" b"\r\n\r\n2\r\n'
        b"--b\r\nContent-Disposition: form-data; name*=utf-8''%C3%A9\r\n\r\n3\r\n--b--"
    )
    assert read(body, 9).fields == {"plain": "1", 'a " b': "2", "é": "3"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        b"--b",
        b"--bc--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        b"--b\r\n\xff: x\r\n\r\n1\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--',
        b"--b\r\nX: " + b"x" * 20_000 + b"\r\n\r\n1\r\n--b--",
        b"--b" + b" " * 20_000,
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_what_is_no_multipart_is_refused(body: bytes, size: int) -> None:
    with pytest.raises(InvalidInput):
        read(body, size)


def test_fields_have_a_limit_and_files_have_none(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        read(encode([("one", b"x" * 60), ("two", b"x" * 60)]), 10, limit=100)
    reader = read(encode([("one", b"x" * 60), ("file", b"x" * 600)]), 10, tmp_path, limit=100)
    reader.discard()


def test_one_file_is_wanted_in_the_field_file(tmp_path: Path) -> None:
    for parts in ([("file", b"1"), ("file", b"2")], [("file2", b"1")]):
        reader = MultipartReader("b", uploads_dir=tmp_path, limit=100)
        with pytest.raises(InvalidInput):
            reader.feed(encode(parts))
        reader.discard()
    assert list(tmp_path.iterdir()) == []
