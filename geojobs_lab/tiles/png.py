"""PNG of a palette picture: 8-bit indices, colours in PLTE, alpha in tRNS.

A tile has at most 256 colours, so one byte a pixel is all there is to compress: a quarter of RGBA, and no work
of filtering. ISA-L deflates it several times faster than zlib does.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

try:
    from isal.isal_zlib import compress
except ImportError:  # no wheels for this machine's processor
    from zlib import compress

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1  # of both libraries: higher ones cost more time than they save on the wire
_INDEXED = 3  # colour type


def encode_png(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Encode a picture.

    Parameters
    ----------
    indices : uint8, (height, width)
        Rows of the palette, the upper row first.
    palette : uint8, (n, 4)
        Red, green, blue, alpha (not premultiplied) of at most 256 colours.
    """
    height, width = indices.shape
    lines = np.zeros((height, width + 1), dtype=np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = indices
    header = struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)
    alpha = palette[:, 3].tobytes().rstrip(b"\xff")  # what is not said is opaque
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette[:, :3].tobytes()),
            _chunk(b"tRNS", alpha) if alpha else b"",
            _chunk(b"IDAT", compress(lines.data, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
