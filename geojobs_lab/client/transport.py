"""HTTP to one server: requests with the token, answers read, and every fault turned into an error that helps.

Knows httpx (loaded on the first request) and the error document of the REST contract; what is asked, and what
the answers mean, is for `client` and `job`.
"""

import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geojobs_lab.client.urls import PREFIX, Address
from geojobs_lab.documents import load_json
from geojobs_lab.errors import NotAuthenticated, RequestRefused, ServerNotFound

if TYPE_CHECKING:
    import httpx

_CONNECT = 5.0  # seconds until a connection must stand
_ANSWER = 60.0  # seconds for an answer; a long-poll's own waiting comes on top
_NAME = "geojobs_lab"  # what the root of the API calls itself
_PAUSES = (0.2, 1.0, 5.0)  # seconds before a request is sent again
_LOOK = 5.0  # seconds that a server has to show that it is one


class Transport:
    """The line to one server.

    Parameters
    ----------
    address : Address
        Where, and with which token.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: httpx.Client | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        params: Mapping[str, str | int | float] | None = None,
        waiting: float = 0.0,
        repeats: int = 0,
        **body: Any,
    ) -> Any:
        """Send one request and return what the JSON of the answer holds (None for an empty one).

        Parameters
        ----------
        method, path : str
            `path` lies below ``geoprocessing/rest/`` and is percent-encoded.
        doing : str
            What this is for, such as ``"submitting the job 'warming'"``: errors begin with it.
        waiting : float
            Seconds that the server may take on purpose.
        repeats : int
            How often it is sent again when the connection breaks: for requests that the server takes only once.
        **body
            httpx's own ``json``, ``data``, ``files``, ``headers``.

        Raises
        ------
        ServerNotFound, NotAuthenticated, RequestRefused
        """
        import httpx

        pauses: tuple[float | None, ...] = (*_PAUSES[:repeats], None)
        for pause in pauses:
            try:
                answer = self._open().request(method, self._url(path), params=params, timeout=_timeout(waiting), **body)
            except httpx.TransportError as error:
                if pause is None:
                    raise self._unreachable(error, doing) from error
                time.sleep(pause)
            else:
                break
        return self._read(answer, doing)

    async def arequest(
        self, client: "httpx.AsyncClient", path: str, *, doing: str, params: Mapping[str, Any], waiting: float = 0.0
    ) -> Any:
        """Do as `request` does for a GET, through a `client` of `open_async`."""
        import httpx

        try:
            answer = await client.get(self._url(path), params=params, timeout=_timeout(waiting))
        except httpx.TransportError as error:
            raise self._unreachable(error, doing) from error
        return self._read(answer, doing)

    def download(self, path: str, target: Path, *, doing: str) -> None:
        """Write the body of an answer into a file, piece by piece.

        Raises
        ------
        ServerNotFound, NotAuthenticated, RequestRefused
        """
        import httpx

        try:
            with self._open().stream("GET", self._url(path), timeout=_timeout(0.0)) as answer:
                if answer.status_code != 200:
                    answer.read()
                    self._read(answer, doing)
                    raise self._foreign(answer, doing)
                with target.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
        except httpx.TransportError as error:
            raise self._unreachable(error, doing) from error

    def open_async(self) -> "httpx.AsyncClient":
        """Return a new asynchronous client; it belongs to the event loop that uses it, and closes there."""
        import httpx

        return httpx.AsyncClient(**_options(self.address))

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> "httpx.Client":
        import httpx

        if self._client is None:
            self._client = httpx.Client(**_options(self.address))
            weakref.finalize(self, self._client.close)
        return self._client

    def _url(self, path: str) -> str:
        return f"{self.address.url}{PREFIX}{path}"

    def _read(self, answer: "httpx.Response", doing: str) -> Any:
        status, document = answer.status_code, _document(answer)
        if status in (401, 403) or answer.is_redirect:  # a redirect leads to a login page
            raise NotAuthenticated(f"{doing}: {_token_refused(self.address, document)}")
        if status == 204:
            return None
        if document is None:
            raise self._foreign(answer, doing)
        if answer.is_error:
            message = document.get("message") or answer.reason_phrase
            raise RequestRefused(f"{doing}: {message} (HTTP {status})", status=status, document=document)
        return document

    def _foreign(self, answer: "httpx.Response", doing: str) -> ServerNotFound:
        return ServerNotFound(f"{doing}: {_no_extension(self.address, answer.status_code)}")

    def _unreachable(self, error: Exception, doing: str) -> ServerNotFound:
        return ServerNotFound(f"{doing}: {_no_answer(self.address, error)}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands at an address: ours, no answer (``silent``), something else (``foreign``), a closed door."""

    state: Literal["ours", "silent", "foreign", "refused"]
    reason: str = ""


def look(address: Address) -> Finding:
    """Ask an address whether a server with the extension, which takes the token, is there."""
    import httpx

    try:
        with httpx.Client(**_options(address)) as client:
            answer = client.get(f"{address.url}{PREFIX}", timeout=_LOOK)
    except httpx.TransportError as error:
        return Finding("silent", _no_answer(address, error))
    document = _document(answer)
    if answer.status_code in (401, 403) or answer.is_redirect:
        return Finding("refused", _token_refused(address, document))
    if answer.status_code == 200 and document is not None and document.get("name") == _NAME:
        return Finding("ours")
    if answer.status_code == 503 and document is not None:
        return Finding("silent", f"the server at {address.url} says: {document.get('message')}")
    return Finding("foreign", _no_extension(address, answer.status_code))


def has_kernel(address: Address, kernel_id: str) -> bool:
    """Ask a Jupyter server whether a kernel is one of its own."""
    import httpx

    try:
        with httpx.Client(**_options(address)) as client:
            answer = client.get(f"{address.url}api/kernels/{kernel_id}", timeout=_LOOK)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def _options(address: Address) -> dict[str, Any]:
    return {
        "headers": {"Authorization": f"token {address.token}"} if address.token else {},
        # On this machine's own loopback a proxy only does harm, and a certificate never names 127.0.0.1.
        "trust_env": not address.is_loopback,
        "verify": not address.is_loopback,
    }


def _timeout(waiting: float) -> "httpx.Timeout":
    import httpx

    return httpx.Timeout(_ANSWER + waiting, connect=_CONNECT)


def _document(answer: "httpx.Response") -> dict[str, Any] | None:
    try:
        document = load_json(answer.content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _token_refused(address: Address, document: Mapping[str, Any] | None) -> str:
    said = f' ("{document["message"]}")' if document and document.get("message") else ""
    what = "does not take the token" if address.token else "wants a token and none is known"
    return (
        f"the server at {address.url} {what}{said}. Step that found it: {address.step}. "
        "Give its token as Client(token=...) or in GEOJOBS_TOKEN; `jupyter server list` shows it"
    )


def _no_extension(address: Address, status: int) -> str:
    if status in (502, 503, 504):
        return f"a gateway answers at {address.url} (HTTP {status}), but not the server behind it: is it running?"
    return (
        f"something answers at {address.url} (HTTP {status}), but not the geojobs extension. "
        f"Step that found it: {address.step}. Install geojobs_lab in the environment of the Jupyter server and start "
        "it anew (`jupyter server extension list` tells), or give the right base URL"
    )


def _no_answer(address: Address, error: Exception) -> str:
    said = str(error) or type(error).__name__
    return f"no answer from {address.url} ({said}). Step that found it: {address.step}. Is the server running?"
