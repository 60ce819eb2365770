"""The addresses of servers: reading what people paste, spelling it as a server expects it.

Pure text work; who is asked at an address, and with what, is `discovery`'s and `transport`'s business.
"""

import dataclasses
import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from geojobs_lab.errors import InvalidInput

PREFIX = "geoprocessing/rest/"
"""Where the REST API lies below a server's base URL."""

# What the pages of Jupyter's front ends (and our own API) put after the base URL.
_PAGES = {"api", "consoles", "doc", "edit", "files", "geoprocessing", "lab", "login", "nbclassic", "nbconvert"}
_PAGES |= {"notebooks", "terminals", "tree", "view", "voila"}

_ALLOWED = "@:$&+,;=!*'()"  # characters that may stand in a path as they are
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """A server that may be asked.

    Attributes
    ----------
    url : str
        The base URL, percent-encoded, ending with ``/``.
    token : str or None
        Kept out of the ``repr``.
    step : str
        How the address was found, in words, such as ``"GEOJOBS_URL"``.
    """

    url: str
    token: str | None = dataclasses.field(repr=False)
    step: str

    @property
    def path(self) -> str:
        """The path of the base URL: what root-relative URLs begin with."""
        return urlsplit(self.url).path

    @property
    def is_loopback(self) -> bool:
        """Tell whether the server runs on this machine and is asked directly."""
        return is_loopback(self.url)


def is_loopback(url: str) -> bool:
    """Tell whether a URL's host is this machine by its very name."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def on_loopback(url: str) -> str:
    """Return the same URL on 127.0.0.1: a server that listens everywhere announces its machine's name."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"127.0.0.1{port}"))


def quote_path(text: str) -> str:
    """Percent-encode the segments of a path; slashes stay, so that names of services may hold them."""
    return quote(text, safe="/")


def read_url(text: str, *, field: str = "url") -> tuple[tuple[str, ...], str | None]:
    """Read a URL as people paste it from a browser or a server's log.

    Parameters
    ----------
    text : str
        Such as ``http://host:8888/base/lab/tree/a.ipynb?token=T``; the scheme may be missing.
    field : str
        What a refusal calls it.

    Returns
    -------
    urls : tuple of str
        The base URLs that it can mean, the likeliest first: nobody can tell the page ``lab`` from a base URL
        that ends in ``lab`` without asking, and an ``@`` is written so or as ``%40``.
    token : str or None

    Raises
    ------
    InvalidInput
        It is no HTTP URL.
    """
    parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
    if parts.scheme not in ("http", "https") or not parts.hostname or not _port_is_number(text):
        raise InvalidInput(
            f"{field}: {_without_query(text)!r} is not the URL of a server, such as http://localhost:8888/",
            field=field,
            value=_without_query(text),
        )
    token = parse_qs(parts.query).get("token", [None])[0]
    segments = [part for part in parts.path.split("/") if part]
    cuts = [number for number, part in enumerate(segments) if part in _PAGES]
    bases = [
        urlunsplit((parts.scheme, parts.netloc, "/".join(["", *segments[:cut], ""]), "", ""))
        for cut in [*cuts, len(segments)]
    ]
    return tuple(dict.fromkeys(url for base in bases for url in spellings(base))), token


def spellings(url: str) -> tuple[str, ...]:
    """Return the ways to percent-encode a base URL, the one written first.

    Jupyter compares paths as they are sent, and an ``@``, say, is in use as such and as ``%40``.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + "/"
    written = quote(_STRAY_PERCENT.sub("%25", path), safe=f"/%{_ALLOWED}")
    paths = (written, quote(unquote(path), safe="/"), quote(unquote(path), safe=f"/{_ALLOWED}"))
    return tuple(dict.fromkeys(urlunsplit(parts._replace(path=path)) for path in paths))


def _port_is_number(text: str) -> bool:
    try:
        _ = urlsplit(text if "://" in text else f"http://{text}").port
    except ValueError:
        return False
    return True


def _without_query(text: str) -> str:
    return text.partition("?")[0]  # a token does not belong into a message


def service_path(name: str) -> str:
    """Return the path of a service below the REST API, with a slash at its end."""
    # "a/variables/b" as the name of a service would read as a variable's URL: its slashes are encoded
    path = quote_path(name)
    return f"services/{path.replace('/', '%2F') if {'variables', 'download'} & {*name.split('/')} else path}/"
