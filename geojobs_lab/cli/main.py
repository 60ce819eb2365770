"""The subcommands and their arguments; what they do is in the module of each."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from geojobs_lab._version import __version__
from geojobs_lab.errors import GeoJobsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process when left out.

    Returns
    -------
    int
        The exit code: 0, or 1 with the reason on standard error.
    """
    arguments, rest = _parser().parse_known_args(argv)
    if rest and arguments.command != "lab":
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    with _leaving_in_order():
        try:
            return _run(arguments, rest)
        except (GeoJobsError, OSError) as error:
            notes = getattr(error, "__notes__", ())
            print(f"geojobs {arguments.command} failed: {error}", *notes, sep="\n", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"geojobs {arguments.command}: interrupted", file=sys.stderr)
            return 130


def _run(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    if arguments.command == "demo":
        from geojobs_lab.cli.demo import demo

        demo(arguments.output)
        return 0
    from geojobs_lab.cli.lab import lab

    return lab(arguments.notebooks, rest)


@contextmanager
def _leaving_in_order() -> Iterator[None]:
    """Let a signal that ends the process raise SystemExit, so that what was started is stopped."""
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="geojobs", description="Background geoprocessing for Jupyter.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="run a real job on a Jupyter server of its own, and stop that again")
    demo.add_argument(
        "--output", type=Path, default=Path("demo"), help="folder for the picture and the NetCDF file (demo)"
    )
    lab = commands.add_parser(
        "lab", help="open JupyterLab with the demo's data and job; unknown arguments are handed to it"
    )
    lab.add_argument(
        "--notebooks", type=Path, default=Path("notebooks"), help="folder that JupyterLab opens (notebooks)"
    )
    return parser


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
