"""``python -m benchmarks``: run what is named, or all; print tables, and write the figures as JSON."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Table

_NAMES = ("tiles", "publish", "expressions", "jobs", "start")
_NEEDED = ("psutil", "rio_tiler")  # beyond what geojobs_lab itself needs
_PEERS = ("jupyter-server", "netCDF4", "numpy", "rasterio", "rio-tiler", "tornado")


def main() -> int:
    """Measure, and return the exit code."""
    arguments = _arguments()
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"{', '.join(missing)} not installed: run `make bench`, or pip install '.[bench]'", file=sys.stderr)
        return 1
    began, load = time.monotonic(), os.getloadavg()[0]
    document = {"machine": _machine(), "tables": {}}
    print(_described(document["machine"]))
    for name in arguments.names or _NAMES:
        tables = _measured(name, arguments)
        document["tables"][name] = [table.to_json() for table in tables]
        for table in tables:
            print(f"\n{table.text()}", flush=True)
    document["machine"]["load"] = load, after = load, os.getloadavg()[0]
    arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\n{time.monotonic() - began:.0f} s, load {load:.1f} before and {after:.1f} after")
    print(f"The figures are in {arguments.output}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(_NAMES)}; all when none is named")
    parser.add_argument(
        "--large", action="store_true", help="tiles of a raster of 21600 x 43200 too, and publish one: 10 GB of disk"
    )
    parser.add_argument(
        "--data", type=Path, help="folder of the rasters of tiles (default: below the temporary folder)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(tempfile.gettempdir()) / "geojobs-benchmarks.json",
        help="where to write the figures (default: %(default)s)",
    )
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in _NAMES:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(_NAMES)}")
    return arguments


def _measured(name: str, arguments: argparse.Namespace) -> list[Table]:
    # Each is imported when its turn comes: jobs and starts are measured without what tiles need.
    if name == "tiles":
        from benchmarks import tiles

        return tiles.measure(large=arguments.large, data=arguments.data)
    if name == "publish":
        from benchmarks import publish

        return publish.measure(large=arguments.large)
    if name == "jobs":
        from benchmarks import jobs

        return jobs.measure()
    if name == "expressions":
        from benchmarks import expressions

        return expressions.measure()
    from benchmarks import start

    return start.measure()


def _machine() -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "versions": {name: importlib.metadata.version(name) for name in ("geojobs_lab", *_PEERS)},
    }


def _described(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = os.getloadavg()[0]
    return (
        f"{machine['cpus']} CPUs, load {load:.1f} before the start, Python {machine['python']}; {versions}\n"
        "Compare figures of one run only: the same one moves by a third from run to run."
    )


if __name__ == "__main__":
    sys.exit(main())
