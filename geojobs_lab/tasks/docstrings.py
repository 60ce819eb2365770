"""The few things that tasks take from numpy docstrings: the first paragraph, parameters, what is returned."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_UNDERLINE = re.compile(r"-{3,}\s*")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What was read.

    Attributes
    ----------
    summary : str
        The first paragraph, on one line.
    parameters : mapping of str to str
        Descriptions by parameter name.
    returned : sequence of (str or None, str or None)
        Name (where ``name : type`` gives one) and description of each returned value.
    """

    summary: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    returned: Sequence[tuple[str | None, str | None]] = ()


def read_docstring(text: str | None) -> Docstring:
    """Read a numpy docstring; a text in another style gives its first paragraph."""
    if not text or not text.strip():
        return Docstring()
    lines = inspect.cleandoc(text).splitlines()
    parameters = {
        name.strip().lstrip("*"): description
        for heading, description in _entries(_section(lines, "Parameters"))
        if description
        for name in heading.partition(":")[0].split(",")
    }
    returned = [(_name(heading), description or None) for heading, description in _entries(_section(lines, "Returns"))]
    return Docstring(_summary(lines), parameters, returned)


def _name(heading: str) -> str | None:
    name, colon, _ = heading.partition(":")
    return name.strip() if colon and name.strip().isidentifier() else None


def _summary(lines: list[str]) -> str:
    paragraph: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.strip() or _UNDERLINE.fullmatch(following):
            break
        paragraph.append(line.strip())
    return " ".join(paragraph)


def _section(lines: list[str], title: str) -> list[str]:
    """Return the lines below the underlined `title`, up to the next section."""
    for index, line in enumerate(lines[:-1]):
        if line.strip() == title and _UNDERLINE.fullmatch(lines[index + 1]):
            break
    else:
        return []
    section = lines[index + 2 :]
    for end in range(1, len(section)):
        if _UNDERLINE.fullmatch(section[end]):
            return section[: end - 1]
    return section


def _entries(section: list[str]) -> Iterator[tuple[str, str]]:
    """Yield headings, which are not indented, with the indented text below them."""
    heading: str | None = None
    description: list[str] = []
    for line in [*section, "end"]:
        if not line.strip():
            continue
        if line[0].isspace():
            description.append(line.strip())
            continue
        if heading is not None:
            yield heading, " ".join(description)
        heading, description = line.strip(), []
