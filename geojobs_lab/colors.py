"""A colour: red, green, blue and alpha, and its hexadecimal text, in the standard library alone.

What colours stand for is the renderers' business.
"""

import operator
import re
from dataclasses import dataclass
from typing import Self

from geojobs_lab.errors import RendererNotValid

_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


@dataclass(frozen=True, slots=True)
class Color:
    """A colour of 8-bit channels.

    Parameters
    ----------
    red, green, blue : int
        0..255, sRGB.
    alpha : int
        0 (transparent) .. 255 (opaque, the default), not premultiplied.

    Raises
    ------
    RendererNotValid
        A channel is no whole number, or lies outside 0..255.
    """

    red: int
    green: int
    blue: int
    alpha: int = 255

    def __post_init__(self) -> None:
        for channel in ("red", "green", "blue", "alpha"):
            object.__setattr__(self, channel, _channel(channel, getattr(self, channel)))

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read ``#rgb``, ``#rrggbb`` or ``#rrggbbaa``, in either case.

        Raises
        ------
        RendererNotValid
            The text has another form.
        """
        if not isinstance(text, str) or not _HEX.fullmatch(text):
            raise RendererNotValid(f"color: {text!r} is not of the form '#rgb', '#rrggbb' or '#rrggbbaa'", value=text)
        digits = text[1:]
        if len(digits) == 3:
            digits = "".join(2 * digit for digit in digits)
        return cls(*bytes.fromhex(digits))

    def to_hex(self) -> str:
        """Write ``#rrggbb``, or ``#rrggbbaa`` when the colour is not opaque."""
        channels = (self.red, self.green, self.blue, self.alpha)
        return "#" + bytes(channels if self.alpha != 255 else channels[:3]).hex()


def _channel(name: str, value: object) -> int:
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # the test itself
    except TypeError:
        number = -1
    if not 0 <= number <= 255:
        raise RendererNotValid(f"color: {name} is {value!r}, not a whole number from 0 to 255", value=value)
    return number
