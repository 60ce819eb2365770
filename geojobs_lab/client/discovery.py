"""Finding the server: seven steps, from what the user says to looking round.

=  ======================  ==========================================================================
1  ``Client(url)``         what is given, also pasted from a browser with its token
2  ``GEOJOBS_URL``         the user's environment, with ``GEOJOBS_TOKEN``
3  ``GEOJOBS_SERVER_URL``  what the extension leaves in the environment of its kernels
4  ``JPY_PARENT_PID``      the runtime file of the server that started this kernel (or its parents)
5  JupyterHub              the single-user server's own variables
6  ``JUPYTER_SERVER_URL``  a terminal inside JupyterLab
7  running servers         the one that knows this kernel; outside a kernel the only one with the extension
=  ======================  ==========================================================================

A step that names a server decides: a server that answers and is not ours, or refuses the token, is the user's
server and no reason to look for another. One that does not answer is passed over, unless the user named it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from geojobs_lab.client import runtime, transport
from geojobs_lab.client.runtime import RunningServer
from geojobs_lab.client.transport import Finding
from geojobs_lab.client.urls import Address, on_loopback, read_url, spellings
from geojobs_lab.errors import NotAuthenticated, ServerNotFound

_ADVICE = (
    "Start one with `jupyter lab` or `jupyter geojobs` in an environment that has geojobs_lab, or name it: "
    'Client("http://localhost:8888/", token="...")'
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a client finds itself, and how it looks at servers.

    Attributes
    ----------
    environ : Mapping of str to str
        The environment variables.
    runtime_dir : Path
        Jupyter's runtime folder.
    pid : int
        The parent of this process.
    kernel_id : str or None
        The kernel that this process is.
    token : str or None
        The token that the user gave; goes before any that is found.
    look, has_kernel : callable
        Questions to a server; see `transport`.
    """

    environ: Mapping[str, str]
    runtime_dir: Path
    pid: int
    kernel_id: str | None = None
    token: str | None = field(default=None, repr=False)
    look: Callable[[Address], Finding] = transport.look
    has_kernel: Callable[[Address, str], bool] = transport.has_kernel

    @classmethod
    def here(cls, token: str | None = None) -> "Surroundings":
        """Return those of this process."""
        from jupyter_core.paths import jupyter_runtime_dir

        return cls(os.environ, Path(jupyter_runtime_dir()), os.getppid(), runtime.kernel_id(), token)


Candidates = tuple[Address, ...] | str
"""What a step yields: the addresses that may be the server, the likeliest first, or why it has none."""


def discover(url: str | None, surroundings: Surroundings) -> Address:
    """Find the server.

    Parameters
    ----------
    url : str or None
        The URL that the user gave.
    surroundings : Surroundings
        What there is to go by.

    Raises
    ------
    InvalidInput
        The URL given is none.
    ServerNotFound
        The message lists the steps, what each met, and what to do.
    NotAuthenticated
        The server is found and does not take the token.
    """
    if url is not None:
        return _ask(by_url(url, surroundings), surroundings, insist=True)
    notes = []
    for name, step in STEPS:
        found = step(surroundings)
        if not isinstance(found, str):
            try:
                return _ask(found, surroundings, insist=name == "GEOJOBS_URL")
            except _Silent as silent:
                found = str(silent)
        notes.append(f"  {name}: {found}")
    raise ServerNotFound("\n".join(["no server with the geojobs extension was found.", *notes, _ADVICE]))


def by_url(url: str, here: Surroundings) -> tuple[Address, ...]:
    """Step 1: the URL that the user gave."""
    urls, pasted = read_url(url)
    # GEOJOBS_TOKEN belongs to GEOJOBS_URL where that is set: it is not sent to another server.
    spare = None if "GEOJOBS_URL" in here.environ else here.environ.get("GEOJOBS_TOKEN")
    return tuple(Address(u, here.token or pasted or _kept_token(u, here) or spare, "the URL given") for u in urls)


def by_user_environment(here: Surroundings) -> Candidates:
    """Step 2: the user's environment variables."""
    url = here.environ.get("GEOJOBS_URL")
    if not url:
        return "not set"
    urls, pasted = read_url(url, field="GEOJOBS_URL")
    token = here.token or here.environ.get("GEOJOBS_TOKEN") or pasted
    return tuple(Address(u, token or _kept_token(u, here), "GEOJOBS_URL") for u in urls)


def by_extension(here: Surroundings) -> Candidates:
    """Step 3: what the extension left in the environment of the kernels and terminals that its server starts.

    Anything started from there inherits it, another server and its kernels too: it counts only while the server
    that wrote it is the one that started this process.
    """
    url, writer = here.environ.get("GEOJOBS_SERVER_URL"), here.environ.get("GEOJOBS_SERVER_PID", "")
    if not url:
        return "not set: the extension is not loaded in the server of this process, or there is none"
    starter = here.environ.get("JPY_PARENT_PID")
    server = runtime.read_server(here.runtime_dir, int(writer)) if writer.isdigit() else None
    if starter != writer if starter else server is None:
        return f"left over from another server (process {writer or 'unknown'})"
    urls = dict.fromkeys([*spellings(url), *(server.urls if server else spellings(on_loopback(url)))])
    return tuple(Address(u, _token(here, server), "GEOJOBS_SERVER_URL") for u in urls)


def by_parent(here: Surroundings) -> Candidates:
    """Step 4: the server among the processes that started this one."""
    starter = here.environ.get("JPY_PARENT_PID", "")
    starts = [int(starter)] if starter.isdigit() else []
    for pid in dict.fromkeys(pid for start in [*starts, here.pid] for pid in runtime.ancestors(start)):
        server = runtime.read_server(here.runtime_dir, pid)
        if server is not None:
            return _addresses(server, here, "JPY_PARENT_PID")
    return f"no Jupyter server started this process (nothing in {here.runtime_dir} names one of its parents)"


def by_hub(here: Surroundings) -> Candidates:
    """Step 5: JupyterHub's variables; the server is asked directly, not through the public proxy."""
    names = ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_API_TOKEN")
    prefix, url, token = (here.environ.get(name) for name in names)
    port = urlsplit(url).port if url else None
    if not prefix or not port:
        return "not under JupyterHub"
    base = f"http://127.0.0.1:{port}/{prefix.strip('/')}/"
    return tuple(Address(u, here.token or token, "JupyterHub") for u in spellings(base))


def by_terminal(here: Surroundings) -> Candidates:
    """Step 6: the URL that Jupyter leaves in its terminals."""
    url = here.environ.get("JUPYTER_SERVER_URL")
    if not url:
        return "not set"
    for server in runtime.running_servers(here.runtime_dir):
        if set(spellings(url)) & set(server.urls):
            return _addresses(server, here, "JUPYTER_SERVER_URL")
    urls = dict.fromkeys([*spellings(url), *spellings(on_loopback(url))])
    return tuple(Address(u, _token(here, None), "JUPYTER_SERVER_URL") for u in urls)


def by_looking_round(here: Surroundings) -> Candidates:
    """Step 7: the running server that knows this kernel; outside a kernel the only one that is ours.

    Raises
    ------
    ServerNotFound
        There are several, and nothing tells which is meant.
    """
    servers = runtime.running_servers(here.runtime_dir)
    if not servers:
        return f"no Jupyter server of this user is running (by {here.runtime_dir})"
    found = [(server, _addresses(server, here, "running servers")) for server in servers]
    if here.kernel_id is not None:
        for _, addresses in found:
            for address in addresses:
                if here.has_kernel(address, here.kernel_id):
                    return (address,)
        return f"none of {len(servers)} running servers knows this kernel ({here.kernel_id})"
    looked = [_look(addresses, here) for _, addresses in found]
    ours = [address for address, finding in looked if finding.state == "ours"]
    if len(ours) > 1:
        choices = ", ".join(address.url for address in ours)
        raise ServerNotFound(f"several servers with the geojobs extension run: name one, as Client(url): {choices}")
    return tuple(ours) or "; ".join(finding.reason for _, finding in looked)


STEPS: tuple[tuple[str, Callable[[Surroundings], Candidates]], ...] = (
    ("GEOJOBS_URL", by_user_environment),
    ("GEOJOBS_SERVER_URL", by_extension),
    ("JPY_PARENT_PID", by_parent),
    ("JupyterHub", by_hub),
    ("JUPYTER_SERVER_URL", by_terminal),
    ("running servers", by_looking_round),
)
"""The steps from the second on, each with the name that messages call it by."""


class _Silent(ServerNotFound):
    """Nothing answers where a step says that the server is."""


def _ask(candidates: tuple[Address, ...], here: Surroundings, *, insist: bool) -> Address:
    address, finding = _look(candidates, here)
    if finding.state == "ours":
        return address
    if finding.state == "refused":
        raise NotAuthenticated(finding.reason)
    raise (ServerNotFound if insist or finding.state == "foreign" else _Silent)(finding.reason)


def _look(candidates: tuple[Address, ...], here: Surroundings) -> tuple[Address, Finding]:
    """Look at addresses up to the first with a server that is ours; else return what says most."""
    telling = ["ours", "refused", "foreign", "silent"]
    findings: list[tuple[Address, Finding]] = []
    silent = set()
    for address in candidates:
        host = urlsplit(address.url).netloc
        if host in silent:
            continue
        finding = here.look(address)
        findings.append((address, finding))
        if finding.state == "ours":
            break
        if finding.state == "silent":
            silent.add(host)
    return min(findings, key=lambda found: telling.index(found[1].state))


def _addresses(server: RunningServer, here: Surroundings, step: str) -> tuple[Address, ...]:
    return tuple(Address(url, _token(here, server), step) for url in server.urls)


def _token(here: Surroundings, server: RunningServer | None) -> str | None:
    return here.token or (server and server.token) or here.environ.get("GEOJOBS_TOKEN") or None


def _kept_token(url: str, here: Surroundings) -> str | None:
    for server in runtime.running_servers(here.runtime_dir):
        if url in server.urls:
            return server.token
    return None
