import io
import struct
import zlib

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from geojobs_lab.tiles import empty_tile, encode_png, png

PALETTE = np.random.default_rng(1).integers(0, 256, (256, 4), dtype=np.uint8)

pictures = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def chunks(data):
    """Return the chunks of a PNG, kind and content, after checking their sums."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(body),)
        found.append((body[:4], body[4:]))
        at += 12 + length
    return found


@given(pictures)
def test_pillow_reads_the_indices_and_the_colors_back(picture):
    image = Image.open(io.BytesIO(encode_png(picture, PALETTE)))
    image.verify()
    image = Image.open(io.BytesIO(encode_png(picture, PALETTE)))
    assert image.mode == "P"
    assert (np.asarray(image) == picture).all()
    assert (np.asarray(image.convert("RGBA")) == PALETTE[picture]).all()


def test_matplotlib_reads_the_same_colors():
    picture = np.random.default_rng(2).integers(0, 256, (256, 256), dtype=np.uint8)
    read = matplotlib.image.imread(io.BytesIO(encode_png(picture, PALETTE)), format="png")
    assert (np.rint(read * 255) == PALETTE[picture]).all()


def test_the_chunks_are_those_of_the_standard_in_its_order():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    kinds = chunks(encode_png(picture, PALETTE))
    assert [kind for kind, _ in kinds] == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", kinds[0][1]) == (4, 3, 8, 3, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(kinds[3][1]), dtype=np.uint8).reshape(3, 5)
    assert (lines[:, 0] == 0).all()
    assert (lines[:, 1:] == picture).all()


def test_opaque_colors_need_no_alpha():
    opaque = PALETTE.copy()
    opaque[:, 3] = 255
    assert b"tRNS" not in dict(chunks(encode_png(np.zeros((2, 2), np.uint8), opaque)))
    opaque[0, 3] = 0
    assert dict(chunks(encode_png(np.zeros((2, 2), np.uint8), opaque)))[b"tRNS"] == b"\x00"


@pytest.mark.parametrize("columns", [slice(None, None, -1), slice(None, None, 2)])
def test_pictures_that_are_not_contiguous_are_encoded_as_they_look(columns):
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)[:, columns]
    assert (np.asarray(Image.open(io.BytesIO(encode_png(picture, PALETTE)))) == picture).all()


def test_zlib_stands_in_where_isal_is_not_to_be_had(monkeypatch):
    monkeypatch.setattr(png, "compress", zlib.compress)
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert (np.asarray(Image.open(io.BytesIO(encode_png(picture, PALETTE)))) == picture).all()


@pytest.mark.parametrize("scale", [1, 2])
def test_an_empty_tile_is_transparent_and_small(scale):
    image = Image.open(io.BytesIO(empty_tile(scale)))
    assert image.size == (256 * scale, 256 * scale)
    assert (np.asarray(image.convert("RGBA"))[..., 3] == 0).all()
    assert len(empty_tile(scale)) < 2000
    assert empty_tile(scale) is empty_tile(scale)
