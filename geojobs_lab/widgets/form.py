"""A form for a registered job, made from its document; what is submitted gets its card below.

The page fills, submits and follows by itself (``static/form.js``), so that it works while the kernel is busy. The
kernel hears of the submitted jobs when it is free, and makes their cards then.
"""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import unquote

import traitlets
from ipywidgets import Layout, VBox

from geojobs_lab.client import Client, Job, RegisteredJob
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.client.values import to_json
from geojobs_lab.errors import ClientError, InvalidInput, RequestRefused
from geojobs_lab.widgets import page
from geojobs_lab.widgets.card import JobCard
from geojobs_lab.widgets.saved import shown

_RELAYED = ("services/", "registered-jobs/", "jobs/")  # what the page may have asked by the kernel


class _Page(page.ServerWidget):
    """The form itself.

    Attributes
    ----------
    document : dict
        The registered job's.
    values : dict
        What stands in the form, by input name; an input that is left empty is not among them.
    submitted : list of str
        The uuids of the jobs that were submitted with it, the oldest first.
    carded : list of str
        Those of them that have a card.
    """

    _esm = page.script(
        "status.js", "relay.js", "form_controls.js", "form_raster.js", "form_field.js", "form_jobs.js", "form.js"
    )
    _css = page.style("status.css", "form.css")

    document = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    submitted = traitlets.List(traitlets.Unicode()).tag(sync=True)
    carded = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, transport: Transport, document: Mapping[str, Any]) -> None:
        self._transport = transport
        super().__init__(transport, document=dict(document))
        self.values = self.defaults()
        self.on_msg(self._relay)

    def defaults(self) -> dict[str, Any]:
        """Return the values of the inputs that have a default."""
        return {one["name"]: one["default"] for one in self.document["inputs"] if one["default"] is not None}

    def _relay(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """Ask the server what the page, which cannot reach it, wants to know."""
        path, send = str(content.get("path")), content.get("send")
        above = ".." in unquote(path).split("/")
        if above or not path.startswith(_RELAYED) or (send is not None and path != "jobs/"):
            return
        body = {} if send is None else {"json": send}
        try:
            answer = self._transport.request(
                "GET" if send is None else "POST", path, doing="asking for the form's page", **body
            )
            said = {"status": 200, "document": answer}
        except RequestRefused as error:
            said = {"status": error.status, "document": dict(error.document)}
        except ClientError as error:
            said = {"status": 503, "document": {"message": str(error)}}
        self.send({"id": content.get("id"), **said})


class JobForm(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A form that submits a registered job.

    Parameters
    ----------
    client : Client
    name : str
        The registered job.

    Raises
    ------
    RequestRefused
        There is no such job.
    """

    def __init__(self, client: Client, name: str) -> None:
        doing = f"reading the registered job {name!r}"
        document = client.transport.request("GET", f"registered-jobs/{quote_path(name)}/", doing=doing)
        self._client = client
        self._jobs: dict[str, Job] = {}
        self._page = _Page(client.transport, document)
        self._cards = VBox(layout=Layout(flex_flow="column-reverse nowrap"))  # the newest on top
        self._page.observe(self._follow, "submitted")
        super().__init__([self._page, self._cards])

    @property
    def name(self) -> str:
        """The registered job."""
        return str(self._page.document["name"])

    @property
    def value(self) -> dict[str, Any]:
        """What stands in the form, by input name: what a submission would send.

        While a kernel works it may not hear of what is typed meanwhile. Setting it fills the form: values are what
        `Client.submit` takes, and inputs that are left out get their defaults.

        Raises
        ------
        InvalidInput
            The job has no such input, or a value has no JSON form.
        """
        return dict(self._page.values)

    @value.setter
    def value(self, values: Mapping[str, Any]) -> None:
        names = [one["name"] for one in self._page.document["inputs"]]
        unknown = next((name for name in values if name not in names), None)
        if unknown is not None:
            raise InvalidInput(f"{unknown}: {self.name!r} has no such input, but {', '.join(names)}", value=unknown)
        given = {name: to_json(value, name) for name, value in values.items()}
        self._page.values = {**self._page.defaults(), **given}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that were submitted with it, the oldest first; those that are removed are left out."""
        return tuple(self._jobs.values())

    def close(self) -> None:
        """End the form and its cards."""
        if self.comm is None:  # closed already, or never made: ipywidgets calls this for every widget that is deleted
            return
        self._page.unobserve(self._follow, "submitted")
        for widget in (*self._cards.children, self._cards, self._page):
            widget.close()
            widget.layout.close()  # a widget too, with a comm of its own
        super().close()
        self.layout.close()

    def _follow(self, change: Mapping[str, Any]) -> None:
        """Make the cards of jobs that the page has submitted."""
        # Two pages may show this form: neither takes the other's jobs away.
        before = [uuid for uuid in change["old"] or () if uuid not in change["new"]]
        self._page.submitted = [*before, *change["new"]]
        for uuid in self._page.submitted:
            if uuid in self._jobs:
                continue
            try:
                job = self._client.job(uuid)
                card = JobCard(job)
            except ClientError:  # it is removed, or nobody answers: the page goes on telling of it
                continue
            self._jobs[uuid] = job
            self._cards.children = (*self._cards.children, card)
        self._page.carded = list(self._jobs)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}={shown(value)}" for name, value in self._page.values.items())
        return f"<JobForm {self.name!r}: {inputs or 'empty'}; {len(self._jobs)} jobs submitted>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Give the widget, and what a notebook shows where no kernel and no widgets are."""
        data: dict[str, Any] = super()._repr_mimebundle_(**options)
        call = f"client.form({self.name!r})"
        note = f"<p>A form, which needs its kernel: <code>{escape(call)}</code> shows it.</p>"
        html = f"<div>{RegisteredJob.from_json(self._page.document)._repr_html_()}{note}</div>"
        return {**data, "text/plain": repr(self), "text/html": html}
