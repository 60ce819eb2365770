"""Running a job inside a worker: find the task, call it, publish what it returned, say how it ended.

Owns the order of these steps and the document that goes back. Nothing that a task does gets past `run_to_document`.
"""

import base64
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import xarray as xr

from geojobs_lab._version import __version__
from geojobs_lab.documents import dump_json
from geojobs_lab.errors import NodeFailed, RunError
from geojobs_lab.jobs.outputs import to_json
from geojobs_lab.jobs.spec import JobSpec
from geojobs_lab.renderers import Renderer, default_renderer
from geojobs_lab.services.publishing import publish_raster
from geojobs_lab.tasks import RunContext, Task, default_registry, use_context
from geojobs_lab.tasks.loading import load_task
from geojobs_lab.workflows import Workflow

_LONGEST_ERROR = 2000  # characters of an error's message; the log has it whole


def run_to_document(message: Mapping[str, Any], context: RunContext) -> dict[str, Any]:
    """Run the job of a ``job`` document and return the ``success`` or ``failure`` document."""
    spec = JobSpec.from_message(message)
    try:
        with use_context(context):
            return {"type": "success", **_run(spec)}
    except BaseException as error:  # noqa: BLE001  SystemExit and KeyboardInterrupt of a task are failures of the job
        context.log("ERROR", "".join(traceback.format_exception(error)))
        return {"type": "failure", "error": _explain(error, spec)}


def find_task(definition: Mapping[str, str]) -> Task:
    """Return the task or workflow that a definition names."""
    match definition["type"]:
        case "library":
            return default_registry().get(definition["name"])
        case "workflow":
            return Workflow.from_json(definition["document"])
        case _:
            return load_task(definition["task"])


def _run(spec: JobSpec) -> dict[str, Any]:
    task = find_task(spec.definition)
    values = task(**spec.inputs)
    outputs: dict[str, Any] = {}
    services: list[dict[str, Any]] = []
    for parameter in task.outputs:
        name = parameter.name
        if name not in values:
            continue
        value = values[name]
        if spec.publish and isinstance(value, xr.DataArray) and value.ndim >= 2:
            services.append(_publish(spec, name, value))
            outputs[name] = services[-1]["name"]
        else:
            outputs[name] = to_json(value, name, Path(spec.results_dir), spec.href)
    return {"outputs": outputs, "services": services}


def _publish(spec: JobSpec, name: str, raster: xr.DataArray) -> dict[str, Any]:
    renderer = _renderer(spec, raster)
    path = Path(spec.results_dir) / f"{name}.nc"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    title = str(raster.attrs.get("long_name") or name)
    provenance = {
        "geojobs_job": spec.job,
        "geojobs_uuid": spec.uuid,
        "geojobs_inputs": dump_json(dict(spec.inputs)),
        "geojobs_version": __version__,
        "geojobs_created": spec.created,
    }
    info = publish_raster(raster, path, title=title, provenance=provenance)
    return {
        "name": f"{spec.uuid}/{name}",
        "path": str(path),
        "title": title,
        "renderers": {"data": renderer.to_json()},
        "info": info,
    }


class _RendererFailed(RunError):
    """The configuration's `results_renderer` failed; its error is the ``__cause__``."""


def _renderer(spec: JobSpec, raster: xr.DataArray) -> Renderer:
    try:
        if spec.renderer is None:
            return default_renderer(raster)
        style: Renderer | Callable[[xr.DataArray], Renderer] = cloudpickle.loads(base64.b64decode(spec.renderer))
        renderer = style if isinstance(style, Renderer) else style(raster)
    except Exception as error:
        raise _RendererFailed(str(error)) from error
    if not isinstance(renderer, Renderer):
        raise _RendererFailed(f"it returned {type(renderer).__name__} instead of a renderer")
    return renderer


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a task's own class may not even know what to say
        return ""


def _explain(error: BaseException, spec: JobSpec) -> dict[str, str]:
    """Return the error document: the innermost node or the job as `where`, and no path of the server."""
    where = spec.job
    while isinstance(error, NodeFailed | _RendererFailed) and error.__cause__ is not None:
        where = error.node if isinstance(error, NodeFailed) else "results_renderer"
        error = error.__cause__
    if isinstance(error, _RendererFailed):
        where = "results_renderer"
    if isinstance(error, SystemExit):
        text = f"the task asked its process to exit with {error.code!r}"
    else:
        text = _words(error) or type(error).__name__
    for name, path in {spec.job: spec.results_dir, **spec.services}.items():
        text = text.replace(path, name)
    return {"type": type(error).__name__.lstrip("_"), "message": text[:_LONGEST_ERROR], "where": where}
