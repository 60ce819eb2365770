"""Run the notebooks and save them with what they show: ``python docs/make_notebooks.py``.

Each runs on a server with the demo's data and job, and is kept with the state of its widgets, so that it reads well
where there is no kernel. Nothing of the machine goes along: no ports, no paths, no token.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

from geojobs_lab.cli.server import running_server

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
_STATE = "application/vnd.jupyter.widget-state+json"
_LONGEST = 120  # seconds that a cell may take


def execute(file: Path, environment: Mapping[str, str]) -> nbformat.NotebookNode:
    """Return a notebook as it is after a run in a kernel with these environment variables.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell fails.
    """
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    notebook.metadata.pop("widgets", None)
    client = NotebookClient(
        notebook,
        timeout=_LONGEST,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=True,
        resources={"metadata": {"path": str(file.parent)}},
    )
    return client.execute(env=dict(environment))


def surroundings(url: str, token: str) -> dict[str, str]:
    """Return the environment of a kernel that is to find this server, and no other."""
    foreign = ("JPY_", "JUPYTERHUB_", "JUPYTER_SERVER_", "GEOJOBS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "GEOJOBS_URL": url, "GEOJOBS_TOKEN": token}


def _text(notebook: nbformat.NotebookNode) -> str:
    """Return the file: as Jupyter writes it, but for the widgets' state, where a line a number would be megabytes."""
    widgets = notebook.metadata.widgets[_STATE]
    state, widgets["state"] = widgets["state"], "{}"
    text = nbformat.writes(notebook)
    packed = json.dumps(state, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace('"state": "{}"', f'"state": {packed}') + "\n"


def main(names: list[str]) -> None:
    """Run the notebooks of these names, or all."""
    files = [NOTEBOOKS / f"{name}.ipynb" for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))
    for file in files:
        with TemporaryDirectory(prefix="geojobs-notebook-") as folder, running_server(Path(folder)) as server:
            server.wait_until_ready(("a1b", "e1"), "warming")
            address = server.client.transport.address
            notebook = execute(file, surroundings(address.url, address.token or ""))
        notebook.metadata.language_info = {"name": "python"}  # its version is the machine's
        file.write_text(_text(notebook), encoding="utf-8")
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
