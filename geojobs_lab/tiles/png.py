"""PNG of a palette picture: 8-bit indices, colours in PLTE, alpha in tRNS; or its pixels one by one.

A tile has at most 256 colours, so one byte a pixel is all there is to compress: a quarter of RGBA, and no work
of filtering. ISA-L deflates it several times faster than zlib does.
"""

import struct

import numpy as np
from numpy.typing import NDArray

try:
    from isal.isal_zlib import compress, crc32
except ImportError:  # no wheels for this machine's processor
    from zlib import compress, crc32

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1  # of both libraries: higher ones cost more time than they save on the wire
_INDEXED, _RGBA = 3, 6  # colour types


def encode_png(
    indices: NDArray[np.uint8], palette: NDArray[np.uint8], inside: NDArray[np.bool_] | None = None
) -> bytes:
    """Encode a picture.

    Parameters
    ----------
    indices : uint8, (height, width)
        Rows of the palette, the upper row first.
    palette : uint8, (n, 4)
        Red, green, blue, alpha (not premultiplied) of at most 256 colours.
    inside : bool, (height, width), optional
        The pixels that are drawn, all when left out; the others are transparent, a colour that the palette need not
        have. Such a picture has four bytes a pixel.
    """
    height, width = indices.shape
    if inside is None:
        kind, pixels = _INDEXED, indices
        alpha = palette[:, 3].tobytes().rstrip(b"\xff")  # what is not said is opaque
        colors = _chunk(b"PLTE", palette[:, :3].tobytes()) + (_chunk(b"tRNS", alpha) if alpha else b"")
    else:
        kind, colors = _RGBA, b""
        pixels = np.where(inside[..., None], palette[indices], np.uint8(0)).reshape(height, -1)
    lines = np.zeros((height, pixels.shape[1] + 1), dtype=np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = pixels
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)),
            colors,
            _chunk(b"IDAT", compress(lines.data, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(data, crc32(kind)))
