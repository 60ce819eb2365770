"""What a saved notebook shows of a widget where no widgets are: plain HTML without script or style.

Everything shown comes from a server, so all of it is escaped.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from geojobs_lab.client.tables import html_table
from geojobs_lab.client.values import RasterOutput, is_stored_array, read_outputs
from geojobs_lab.documents import JobDocument, Status, dump_json, load_json, parse_time

_LONGEST = 200  # characters of one value
_WORDS = {
    Status.PENDING: "… pending",
    Status.STARTED: "▶ started",
    Status.SUCCESS: "✓ success",
    Status.FAILURE: "✗ failure",
    Status.REVOKED: "■ revoked",
}


def card_html(document: Mapping[str, Any]) -> str:
    """Return a job: how it stands, why it failed, what it took and made."""
    job = JobDocument.from_json(document)
    said = job.message or ""
    if job.error:
        where = f" in {job.error['where']}" if job.error["where"] else ""
        said = f"{job.error['type']}: {job.error['message']}{where}"
    head = html_table(["job", "status", "", "uuid"], [[job.job, _state(job), said, job.uuid]])
    inputs = [[name, shown(value)] for name, value in (load_json(job.inputs) or {}).items()]
    outputs = [[name, shown(value)] for name, value in read_outputs(job).items()]
    parts = [html_table(["input", "value"], inputs) if inputs else ""]
    parts.append(html_table(["output", "value"], outputs) if outputs else "")
    if not job.status.is_final:
        call = escape(f"client.job({job.uuid!r})", quote=False)
        parts.append(f"<p>As it was when this was shown; <code>{call}</code> has the present.</p>")
    return f"<div>{head}{''.join(parts)}</div>"


def _state(job: JobDocument) -> str:
    """Return a job's status, how far it is, and how long it ran."""
    words = [_WORDS[job.status]]
    if job.progress is not None and not job.status.is_final:
        words.append(f"{job.progress:.0%}")
    if job.started and job.finished:
        seconds = (parse_time(job.finished) - parse_time(job.started)).total_seconds()
        words.append(f"after {seconds:.1f} s")
    return " ".join(words)


def shown(value: Any) -> str:
    """Return an input's or an output's value as short text."""
    if isinstance(value, RasterOutput):
        return f"raster, published as {value}"
    if isinstance(value, list) and value and all(isinstance(item, RasterOutput) for item in value):
        return f"{len(value)} rasters, published as {', '.join(value)}"
    if is_stored_array(value):
        return f"array {' × '.join(str(size) for size in value['shape'])}, {value['dtype']}"
    text = value if isinstance(value, str) else dump_json(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
