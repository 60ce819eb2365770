"""The handler that all others are: who may ask, what was sent, how it is answered.

Every method of a handler is an `endpoint`: authenticated, authorised for the resource ``geojobs``, its body read and
its XSRF token checked, its errors turned into JSON. What a resource answers is the other modules' matter.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.log import log_request
from jupyter_server.prometheus.log_functions import prometheus_log_method
from tornado import iostream, web

from geojobs_lab.documents import dump_json
from geojobs_lab_server.bodies import Body
from geojobs_lab_server.cors import CrossOriginHandler
from geojobs_lab_server.errors import Refusal, error_document, refusing
from geojobs_lab_server.links import Links

if TYPE_CHECKING:
    from geojobs_lab_server.app import GeoJobsApp

_NO_CREDENTIALS = "No or wrong credentials: log in, or send the header 'Authorization: token <the server's token>'"
_FOREIGN_ORIGIN = "Pages of other origins may not use this server with its cookies (see ServerApp.allow_origin)"
_FOREIGN_HOST = "The server is not to be called by this host name (see ServerApp.allow_remote_access)"
_READING = ("GET", "HEAD", "OPTIONS")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
H = TypeVar("H", bound="Handler")
Method = Callable[Concatenate[H, Arguments], Awaitable[None]]


def endpoint(method: Method[H, Arguments]) -> Method[H, Arguments]:
    """Make an HTTP method of a handler what rest.md promises of all of them."""
    action = "read" if method.__name__ == "get" else "write"

    authorize: Callable[[Method[H, Arguments]], Method[H, Arguments]] = authorized(action=action, resource="geojobs")

    @wraps(method)
    async def answer(self: H, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with refusing():
            await self.receive()
            await self.geojobs.ready()
            try:
                await method(self, *args, **kwargs)
            except iostream.StreamClosedError:
                self.log.debug("The client left: %s %s", self.request.method, self.request.path)

    # Authenticated first, as Jupyter looks for it; its types know neither coroutines nor arguments.
    return cast("Method[H, Arguments]", web.authenticated(authorize(answer)))  # type: ignore[arg-type]


@web.stream_request_body
class Handler(CrossOriginHandler):
    """What the handlers of the extension have in common.

    Attributes
    ----------
    fields : Mapping
        What the body holds, in a method that may have one.
    left : bool
        Whether the client has gone.
    """

    auth_resource = "geojobs"
    polled = False  # whether it is read by clocks rather than by people
    fields: Mapping[str, Any] = MappingProxyType({})
    left = False
    _body: Body | None = None
    _received = False
    _refused: web.HTTPError | None = None
    _closing = True  # an answer now would close the connection: tornado has not read the whole request

    @property
    def geojobs(self) -> "GeoJobsApp":
        """The application, with its rooms."""
        return cast("GeoJobsApp", self.settings["geojobs"])

    @property
    def links(self) -> Links:
        """The URLs of the API."""
        return Links(self.base_url)

    # -- who asks

    async def prepare(self) -> None:  # type: ignore[override]  # as Jupyter's APIHandler has it
        """Find out who asks before the body is read; refuse strangers and other pages."""
        if self.request.method not in _READING:
            self._expect_body()
        try:
            await self._check_asker()
        except web.HTTPError as error:
            # It is told when the whole request has come. An answer before that closes the connection, and a client
            # that is still sending hears of nothing but the reset.
            if self.request.method == "OPTIONS":
                raise
            self._refused = error
            if self._body is not None:
                self._body.refuse()
        if self._body is not None:
            with refusing():
                self._body.announce(self.request.headers)
        self._closing = False

    async def _check_asker(self) -> None:
        try:
            await super().prepare()
        except web.HTTPError as error:
            raise self._explained(error) from error
        if self.request.method != "OPTIONS" and self.current_user is None:
            raise Refusal(403, _NO_CREDENTIALS)

    def set_secure_cookie(self, *args: Any, **kwargs: Any) -> None:
        """Keep a page logged in that came with the token in its URL.

        Who has it in a header sends it each time, and to sign Jupyter's login costs as much as half an answer.
        """
        if "token" in self.request.query_arguments:
            super().set_secure_cookie(*args, **kwargs)

    def _explained(self, error: web.HTTPError) -> web.HTTPError:
        if error.status_code == 404:  # how Jupyter says it
            return Refusal(403, _FOREIGN_ORIGIN)
        if error.status_code == 403 and self.current_user is None:
            return Refusal(403, _NO_CREDENTIALS if self.check_host() else _FOREIGN_HOST)
        return error

    def check_xsrf_cookie(self) -> None:
        """Check as Jupyter does, but a form's only when its fields are there."""
        if getattr(self, "_jupyter_current_user", None) is None:
            return  # it is too early, or nobody, who is refused anyway
        if self._body is None or not self._body.is_form or self._received:
            super().check_xsrf_cookie()

    # -- what is sent

    def uploads_dir(self) -> Path | None:
        """Return where a file in the body is to be written; None where none is expected."""
        return None

    def _expect_body(self) -> None:
        # Bodies that are too long are refused with a document; tornado would only close the connection.
        self.request.connection.set_max_body_size(sys.maxsize)  # type: ignore[union-attr]  # it is HTTP/1
        self._body = Body(
            self.request.headers.get("Content-Type", ""),
            limit=self.geojobs.max_body_size,
            uploads_dir=self.uploads_dir(),
            executor=self.geojobs.pool,
        )

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._body is None:
            return
        try:
            await self._body.feed(chunk)
        except web.HTTPError as error:
            self._closing = True
            self.send_error(error.status_code, exc_info=(type(error), error, None))

    async def receive(self) -> None:
        """Read the fields of the body, which has arrived, and check the XSRF token that may be among them."""
        self._received = True
        if self._refused is not None:
            raise self._refused
        if self._body is None:
            return
        self.fields = await self._body.fields()
        if self._body.is_form:
            token = self.fields.get("_xsrf") or self.fields.get("csrfmiddlewaretoken")
            if token:
                self.request.arguments.setdefault("_xsrf", [token.encode()])
            self.check_xsrf_cookie()

    def sent(self, name: str) -> Any:
        """Return a field of the body; None for an absent one, and for one that a form leaves empty."""
        value = self.fields.get(name)
        return None if value == "" and self._body is not None and self._body.is_form else value

    @property
    def upload(self) -> Path | None:
        """The file that came with the body."""
        return self._body.file if self._body is not None else None

    def on_connection_close(self) -> None:
        """Note that the client left."""
        self.left = True
        super().on_connection_close()
        if not self._received:
            self._forget_body()  # what has come whole is still worked on

    def on_finish(self) -> None:
        """Clean up behind the answer."""
        super().on_finish()
        self._forget_body()

    def _forget_body(self) -> None:
        if self._body is not None:
            self._body.discard()

    # -- how it is answered

    @web.authenticated  # here too, where Jupyter looks for it
    async def head(self, *args: str, **kwargs: str) -> None:
        """Answer as `get`, whose body tornado leaves out."""
        await cast("Awaitable[None]", self.get(*args, **kwargs))

    async def in_pool(self, work: Callable[[], Result]) -> Result:
        """Run what reads files or computes in a thread; not at all, when the client has left before its turn."""

        def run() -> Result:
            if self.left:
                raise iostream.StreamClosedError
            return work()

        return await asyncio.get_running_loop().run_in_executor(self.geojobs.pool, run)

    def reply(self, document: object, status: int = 200) -> None:
        """Answer with a JSON document."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-cache")
        # Half a character (a lone surrogate) in one row must not hide all others of a list.
        self.finish(dump_json(document).encode(errors="replace"))

    def _log(self) -> None:
        """Log the request as Jupyter does, but make no text that nobody reads: successes are told to debuggers only."""
        function, status = self.settings["log_function"], self.get_status()
        is_success = status < 300 or status == 304
        is_read = self.log.propagate or any(handler.level <= logging.DEBUG for handler in self.log.handlers)
        if is_read or not is_success or getattr(function, "func", None) is not log_request:
            super()._log()
        elif function.keywords.get("record_prometheus_metrics", True):
            prometheus_log_method(self)  # type: ignore[no-untyped-call]

    def update_api_activity(self) -> None:
        """Count the request as something that a user did, unless a clock did it."""
        if not (self.polled and self.request.method in ("GET", "HEAD")):
            super().update_api_activity()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an error document."""
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if self._refused is not None:  # goes before what was met since
            error, status_code = self._refused, self._refused.status_code
        if self._closing:
            self.set_header("Connection", "close")
        self._forget_body()  # before the client hears of it
        self.set_cors_headers()  # tornado has cleared them
        if isinstance(error, Refusal):
            for name, value in error.headers.items():
                self.set_header(name, value)
        if status_code == 405:
            allowed = ", ".join(self.methods())
            self.set_header("Allow", allowed)
            error = Refusal(405, f"{self.request.method} is not answered here; {allowed} are")
        self.reply(error_document(status_code, error), status_code)
