"""The URLs of the API, root-relative, so that they hold behind every proxy and from every page."""

from urllib.parse import quote

from jupyter_server.utils import url_path_join

PREFIX = "geoprocessing/rest/"
# A service may be called so, and its name would then read as one of the URLs below a service.
_AMBIGUOUS = {"variables", "download"}


class Links:
    """Builds URLs.

    Parameters
    ----------
    base_url : str
        The server's, percent-encoded as Jupyter has it.
    """

    def __init__(self, base_url: str) -> None:
        self.root = url_path_join(base_url, PREFIX)

    def jobs(self) -> str:
        """Return the URL of the job list."""
        return f"{self.root}jobs/"

    def job(self, uuid: str) -> str:
        """Return the URL of a job."""
        return f"{self.root}jobs/{quote(uuid, safe='')}/"

    def registered_jobs(self) -> str:
        """Return the URL of the list of what can be run."""
        return f"{self.root}registered-jobs/"

    def services(self) -> str:
        """Return the URL of the service list."""
        return f"{self.root}services/"

    def service(self, name: str) -> str:
        """Return the URL of a service."""
        safe = "" if _AMBIGUOUS.intersection(name.split("/")) else "/"
        return f"{self.root}services/{quote(name, safe=safe)}/"

    def variable(self, service: str, variable: str) -> str:
        """Return the URL that those of a variable begin with."""
        return f"{self.service(service)}variables/{quote(variable, safe='')}/"
