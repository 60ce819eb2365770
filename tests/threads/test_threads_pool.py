"""The threads of the server, and that the process does not wait for them."""

import subprocess
import sys
import threading
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from geojobs_lab.threads import Pool

EXTENSION = Path(__file__).parents[2] / "jupyter_extension"


def test_work_is_done_in_threads_and_what_it_gives_or_throws_comes_back() -> None:
    pool = Pool(2, "pool")
    assert pool.submit(lambda a, *, b: (a, b), 1, b=2).result(10) == (1, 2)
    assert pool.submit(threading.current_thread).result(10).name.startswith("pool_")
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(10)
    with pytest.raises(SystemExit):
        pool.submit(sys.exit, 3).result(10)
    both = threading.Barrier(2)  # is passed by two at a time only
    assert {future.result(10) for future in [pool.submit(both.wait, 10), pool.submit(both.wait, 10)]} == {0, 1}
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.submit(print)
    pool.shutdown()


def test_what_waits_is_given_up_at_the_end_and_what_runs_is_not() -> None:
    pool = Pool(1, "pool")
    begun, go_on = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        go_on.wait(10)
        return "done"

    running, waiting = pool.submit(work), pool.submit(work)
    assert begun.wait(10)
    pool.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    go_on.set()
    assert running.result(10) == "done"
    pool.shutdown()


def test_what_is_cancelled_before_its_turn_is_not_done() -> None:
    pool = Pool(1, "pool")
    begun, go_on, done = threading.Event(), threading.Event(), []
    pool.submit(lambda: (begun.set(), go_on.wait(10)))
    begun.wait(10)
    unwanted = pool.submit(done.append, 1)
    assert unwanted.cancel()
    go_on.set()
    pool.shutdown()
    assert done == []


# Reading with netCDF4 would crash while the interpreter is taken down, reading with h5py would keep it for ever.
WORK = {
    "sleeps": "time.sleep(60)",
    "computes": "sum(0 for _ in iter(int, 1))",
    "reads with netCDF4": "sum(netCDF4_file['x'][:].size for _ in iter(int, 1))",
    "reads with h5py": "sum(h5py_file['x'][:].size for _ in iter(int, 1))",
}


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rasters") / "large.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 2_000_000)
        file.createVariable("x", "f4", ("x",), compression="zlib")[:] = np.random.default_rng(0).random(2_000_000)
    return path


@pytest.mark.parametrize("work", WORK)
def test_the_process_ends_while_a_thread_is_at_work(raster: Path, work: str) -> None:
    library = work.split()[-1]
    opening = {
        "netCDF4": f"import netCDF4; netCDF4_file = netCDF4.Dataset({str(raster)!r})",
        "h5py": f"import h5py; h5py_file = h5py.File({str(raster)!r})",
    }
    code = f"""
import sys, threading, time
from geojobs_lab.threads import Pool
{opening.get(library, "")}
pool, begun = Pool(1, "pool"), threading.Event()
pool.submit(lambda: (begun.set(), {WORK[work]}))
begun.wait()
pool.shutdown(wait=False, cancel_futures=True)
sys.stdout.write("the end")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(EXTENSION)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "the end", "")
