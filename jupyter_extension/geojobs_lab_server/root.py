"""The two ends of the API: what is at its root, and the answer to every URL that is nothing."""

from geojobs_lab._version import __version__
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.errors import Refusal


class RootHandler(Handler):
    """``geoprocessing/rest/``: what this is, for clients that look for it."""

    polled = True

    @endpoint
    async def get(self) -> None:
        """Answer with the name, the version and the links."""
        _ = self.xsrf_token  # a page that logged in by its cookie gets its XSRF cookie here
        links = {
            "jobs": self.links.jobs(),
            "registered_jobs": self.links.registered_jobs(),
            "services": self.links.services(),
        }
        self.reply({"name": "geojobs_lab", "version": __version__, "links": links})


class UnknownHandler(Handler):
    """Every other URL below the prefix."""

    polled = True

    @endpoint
    async def get(self, path: str) -> None:
        """Answer that there is no such thing."""
        raise Refusal(404, f"there is no {path[:200]!r} in this API")

    post = patch = put = delete = get
