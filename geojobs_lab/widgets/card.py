"""A job as a live card: how far it is, what it says, Cancel, Retry, and its results on a map.

The page asks the server itself (``static/jobcard.js``). A thread of the kernel asks too, so that a page that cannot
reach the server moves as well, and a notebook saved with its widgets shows the last state.
"""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import traitlets
from ipywidgets import Widget, widget_serialization

from geojobs_lab.client import Job
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.documents import LogLine, Status
from geojobs_lab.errors import ClientError, GeoJobsError, RequestRefused
from geojobs_lab.widgets import page
from geojobs_lab.widgets.polling import Poller
from geojobs_lab.widgets.saved import card_html

_PAUSE = 1.0  # seconds between two looks
_TAIL = 50  # lines of the log that are kept in the notebook


class JobCard(page.ServerWidget):
    """One job, live.

    Parameters
    ----------
    job : Job
        Retry on the card submits it anew; the card then follows the new job, and `job` is that one.

    Attributes
    ----------
    uuid : str
        The job that is shown.
    document : dict
        Its document, as it was last heard.
    log : list of dict
        The last lines of its log.
    attempts : list of dict
        The jobs that were retried, the first one first: ``uuid`` and ``status`` of each.
    shown : Widget or None
        The map below the card.
    """

    _esm = page.script("status.js", "values.js", "joblog.js", "cardview.js", "childbelow.js", "jobcard.js", "card.js")
    _css = page.style("status.css", "card.css")

    uuid = traitlets.Unicode().tag(sync=True)
    document = traitlets.Dict().tag(sync=True)
    log: traitlets.List[LogLine] = traitlets.List().tag(sync=True)
    attempts: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    shown = traitlets.Instance(Widget, allow_none=True).tag(sync=True, **widget_serialization)

    def __init__(self, job: Job) -> None:
        self._job = job
        self._transport = job.transport
        self._poller: Poller | None = None
        super().__init__(self._transport, uuid=job.uuid, document=_latest(job))
        self.on_msg(self._hear)
        self.observe(self._follow, "uuid")
        self.observe(_close_former, "shown")
        self._start()

    @property
    def job(self) -> Job:
        """The job that is shown: the last one, where Retry was pressed."""
        if self._job.uuid != self.uuid:
            path = f"jobs/{quote_path(self.uuid)}/"
            document = self._transport.request("GET", path, doing=f"asking for the job {self.uuid}")
            self._job = Job(document, self._transport)
        return self._job

    def show_map(self) -> None:
        """Show the job's raster outputs on a map below the card, as its button does.

        Raises
        ------
        GeoJobsError
            It has not ended well, or has no raster outputs.
        """
        from geojobs_lab.widgets.map import ResultMap  # loads ipyleaflet and shapely

        self.shown = ResultMap(self.job)

    def close(self) -> None:
        """End the widget, and the map below it."""
        self._stop()
        self.shown = None
        super().close()

    def __repr__(self) -> str:
        return repr(Job(self.document, self._transport))

    def _saved_html(self) -> str:
        return card_html(self.document)

    def _start(self) -> None:
        self._poller = Poller(_Look(self, self.uuid, self._transport), pause=_PAUSE)

    def _stop(self) -> None:
        if self._poller is not None:
            self._poller.stop()

    def _follow(self, _: object) -> None:
        """Follow the job that the page has put in the place of the former one."""
        self._stop()
        self.log = []
        self.shown = None
        self._start()

    def _hear(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """Do what the page asks for, and answer."""
        wish = content.get("wish")
        act = {"map": self.show_map, "cancel": self._cancel}.get(str(wish))
        if act is None:
            return
        try:
            act()
        except GeoJobsError as error:
            self.send({"answer": wish, "trouble": str(error)})
        else:
            self.send({"answer": wish, "trouble": None})

    def _cancel(self) -> None:
        self.document = self.job.cancel().document.to_json()


class _Look:
    """A look at one job and at what is new in its log."""

    def __init__(self, card: JobCard, uuid: str, transport: Transport) -> None:
        self._card = card
        self._uuid = uuid
        self._transport = transport
        self._path = f"jobs/{quote_path(uuid)}/"
        self._tail: deque[LogLine] = deque(maxlen=_TAIL)
        self._offset = 0

    def __call__(self, over: threading.Event) -> bool:
        try:
            document = self._transport.request("GET", self._path, doing=f"asking for the job {self._uuid}")
            is_longer = self._read_log(over)
        except RequestRefused as error:
            if error.status == 404:  # somebody removed it; what was heard last stays
                return False
            raise
        if over.is_set() or self._card.uuid != self._uuid:
            return False
        if is_longer:
            self._card.log = list(self._tail)
        if _is_news(document, self._card.document):
            self._card.document = document
        return not Status(document["status"]).is_final

    def _read_log(self, over: threading.Event) -> bool:
        before = self._offset
        while not over.is_set():
            doing = f"reading the log of {self._uuid}"
            answer = self._transport.request("GET", f"{self._path}log/", doing=doing, params={"offset": self._offset})
            if not answer["lines"]:
                break
            self._tail.extend(answer["lines"])
            self._offset = answer["next_offset"]
        return self._offset > before


def _is_news(document: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    return bool(document["uuid"] != known.get("uuid") or document["revision"] > known["revision"])


def _close_former(change: Mapping[str, Any]) -> None:
    if change["old"] is not None:
        change["old"].close()


def _latest(job: Job) -> dict[str, Any]:
    try:
        return job.document.to_json()
    except ClientError:  # what was heard before is better than no card
        return job.heard.to_json()
