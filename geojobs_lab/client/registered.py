"""A registered job as the client sees it: what it is called, what it takes, what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from geojobs_lab.client.tables import Columns, Listing, html_table, text_table

_HEADINGS = ("parameter", "type", "required", "default", "description")


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    """A job that can be submitted.

    Attributes
    ----------
    name, title, description : str
    inputs, outputs : tuple of Mapping
        The parameters' documents: name, type id, required, default, description, JSON Schema.
    available : bool
        False where the server's configuration of it is wrong; `reason` says how.
    """

    name: str
    title: str | None
    description: str | None
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    available: bool
    reason: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the server's document."""
        return cls(
            name=document["name"],
            title=document.get("title"),
            description=document.get("description"),
            inputs=tuple(document.get("inputs") or ()),
            outputs=tuple(document.get("outputs") or ()),
            available=document.get("available", True),
            reason=document.get("reason"),
        )

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.title or self.description or 'a job'}"]
        if not self.available:
            lines.append(f"not available: {self.reason}")
        for what, parameters in (("inputs", self.inputs), ("outputs", self.outputs)):
            lines += ["", what, *text_table(_HEADINGS, _rows(parameters))] if parameters else ["", f"no {what}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        state = "available" if self.available else f"not available: {self.reason}"
        about = html_table(["job", "title", "state"], [[self.name, self.title or "", state]])
        tables = [html_table([what, *_HEADINGS[1:]], _rows(parameters)) for what, parameters in self._parts()]
        return about + "".join(tables)

    def _parts(self) -> tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]:
        return ("input", self.inputs), ("output", self.outputs)


def list_registered(documents: list[dict[str, Any]]) -> Listing[RegisteredJob]:
    """Return registered jobs as a readable list."""
    columns: Columns[RegisteredJob] = {
        "name": lambda job: job.name,
        "title": lambda job: job.title or job.description,
        "inputs": lambda job: ", ".join(_signature(parameter) for parameter in job.inputs),
        "outputs": lambda job: ", ".join(parameter["name"] for parameter in job.outputs),
        "state": lambda job: "available" if job.available else f"not available: {job.reason}",
    }
    return Listing([RegisteredJob.from_json(d) for d in documents], columns, title="registered jobs")


def _signature(parameter: Mapping[str, Any]) -> str:
    optional = "" if parameter.get("required", True) else f" = {parameter.get('default')!r}"
    return f"{parameter['name']}: {parameter.get('type')}{optional}"


def _rows(parameters: tuple[Mapping[str, Any], ...]) -> list[list[str]]:
    return [
        [
            parameter["name"],
            str(parameter.get("type") or ""),
            "yes" if parameter.get("required", True) else "no",
            "" if parameter.get("default") is None else repr(parameter["default"]),
            parameter.get("description") or "",
        ]
        for parameter in parameters
    ]
