"""A kernel of a real server finds that server by itself."""

import httpx
import pytest
from jupyter_client import BlockingKernelClient

ASK = """
from geojobs_lab import Client
client = Client()
print(client)
print(client.submit("add_one", {"in": 41}).result())
"""
ASK_WITHOUT_THE_MARK = "import os; os.environ.pop('GEOJOBS_SERVER_URL', None)\n" + ASK
ASK_WITHOUT_VARIABLES = (
    """
import os
os.environ.pop('GEOJOBS_SERVER_URL', None)
os.environ.pop('JPY_PARENT_PID', None)
from geojobs_lab.client import runtime
runtime.ancestors = lambda pid: iter(())
"""
    + ASK
)
ASK_FROM_A_CHILD = f"""
import subprocess, sys
done = subprocess.run(["sh", "-c", '"$0" -c "$1"; true', sys.executable, {ASK!r}], capture_output=True, text=True)
print(done.stdout, done.stderr)
"""


@pytest.fixture(scope="module")
def run_in_kernel(lab_server):
    with lab_server.client() as http:
        api = httpx.URL(lab_server.url).join("api/kernels")
        kernel = http.post(api, json={"name": "python3"}).json()["id"]
        file = lab_server.folder / "runtime" / f"kernel-{kernel}.json"
        talk = BlockingKernelClient(connection_file=str(file))
        talk.load_connection_file()
        talk.start_channels(hb=False)  # its heart is the server's concern
        talk.wait_for_ready(timeout=60)

        def run(code: str) -> str:
            said = []

            def hear(message):
                content = message["content"]
                said.append(content.get("text") or "\n".join(content.get("traceback", ())))

            talk.execute_interactive(code, timeout=60, output_hook=hear)
            return "".join(said)

        try:
            yield run
        finally:
            talk.stop_channels()
            http.delete(f"{api}/{kernel}")


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (ASK, "GEOJOBS_SERVER_URL"),
        (ASK_FROM_A_CHILD, "GEOJOBS_SERVER_URL"),
        (ASK_WITHOUT_THE_MARK, "JPY_PARENT_PID"),
        (ASK_WITHOUT_VARIABLES, "running servers"),
    ],
    ids=["by the extension's mark", "in a child of the kernel", "by the parent", "by the kernel's id"],
)
def test_a_kernel_finds_its_server(run_in_kernel, lab_server, code, step):
    said = run_in_kernel(code)
    assert f"found by {step}" in said
    assert lab_server.url.partition("://")[2].partition(":")[2].split("/")[0] in said
    assert "42" in said
