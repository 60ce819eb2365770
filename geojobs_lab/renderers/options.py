"""What every kind of renderer takes besides its colours: fill value, background, missing, labels; and their JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.values import real_number, shown

_LARGEST_FILL = 1.7976931348623157e308  # any finite float64 may stand for "no data"


class Options(TypedDict, total=False):
    """The keyword arguments that constructors pass on.

    Attributes
    ----------
    fill_value : float or None
        A value that counts as missing, besides NaN and masked ones; compared in the type of the data.
    background : Color or None
        Of values that none of the colours stands for.
    missing : Color or None
        Of missing values; transparent when None.
    """

    fill_value: float | None
    background: Color | None
    missing: Color | None


class StretchOptions(Options, total=False):
    """Those of a stretched renderer.

    Attributes
    ----------
    stretch : str
        ``"linear"``, ``"log"`` or ``"sqrt"``.
    """

    stretch: str


def checked_fill(value: Any) -> float | None:
    """Return a fill value as a Python number, or None."""
    return None if value is None else real_number(value, "fill_value", largest=_LARGEST_FILL)


def checked_color(value: Any, name: str) -> Color | None:
    """Return a colour or None, refusing everything else."""
    if value is not None and not isinstance(value, Color):
        raise RendererNotValid(f"renderer: {name} is {shown(value)}, not a Color", value=value)
    return value


def checked_labels(labels: Any, count: int) -> tuple[str, ...] | None:
    """Return one text for each of `count` colours, or None."""
    if labels is None:
        return None
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        raise RendererNotValid(f"renderer: labels is {shown(labels)}, not a list of texts", value=labels)
    for label in labels:
        if not isinstance(label, str):
            raise RendererNotValid(f"renderer: the label {shown(label)} is not a text", value=label)
    if len(labels) != count:
        raise RendererNotValid(f"renderer: {len(labels)} labels for {count} colors", value=labels)
    return tuple(labels)


def checked_pairs(colors: Any) -> list[tuple[Any, Color]]:
    """Return pairs of a value, whatever it is, and a colour."""
    if isinstance(colors, str | bytes | Mapping) or not isinstance(colors, Iterable):
        raise RendererNotValid(f"renderer: colors is {shown(colors)}, not a list of (value, Color)", value=colors)
    pairs = [_pair(pair) for pair in colors]
    for _, color in pairs:
        if not isinstance(color, Color):
            raise RendererNotValid(f"renderer: {shown(color)} is not a Color", value=color)
    return pairs


def read_options(document: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return the options of a renderer's JSON, colours read, null ones left out.

    Raises
    ------
    RendererNotValid
        One is not `known`, or a colour cannot be read.
    """
    options = {} if document.get("options") is None else document["options"]
    if not isinstance(options, Mapping):
        raise RendererNotValid(f"renderer: options is {shown(options)}, not an object", value=options)
    known = tuple(known)
    for name, value in options.items():
        if name not in known:
            raise RendererNotValid(
                f"renderer: the option {shown(name)} with {shown(value)} is not one of {', '.join(known)}", value=value
            )
    given = {name: value for name, value in options.items() if value is not None}
    return {name: _read_color(name, value) if name in _COLORS else value for name, value in given.items()}


def read_pairs(document: Mapping[str, Any]) -> list[tuple[Any, Color]]:
    """Return the ``colors`` of a renderer's JSON with the colours read; values are whatever they are."""
    pairs = document.get("colors")
    if not isinstance(pairs, list):
        raise RendererNotValid(f"renderer: colors is {shown(pairs)}, not a list of [value, color]", value=pairs)
    return [(value, Color.from_hex(color)) for value, color in map(_pair, pairs)]


def written_options(**options: Any) -> dict[str, Any]:
    """Return options as JSON, those that are None left out."""
    return {
        name: value.to_hex() if isinstance(value, Color) else list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None
    }


_COLORS = {"background", "missing"}


def _read_color(name: str, value: Any) -> Color:
    try:
        return Color.from_hex(value)
    except RendererNotValid as error:
        raise RendererNotValid(f"renderer: the option {name!r}: {error}", value=value) from None


def _pair(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise RendererNotValid(f"renderer: {shown(pair)} in colors is not a pair of a value and a color", value=pair)
    return pair[0], pair[1]
