"""Jobs and services as live tables: filtered, in pages, with what can be done in each row.

The page asks the server itself (``static/table.js``). The kernel keeps what was listed when the table was made, and
asks anew when a page that cannot reach the server wants it to.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import traitlets

from geojobs_lab.client import Client
from geojobs_lab.client.listings import list_jobs, list_services
from geojobs_lab.client.tables import Listing
from geojobs_lab.client.transport import Transport
from geojobs_lab.documents import Status
from geojobs_lab.errors import GeoJobsError
from geojobs_lab.widgets import page

_LIMIT = 20  # rows of a page

Read = Callable[[list[dict[str, Any]], Transport, int, Callable[[], Any]], Listing[Any]]
"""Documents, how many there are in all, and what a notebook shows live, to a listing."""

Acts = Mapping[str, Callable[[str], object]]
"""What a page may ask for: the word, and the function of a row's key."""


class LiveTable(page.ServerWidget):
    """A page of one of the server's lists.

    Attributes
    ----------
    limit, offset : int
        Rows of a page, and those before it.
    listed : dict
        The server's answer, as it was last heard: ``count`` and ``results``.
    """

    limit = traitlets.Int(_LIMIT, min=1).tag(sync=True)
    offset = traitlets.Int(0, min=0).tag(sync=True)
    listed = traitlets.Dict().tag(sync=True)

    _filters: tuple[str, ...] = ()  # traits that go into the query

    def __init__(self, client: Client, path: str, read: Read, acts: Acts, **traits: Any) -> None:
        self._transport = client.transport
        self._path, self._read, self._acts = path, read, acts
        super().__init__(client.transport, **traits)
        self.refresh()
        self.on_msg(self._hear)

    def refresh(self) -> None:
        """Ask the server anew.

        Raises
        ------
        RequestRefused
            A filter has a value that the server does not know.
        """
        wanted = {name: getattr(self, name) for name in (*self._filters, "limit", "offset")}
        given = {name: value for name, value in wanted.items() if value}
        self.listed = self._transport.request("GET", self._path, doing=f"listing {self._path}", params=given)

    def __repr__(self) -> str:
        return repr(self._listing())

    def _saved_html(self) -> str:
        return self._listing()._repr_html_()

    def _listing(self) -> Listing[Any]:
        return self._read(self.listed["results"], self._transport, self.listed["count"], lambda: self)

    def _hear(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """Do what a page asks for that cannot reach the server, and answer."""
        wish, key = str(content.get("wish")), str(content.get("key", ""))
        if wish not in (*self._acts, "list"):
            return
        trouble = None
        try:
            if wish != "list":
                self._acts[wish](key)
            self.refresh()
        except GeoJobsError as error:
            trouble = str(error)
        self.send({"answer": wish, "key": key, "trouble": trouble})


class JobTable(LiveTable):
    """The jobs of a server, the newest first.

    Parameters
    ----------
    client : Client
    status : str, optional
        Only those in this state.
    job : str, optional
        Only those of this registered job.
    limit : int
        Rows of a page.

    Raises
    ------
    RequestRefused
        There is no such status.
    """

    _esm = page.script("status.js", "table.js", "jobtable.js")
    _css = page.style("status.css", "tables.css")
    _filters = ("status", "job")

    status = traitlets.Unicode().tag(sync=True)
    job = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, client: Client, *, status: Status | str | None = None, job: str | None = None, limit: int = _LIMIT
    ) -> None:
        acts = {"cancel": lambda uuid: client.job(uuid).cancel(), "delete": lambda uuid: client.job(uuid).delete()}
        super().__init__(client, "jobs/", list_jobs, acts, status=str(status or ""), job=job or "", limit=limit)


class ServiceTable(LiveTable):
    """The published services of a server.

    Parameters
    ----------
    client : Client
    limit : int
        Rows of a page.
    """

    _esm = page.script("status.js", "table.js", "servicetable.js")
    _css = page.style("status.css", "tables.css")

    def __init__(self, client: Client, *, limit: int = _LIMIT) -> None:
        super().__init__(client, "services/", list_services, {"keep": self._keep, "delete": self._delete}, limit=limit)

    def _keep(self, name: str) -> None:
        doing = f"keeping the service {name!r}"
        self._transport.request("PATCH", _service_path(name), doing=doing, json={"temporary": False})

    def _delete(self, name: str) -> None:
        self._transport.request("DELETE", _service_path(name), doing=f"deleting the service {name!r}")


def _service_path(name: str) -> str:
    return f"services/{quote(name, safe='')}/"
