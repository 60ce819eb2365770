"""The handle of one submitted job: hear how it goes, wait for it, stop it, fetch what it made."""

import time
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Self

from geojobs_lab.client.display import bundle, display
from geojobs_lab.client.outputs import Outputs
from geojobs_lab.client.services import Service, read_service
from geojobs_lab.client.tables import Columns, Listing, html_table
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.client.values import read_outputs
from geojobs_lab.client.waiting import Waiting
from geojobs_lab.documents import ErrorDocument, JobDocument, LogLine, ServiceReference, Status, load_json
from geojobs_lab.errors import (
    ClientError,
    Conflict,
    JobFailed,
    JobRevoked,
    RequestRefused,
    ServerNotFound,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geojobs_lab.client.styles import Style

_FRESH = 0.5  # seconds that the last heard counts as the present
_TAIL = 10  # lines of the log in the message of a failure


class Job:
    """A job on the server.

    ``job.status`` and the other properties tell the present: while the job goes on they ask the server (twice a
    second at most), afterwards they cost nothing. ``await job`` does as `wait` does, without blocking.
    """

    def __init__(self, document: Mapping[str, Any], transport: Transport) -> None:
        self.transport = transport
        self._hear(document)

    @property
    def uuid(self) -> str:
        """The id; ``client.job(uuid)`` finds the job again."""
        return self._document.uuid

    @property
    def job(self) -> str:
        """The name of the registered job."""
        return self._document.job

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as they were sent."""
        inputs: dict[str, Any] = load_json(self._document.inputs)
        return inputs

    @property
    def created(self) -> str:
        """When it was submitted, ISO 8601 UTC."""
        return self._document.created

    @property
    def started(self) -> str | None:
        """When it began to run."""
        return self.document.started

    @property
    def finished(self) -> str | None:
        """When it ended, in whatever way."""
        return self.document.finished

    @property
    def status(self) -> Status:
        """One of ``pending``, ``started``, ``success``, ``failure``, ``revoked``."""
        return self.document.status

    @property
    def progress(self) -> float | None:
        """How far it is, 0..1."""
        return self.document.progress

    @property
    def message(self) -> str | None:
        """The task's last word on what it is doing."""
        return self.document.message

    @property
    def error(self) -> ErrorDocument | None:
        """Why it failed: ``{"type", "message", "where"}``."""
        return self.document.error

    @property
    def outputs(self) -> dict[str, Any]:
        """What it made, by name; empty until success.

        Rasters are the names of the services that hold them, and can be handed to another job as they are.
        """
        return read_outputs(self.document)

    @property
    def heard(self) -> JobDocument:
        """The job's document as it was last heard; asks nothing."""
        return self._document

    @property
    def document(self) -> JobDocument:
        """The job's document, as the server has it now."""
        if not self._document.status.is_final and time.monotonic() - self._heard > _FRESH:
            self.refresh()
        return self._document

    def refresh(self) -> Self:
        """Ask the server how the job is."""
        self._hear(self.transport.request("GET", self._path, doing=f"asking for the job {self.uuid}"))
        return self

    def wait(self, timeout: float | None = None, progress: bool | None = None) -> Self:
        """Wait until the job has ended well.

        Parameters
        ----------
        timeout : float, optional
            Seconds; forever when left out.
        progress : bool, optional
            True shows the progress on standard error, False does not; when left out a terminal gets it.

        Raises
        ------
        JobFailed
            With the task's error, where it happened, and the end of the log.
        JobRevoked
            Somebody cancelled it.
        WaitTimeout
            It goes on; wait again.
        """
        waiting = Waiting(timeout, progress)
        try:
            while not self._document.status.is_final:
                try:
                    self._hear(self.transport.request("GET", self._path, **waiting.request(self._document)))
                    waiting.hear(self._document)
                except (ServerNotFound, RequestRefused) as error:
                    waiting.bear(error)
                if not self._document.status.is_final:
                    time.sleep(waiting.pause)
        finally:
            waiting.close()
        return self._settle()

    async def wait_async(self, timeout: float | None = None, progress: bool | None = None) -> Self:
        """Do as `wait` does, while other tasks of the event loop run."""
        import asyncio

        waiting = Waiting(timeout, progress)
        try:
            async with self.transport.open_async() as client:
                while not self._document.status.is_final:
                    request = waiting.request(self._document)
                    try:
                        self._hear(await self.transport.arequest(client, self._path, **request))
                        waiting.hear(self._document)
                    except (ServerNotFound, RequestRefused) as error:
                        waiting.bear(error)
                    if not self._document.status.is_final:
                        await asyncio.sleep(waiting.pause)
        finally:
            waiting.close()
        return await asyncio.to_thread(self._settle)

    def __await__(self) -> Generator[Any, None, Self]:
        return self.wait_async().__await__()

    def cancel(self) -> Self:
        """Stop the job, its worker too, in whichever server it runs; nothing happens when it has ended already."""
        try:
            answer = self.transport.request(
                "DELETE", self._path, params={"active": "true"}, doing=f"cancelling the job {self.uuid}"
            )
        except RequestRefused as error:
            if error.status != 409:
                raise
            return self.refresh()
        self._hear(answer)
        return self

    def retry(self) -> "Job":
        """Submit the same job with the same inputs once more, and return the new one.

        Raises
        ------
        RequestRefused
            The server refuses it: what was right once may be wrong by now.
        """
        path = f"{self._path}retry/"
        return Job(self.transport.request("POST", path, doing=f"submitting the job {self.uuid} again"), self.transport)

    def delete(self) -> None:
        """Remove the ended job with its temporary services.

        Raises
        ------
        Conflict
            It has not ended: `cancel` it first.
        RequestRefused
            A running job uses one of its services (status 409).
        """
        if not self.refresh()._document.status.is_final:
            raise Conflict(f"job {self.uuid} is {self._document.status.value}: cancel it before deleting it")
        self.transport.request("DELETE", self._path, doing=f"deleting the job {self.uuid}")

    def log(self) -> Listing[LogLine]:
        """Return what the task and its libraries said, oldest first."""
        lines: list[LogLine] = []
        offset = 0
        while True:
            answer = self.transport.request(
                "GET", f"{self._path}log/", doing=f"reading the log of {self.uuid}", params={"offset": offset}
            )
            lines += answer["lines"]
            if not answer["lines"] or answer["next_offset"] <= offset:
                break
            offset = answer["next_offset"]
        columns: Columns[LogLine] = {name: _read(name) for name in ("time", "level", "message")}
        return Listing(lines, columns, title="log lines")

    def result(self, name: str | None = None) -> Any:
        """Wait for the job and return one of its outputs.

        Parameters
        ----------
        name : str, optional
            The output; may be left out where there is only one. ``"cells/1"`` is one raster of a list.

        Returns
        -------
        xarray.DataArray, xarray.Dataset, list of DataArray, numpy.ndarray or object
            A raster, or several, with coordinates and CRS, in memory; an array; any other value as it is.

        Raises
        ------
        JobFailed, JobRevoked
        InvalidInput
            There is no such output, or there are several and none is named.
        """
        return Outputs(self.wait().document, self.transport).fetch(name)

    def service(self, name: str | None = None) -> Service:
        """Return the service that holds a raster output; `name` as for `result`, or the only raster among several.

        Raises
        ------
        InvalidInput
            The output is no published raster.
        """
        return read_service(self.transport, Outputs(self.document, self.transport).raster(name))

    def reference(self, name: str | None = None, time: float | str | None = None) -> ServiceReference:
        """Wait for the job and return what another job's input takes for a raster output; `name` as for `service`.

        Handed to another job as an input the job itself becomes this reference.

        Parameters
        ----------
        name : str, optional
            The output; may be left out where one is a raster.
        time : float or str, optional
            As for `Service.reference`.
        """
        return ServiceReference(Outputs(self.wait().document, self.transport).raster(name), None, time)

    def tile_url(
        self,
        name: str | None = None,
        *,
        variable: str | None = None,
        time: float | str | None = None,
        renderer: "Style | None" = None,
        absolute: bool = False,
    ) -> str:
        """Return the URL template of a raster output's map tiles; see `Client.tile_url`.

        `variable` is one of a data set's; the only one when left out.
        """
        return self.service(name).tile_url(variable, time=time, renderer=renderer, absolute=absolute)

    def plot(self, name: str | None = None, *, time: float | str | None = None, **options: Any) -> "Figure":
        """Wait for the job and draw a raster output with matplotlib.

        Parameters
        ----------
        name : str, optional
            The output; may be left out where there is only one.
        time : float or str, optional
            Of a series, the step nearest to these Unix seconds or this ISO time; the first when left out.
        **options
            As for `geojobs_lab.plots.map_figure`: title, label, cmap, vmin, vmax, figsize. Without a range or a
            colormap the colours are those of the map tiles.
        """
        from geojobs_lab.client.pictures import draw

        return draw(self.wait().service(name), None, time, options)

    def map(self, **options: Any) -> Any:
        """Wait for the job and show its raster outputs on an interactive map; options as for `ResultMap`."""
        return display("map", self.wait(), **options)

    def __repr__(self) -> str:
        document = self._document
        progress = "" if document.progress is None else f" {document.progress:.0%}"
        message = f": {document.message}" if document.message else ""
        return f"<Job {document.job!r} {document.uuid}, {document.status.value}{progress}{message}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self, lambda: display("job", self))

    def _repr_html_(self) -> str:
        try:
            document = self.document
        except ClientError:  # a picture of what was last heard is better than none
            document = self._document
        progress = "" if document.progress is None else f"{document.progress:.0%}"
        said = document.error["message"] if document.error else document.message or ""
        return html_table(
            ["job", "status", "progress", "message", "created", "uuid"],
            [[document.job, document.status.value, progress, said, document.created, document.uuid]],
        )

    @property
    def _path(self) -> str:
        return f"jobs/{quote_path(self.uuid)}/"

    def _hear(self, document: Mapping[str, Any]) -> None:
        self._document = JobDocument.from_json(document)
        self._heard = time.monotonic()

    def _settle(self) -> Self:
        match self._document.status:
            case Status.FAILURE:
                error = self._document.error or ErrorDocument(type="", message="no reason was given", where="")
                raise JobFailed(self._why(error), job_id=self.uuid, error=error)
            case Status.REVOKED:
                said = f": {self._document.message}" if self._document.message else ""
                raise JobRevoked(f"job {self.job!r} ({self.uuid}) was cancelled{said}", job_id=self.uuid)
        return self

    def _why(self, error: ErrorDocument) -> str:
        where = f" in {error['where']}" if error["where"] else ""
        first = f"job {self.job!r} ({self.uuid}) failed{where}: {error['type']}: {error['message']}"
        try:
            tail = self.log()[-_TAIL:]
        except ClientError:  # the failure is the news, not its log
            return first
        return "\n".join([first, *(f"  {line['level']} {line['message']}" for line in tail)])


def _read(name: str) -> Any:
    return lambda line: line[name]
