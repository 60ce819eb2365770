"""``geojobs demo``: a real job on a real server, from the start to a picture, in one command."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from geojobs_lab.cli.server import running_server
from geojobs_lab.client import Job, Service
from geojobs_lab.documents import parse_time

_SERVICES = ("a1b", "e1")
_DATA = "service://a1b:air_temperature"
_LONGEST = 600.0  # seconds that the job may take


def demo(output: Path) -> None:
    """Run the demo and tell what happens.

    Parameters
    ----------
    output : Path
        The folder that gets ``warming.png`` and ``warming.nc``; made when it is not there.

    Raises
    ------
    GeoJobsError, OSError
        What went wrong, with the end of the server's log as a note.
    """
    start = time.monotonic()
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="geojobs-demo-") as folder, running_server(Path(folder)) as server:
        client = server.client
        server.wait_until_ready(_SERVICES, "warming")
        _tell("server", f"{client.url} is ready after {time.monotonic() - start:.1f} s")
        _tell("services", ", ".join(f"{service.name} ({service.variables[0]})" for service in client.services()))
        job = client.submit("warming", data=_DATA)
        _tell("job", f"{job.job} on {_DATA}, {job.uuid}")
        job.wait(timeout=_LONGEST, progress=True)
        _tell("done", _times(job))
        _write(job, output)
    _tell("server", f"stopped; {time.monotonic() - start:.1f} s in all")


def _write(job: Job, output: Path) -> None:
    from geojobs_lab.plots import map_figure

    warming = job.result()
    service = job.service()
    _tell("result", _summary(service))
    file = service.download(output / "warming.nc")
    picture = output / "warming.png"
    figure = map_figure(
        warming,
        cmap="YlOrRd",
        vmin=2,
        vmax=10,
        title=warming.attrs.get("long_name"),
        subtitle="Air temperature at 1.5 m, scenario A1B, Met Office Unified Model",
        label="Temperature change (K)",
    )
    figure.savefig(picture, dpi=150)
    _tell("wrote", f"{picture} and {file}")


def _times(job: Job) -> str:
    created, started, finished = (parse_time(text or job.created) for text in (job.created, job.started, job.finished))
    return f"waited {(started - created).total_seconds():.2f} s, ran {(finished - started).total_seconds():.2f} s"


def _summary(service: Service) -> str:
    found = service.statistics(weights="area")
    unit, mean = found["unit"], found["area_weighted_mean"]
    return f"{found['min']:.1f} to {found['max']:.1f} {unit}, {mean:.1f} {unit} in the mean of the area"


def _tell(what: str, text: str) -> None:
    print(f"{what:<9} {text}", flush=True)
