"""Running a job inside a worker: find the task, call it, publish what it returned, say how it ended.

Owns the order of these steps and the document that goes back. Nothing that a task does gets past `run_to_document`.
"""

import base64
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import xarray as xr

from geojobs_lab._version import __version__
from geojobs_lab.documents import check_service_name, dump_json
from geojobs_lab.errors import NodeFailed, RunError
from geojobs_lab.jobs.nodes import NodeTasks
from geojobs_lab.jobs.outputs import ArrayFiles, to_json
from geojobs_lab.jobs.spec import JobSpec
from geojobs_lab.renderers import Renderer, default_renderer
from geojobs_lab.services.publishing import alone, publish_rasters, rasters_of
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
        return {"type": "failure", "error": _explain(error, spec), "kinds": _kinds(error)}


def find_task(definition: Mapping[str, Any]) -> Task:
    """Return the task or workflow that a definition names."""
    match definition["type"]:
        case "library":
            return default_registry().get(definition["name"])
        case "workflow":
            return Workflow.from_json(definition["document"], NodeTasks.load(definition["tasks"]))
        case _:
            return load_task(definition["task"])


def _run(spec: JobSpec) -> dict[str, Any]:
    task = find_task(spec.definition)
    values = task(**spec.inputs)
    os.umask(0o077)  # results are for the user alone; what tasks write is as they are used to
    outputs: dict[str, Any] = {}
    services: list[dict[str, Any]] = []
    files = ArrayFiles(Path(spec.results_dir), spec.href)
    for parameter in task.outputs:
        name = parameter.name
        if name not in values:
            continue
        published = _published(spec, name, values[name]) if spec.publish else None
        if published is None:
            outputs[name] = _value(values[name], name, files)
        else:
            services += [published] if isinstance(published, dict) else published
            outputs[name] = published["name"] if isinstance(published, dict) else [one["name"] for one in published]
    return {"outputs": outputs, "services": services}


def _value(value: Any, name: str, files: ArrayFiles) -> Any:
    try:
        return to_json(value, name, files)
    except RecursionError:  # or it holds itself
        raise RunError(f"output {name!r}: it is nested too deeply for JSON") from None


def _published(spec: JobSpec, name: str, value: Any) -> dict[str, Any] | list[dict[str, Any]] | None:
    """Publish an output that is a raster, a list of rasters or a data set, and return the services; None for others."""
    if _is_raster(value):
        return _publish(spec, name, alone(value), _title(value, name))
    if isinstance(value, list | tuple) and value and all(map(_is_raster, value)):
        titles = [_title(raster, name) for raster in value]
        alike = len(set(titles)) < len(titles)
        return [
            _publish(spec, f"{name}/{number}", alone(raster), f"{title} [{number}]" if alike else title)
            for number, (raster, title) in enumerate(zip(value, titles, strict=True))
        ]
    if isinstance(value, xr.Dataset):
        title = str(value.attrs.get("title") or name)
        return _publish(spec, name, rasters_of(value), title, value.attrs)
    return None


def _is_raster(value: object) -> bool:
    return isinstance(value, xr.DataArray) and value.ndim >= 2


def _title(raster: xr.DataArray, name: str) -> str:
    return str(raster.attrs.get("long_name") or name)


def _publish(
    spec: JobSpec,
    name: str,
    rasters: Mapping[str, xr.DataArray],
    title: str,
    attributes: Mapping[Any, Any] | None = None,
) -> dict[str, Any]:
    service = check_service_name(f"{spec.uuid}/{name}", field=f"output {name!r}")
    for raster in rasters.values():
        if raster.dtype.kind not in "biuf":
            raise RunError(f"output {name!r}: a raster of {raster.dtype} cannot be published: it holds no numbers")
    chosen: dict[str, dict[str, Any]] = {}
    if spec.renderer is not None:
        chosen = {variable: _renderer(spec.renderer, raster).to_json() for variable, raster in rasters.items()}
    path = Path(spec.results_dir) / f"{name.replace('/', '~')}.nc"  # no name has a ~ of its own
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    provenance = {
        "geojobs_job": spec.job,
        "geojobs_uuid": spec.uuid,
        "geojobs_inputs": dump_json(dict(spec.inputs)),
        "geojobs_version": __version__,
        "geojobs_created": spec.created,
    }
    classes = [variable for variable, renderer in chosen.items() if renderer["type"] == "unique"]
    written = publish_rasters(rasters, path, title=title, provenance=provenance, attributes=attributes, classes=classes)
    # The range is known when the raster is written; one larger than memory must not be looked at twice.
    renderers = chosen or {
        variable: default_renderer(np.array(limits or ())).to_json() for variable, limits in written.limits.items()
    }
    return {"name": service, "path": str(path), "title": title, "renderers": renderers, "info": written.info}


class _RendererFailed(RunError):
    """The configuration's `results_renderer` failed; its error is the ``__cause__``."""


def _renderer(given: str, raster: xr.DataArray) -> Renderer:
    try:
        style: Renderer | Callable[[xr.DataArray], Renderer] = cloudpickle.loads(base64.b64decode(given))
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


def _innermost(error: BaseException) -> tuple[BaseException, str | None]:
    """Return what a task or a renderer has raised itself, and the node, or whatever else, it comes from."""
    where = None
    while isinstance(error, NodeFailed | _RendererFailed):
        where = error.node if isinstance(error, NodeFailed) else "results_renderer"
        if error.__cause__ is None:
            break
        error = error.__cause__
    return error, where


def _kinds(error: BaseException) -> list[str]:
    """Return the names of the error's class and of its bases, as `retry_on` may name them."""
    names = [kind.__name__ for kind in type(_innermost(error)[0]).__mro__]
    return [name for name in names if name not in ("Exception", "BaseException", "object")]


def _explain(error: BaseException, spec: JobSpec) -> dict[str, str]:
    """Return the error document: the innermost node or the job as `where`, and no path of the server."""
    error, place = _innermost(error)
    where = place or spec.job
    if isinstance(error, SystemExit):
        text = f"the task asked its process to exit with {error.code!r}"
    else:
        text = _words(error) or type(error).__name__
    for name, path in {spec.job: spec.results_dir, **spec.services}.items():
        text = text.replace(path, name)
    return {"type": type(error).__name__.lstrip("_"), "message": text[:_LONGEST_ERROR], "where": where}
