"""``jupyter geojobs cleanup``: remove the results that are too old, whether a server runs or not."""

import sys
from typing import NoReturn

from jupyter_core.application import JupyterApp
from traitlets import Bool, Float, Unicode
from traitlets.config import Config

from geojobs_lab._version import __version__
from geojobs_lab.errors import GeoJobsError
from geojobs_lab.services import cleanup_temporary_services


class CleanupApp(JupyterApp):
    """The subcommand; it reads the same configuration files as the server."""

    name = "geojobs-cleanup"
    version = __version__
    description = """Remove the temporary services of geojobs that are too old, with their files.

    Services that waiting or running jobs use, and those that were kept, stay."""
    examples = """
jupyter geojobs cleanup --dry-run                 # tell what would go
jupyter geojobs cleanup --max-age=0               # all that is temporary and not in use
jupyter geojobs cleanup --data-dir=/data/geojobs
"""
    aliases = {  # noqa: RUF012  the base class has it so
        "data-dir": "CleanupApp.data_dir",
        "max-age": "CleanupApp.max_age",
        "config": "JupyterApp.config_file",
        "log-level": "Application.log_level",
    }
    flags = {  # noqa: RUF012  likewise
        "dry-run": ({"CleanupApp": {"dry_run": True}}, "Remove nothing, tell what would be removed."),
    }
    data_dir = Unicode(help="Where the server keeps its data; by default as configured (c.GeoJobsApp.data_dir).").tag(
        config=True
    )
    max_age = Float(
        None,
        min=0,
        allow_none=True,
        help="Seconds that services are kept; by default as configured (c.GeoJobsApp.temporary_service_max_age).",
    ).tag(config=True)
    dry_run = Bool(False, help="Whether nothing is removed.").tag(config=True)

    # What cannot be understood ends this command, unlike others of Jupyter: going on without it would remove what
    # nobody wanted removed.
    raise_config_file_errors = Bool(True)

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Read the options, and end where there are others than ours."""
        super().parse_command_line(argv)
        options = [f"--{name}" for name, value in self.cli_config.items() if not isinstance(value, Config)]
        if unknown := [*self.extra_args, *options]:
            self._end(f"{unknown[0]!r} is no option; see 'jupyter geojobs cleanup --help'")

    def load_config_file(self, suppress_errors: bool = True) -> None:  # type: ignore[override]  # as JupyterApp
        """Read what the server reads: its own files and the extension's."""
        for name in ("jupyter_server_config", "jupyter_geojobs_config"):
            self.config_file_name = name
            try:
                super().load_config_file(suppress_errors)
            except Exception as error:  # noqa: BLE001  a configuration is a program
                self._end(f"{self.config_file or name} cannot be read: {error}")

    def start(self) -> None:
        """Do it, and print the names of what went."""
        super().start()
        from geojobs_lab_server.app import GeoJobsApp

        server = GeoJobsApp(config=Config({"GeoJobsApp": self.config.get("GeoJobsApp", {})}))
        age = server.temporary_service_max_age if self.max_age is None else self.max_age
        data_dir = self.data_dir or server.data_dir
        try:
            names = cleanup_temporary_services(data_dir, age, dry_run=self.dry_run)
        except (GeoJobsError, OSError) as error:
            self._end(str(error))
        for name in names:
            _say(name)
        services = "1 service" if len(names) == 1 else f"{len(names)} services"
        _say(f"{services} {'to be removed' if self.dry_run else 'removed'} in {data_dir}")

    def _end(self, why: str) -> NoReturn:
        self.log.critical("geojobs cleanup: %s", why)
        sys.exit(1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
