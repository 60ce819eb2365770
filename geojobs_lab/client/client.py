"""The client: one object for everything that a server with the extension offers over REST."""

import os
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from geojobs_lab.client.discovery import Surroundings, discover
from geojobs_lab.client.display import display
from geojobs_lab.client.job import Job
from geojobs_lab.client.listings import list_jobs, list_services
from geojobs_lab.client.registered import RegisteredJob, list_registered
from geojobs_lab.client.services import Service, read_service
from geojobs_lab.client.styles import renderer_json
from geojobs_lab.client.tables import Listing
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.client.values import VARIABLE, to_json
from geojobs_lab.documents import Status, check_service_name, dump_json
from geojobs_lab.errors import InvalidInput

if TYPE_CHECKING:
    import xarray as xr

    from geojobs_lab.client.styles import Style

_REPEATS = 2  # of a submission whose answer is lost
_PAGE = 100  # items asked for where the caller names no limit
_SHOWN = 20  # of them on a page of the live table, at most


class Client:
    """A line to a Jupyter server with the geojobs extension.

    Parameters
    ----------
    url : str, optional
        The server, as a browser shows it: ``http://localhost:8888/lab?token=...`` will do. When left out the
        server of this kernel is found; `geojobs_lab.client.discovery` has the order.
    token : str, optional
        Goes before any token that is found.

    Raises
    ------
    ServerNotFound
        The message says which steps were tried, and what to do.
    NotAuthenticated
        The server does not take the token.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self.transport = Transport(discover(url, Surroundings.here(token)))
        self._options: dict[str, int | float] = {}

    def options(self, *, priority: int | None = None, timeout: float | None = None) -> Self:
        """Return this client as one that submits jobs in another way: ``client.options(priority=5).submit(...)``.

        Parameters
        ----------
        priority : int, optional
            -1000 to 1000; jobs with more go first. 0 when left out.
        timeout : float, optional
            Seconds that a job may run; never more than the server allows.
        """
        other = copy(self)
        given = {"priority": priority, "timeout": timeout}
        other._options = {**self._options, **{name: value for name, value in given.items() if value is not None}}
        return other

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return self.transport.address.url

    def registered_jobs(self) -> Listing[RegisteredJob]:
        """Return the jobs that can be submitted."""
        return list_registered(self._results("registered-jobs/", "listing the registered jobs")[0])

    def registered_job(self, name: str) -> RegisteredJob:
        """Return one registered job: its parameters and outputs."""
        path = f"registered-jobs/{quote_path(name)}/"
        return RegisteredJob.from_json(
            self.transport.request("GET", path, doing=f"reading the registered job {name!r}")
        )

    def submit(self, name: str, /, inputs: Mapping[str, Any] | None = None, **named: Any) -> Job:
        """Submit a job and return its handle at once.

        When the connection breaks it is sent again; the server takes it once.

        Parameters
        ----------
        name : str
            A registered job.
        inputs : mapping, optional
            Inputs whose names Python does not allow as keywords, such as ``{"in": 5}``.
        **named
            The other inputs. numpy values, dates, services and the outputs of other jobs are made JSON.

        Raises
        ------
        InvalidInput
            A value has no JSON form.
        RequestRefused
            The server refuses the job; the message names the input and the value (status 400, 429 when the queue
            is full).
        """
        twice = sorted(named.keys() & (inputs or {}).keys())
        if twice:
            raise InvalidInput(f"inputs: {twice[0]!r} is given twice, in the mapping and as a keyword", value=twice[0])
        values = {key: to_json(value, key) for key, value in {**(inputs or {}), **named}.items()}
        body = {"job": name, "inputs": dump_json(values), **self._options}
        document = self.transport.request(
            "POST",
            "jobs/",
            doing=f"submitting the job {name!r}",
            repeats=_REPEATS,
            headers={"Idempotency-Key": str(uuid4())},
            json=body,
        )
        return Job(document, self.transport)

    def form(self, name: str) -> Any:
        """Return a form for a registered job, to be filled in and submitted in the notebook."""
        return display("form", self, name)

    def job(self, uuid: str) -> Job:
        """Return the handle of a job that was submitted before, from anywhere."""
        path = f"jobs/{quote_path(str(uuid))}/"
        return Job(self.transport.request("GET", path, doing=f"asking for the job {uuid}"), self.transport)

    def jobs(self, status: Status | str | None = None, job: str | None = None, limit: int = _PAGE) -> Listing[Job]:
        """Return the newest jobs.

        Parameters
        ----------
        status : str, optional
            Only those in this state: ``pending``, ``started``, ``success``, ``failure``, ``revoked``.
        job : str, optional
            Only those of this registered job.
        limit : int
            How many at most.
        """
        wanted = {"status": status, "job": job, "limit": limit}
        documents, total = self._results("jobs/", "listing the jobs", wanted)
        shown = min(limit, _SHOWN)
        return list_jobs(
            documents, self.transport, total, lambda: display("jobs", self, status=status, job=job, limit=shown)
        )

    def services(self, limit: int = _PAGE) -> Listing[Service]:
        """Return the published services."""
        documents, total = self._results("services/", "listing the services", {"limit": limit})
        shown = min(limit, _SHOWN)
        return list_services(documents, self.transport, total, lambda: display("services", self, limit=shown))

    def service(self, name: "str | Service") -> Service:
        """Return one published service; the value of a raster output is a name too."""
        return read_service(self.transport, name.name if isinstance(name, Service) else name)

    def publish(
        self,
        source: "str | os.PathLike[str] | xr.DataArray",
        name: str | None = None,
        *,
        title: str | None = None,
        renderer: "Style | None" = None,
        upload: bool = False,
    ) -> Service:
        """Publish data as a service.

        Parameters
        ----------
        source : path or DataArray
            A NetCDF file that the *server* can read, below one of its ``service_roots``; or, with `upload`, one on
            this machine; or a raster, which is sent.
        name : str, optional
            The service's name; the file's or the raster's own when left out.
        title : str, optional
            What people read.
        renderer : Renderer or mapping, optional
            How it is drawn: a renderer or its JSON.
        upload : bool
            Send the file instead of naming it.

        Raises
        ------
        InvalidInput
            The name is none.
        RequestRefused
            The server does not publish it: the file is no NetCDF or lies elsewhere (400), the name is taken (409).
        """
        renderer = renderer_json(renderer)
        if not isinstance(source, str | os.PathLike):
            return self._publish_raster(source, name, title, renderer)
        path = Path(source)
        name = check_service_name(path.stem if name is None else name)
        fields = _given(name=name, title=title, renderer=renderer)
        if upload:
            return self._upload(path, fields)
        body = {**fields, "path": os.fspath(path)}
        return Service(
            self.transport.request("POST", "services/", doing=f"publishing {name!r}", json=body), self.transport
        )

    def tile_url(
        self,
        service: str,
        variable: str | None = None,
        *,
        time: float | str | None = None,
        renderer: "Style | None" = None,
        absolute: bool = False,
    ) -> str:
        """Return the URL template of a service's map tiles, with ``{z}``, ``{x}`` and ``{y}`` left to the map.

        Parameters
        ----------
        service : str
            A service's name, the value of a raster output too.
        variable : str, optional
            The only variable when left out.
        time : float or str, optional
            Unix seconds or an ISO text; the first step when left out.
        renderer : Renderer or mapping, optional
            A renderer or its JSON; the service's own when left out.
        absolute : bool
            False gives a root-relative URL for pages of the same server: the browser's cookie opens it. True gives
            a full URL **with the token in it**, for maps elsewhere: whoever sees it can use the server.
        """
        return self.service(service).tile_url(variable, time=time, renderer=renderer, absolute=absolute)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.url}, found by {self.transport.address.step}>"

    def _results(
        self, path: str, doing: str, wanted: Mapping[str, Any] | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        answer = self.transport.request("GET", path, doing=doing, params=_given(**(wanted or {})))
        return answer["results"], answer["count"]

    def _publish_raster(
        self, raster: "xr.DataArray", name: str | None, title: str | None, renderer: Mapping[str, Any] | None
    ) -> Service:
        from tempfile import TemporaryDirectory

        from geojobs_lab.rasters import write_raster

        name = check_service_name(str(raster.name) if name is None else name)
        with TemporaryDirectory(prefix="geojobs-") as folder:
            file = Path(folder) / "raster.nc"
            write_raster(file, {str(raster.name or VARIABLE): raster}, {"title": title or name})
            return self._upload(file, _given(name=name, title=title, renderer=renderer))

    def _upload(self, path: Path, fields: dict[str, Any]) -> Service:
        form = {key: value if isinstance(value, str) else dump_json(value) for key, value in fields.items()}
        doing = f"uploading {path.name!r} as {fields['name']!r}"
        with path.open("rb") as file:
            files = {"file": (path.name, file, "application/x-netcdf")}
            return Service(
                self.transport.request("POST", "services/", doing=doing, data=form, files=files), self.transport
            )


def _given(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
