"""The overviews of files from elsewhere: side files below the data folder, made one by one in the background.

A file that changes gets a new one, and so does one with a variable that is drawn by classes from now on. Making them is
no job: it happens in a child process of the lowest priority (`sidemaking`), and until it is done, or where it fails,
pictures are made of the file itself.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.services.service import Service
from geojobs_lab.services.sidefolder import LOCK, remove_parts, remove_side_files, remove_unused, side_file
from geojobs_lab.threads import in_thread

_log = logging.getLogger(__name__)

_SMALLEST = 512  # cells along the longer side: smaller layers are read at once
_FORGOTTEN = 30 * 86_400  # seconds after which a side file that no server has asked for goes


class SideFiles:
    """The side files of a data folder.

    Parameters
    ----------
    data_dir : Path
        They are kept in its folder ``overviews``.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "overviews"
        self._wanted: asyncio.Queue[Service] = asyncio.Queue()
        self._making: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: set[Path] = set()
        self._forgotten: set[Path] = set()
        self._told: set[str] = set()

    def find(self, service: Service) -> tuple[Path, int] | None:
        """Return the side file that fits the service's file as it is now, None where there is none.

        Beside the path stands the inode, which tells it from another one that takes its place.
        """
        if service.job is not None:  # has its overviews inside
            return None
        with contextlib.suppress(OSError):
            target = side_file(self._folder, service.path)
            return target, target.stat().st_ino
        return None

    def start(self) -> None:
        """Begin to make what is wanted."""
        self._loop = asyncio.get_running_loop()
        self._making = asyncio.create_task(self._make_all())

    async def stop(self) -> None:
        """Stop; a side file that is being made is given up. May be called twice."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    def want(self, service: Service) -> None:
        """Have a side file made, if the service's rasters are large enough and it has none; from any thread."""
        self._forgotten.discard(service.path)
        if self._loop is not None and service.job is None and service.state == "ready" and _is_large(service.info):
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._wanted.put_nowait, service)

    async def forget(self, file: Path) -> None:
        """Remove the side files of a file that no service is made of any more."""
        self._forgotten.add(file)  # one may be under way, or wait for its turn
        await in_thread(remove_side_files, self._folder, file)

    async def _make_all(self) -> None:
        await in_thread(self._sweep)
        while True:
            service = await self._wanted.get()
            try:
                await self._make(service)
            except OSError as error:  # the folder cannot be written, the file is gone
                self._tell(service, error.strerror or str(error))

    def _sweep(self) -> None:
        """Remove what a crash has left, and what nobody has asked for in a long time."""
        if not self._folder.is_dir():
            return
        with contextlib.suppress(OSError), (self._folder / LOCK).open("a") as lock:
            with contextlib.suppress(BlockingIOError):  # another server makes one
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_parts(self._folder)
            remove_unused(self._folder, time.time() - _FORGOTTEN)

    async def _make(self, service: Service) -> None:
        if service.path in self._forgotten:
            return
        classes = [name for name, style in service.renderers.items() if style.get("type") == "unique"]
        target = await in_thread(self._prepare, service.path, classes)
        if target is None:
            return
        began = time.monotonic()
        code, said = await self._run(str(service.path), str(target), " ".join(classes))
        if code == 0:
            if service.path in self._forgotten:
                await self.forget(service.path)
                return
            _log.info("Service %r has its overviews, after %.0f s", service.name, time.monotonic() - began)
        else:
            self._failed.add(target)
            self._tell(service, said or f"the process ended with {code}")

    def _prepare(self, file: Path, classes: Collection[str]) -> Path | None:
        """Return where the side file has to go, None when it is there, with all that is wanted, or cannot be made."""
        target = side_file(self._folder, file)
        if target in self._failed:
            return None
        if target.exists():
            os.utime(target)
            return target if classes and _lacks(target, classes) else None
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target

    async def _run(self, file: str, target: str, classes: str) -> tuple[int, str]:
        """Run the maker and return its exit code and what it said; it is ended when this is cancelled."""
        theirs, ours = os.pipe()  # our end is closed with this process, whatever happens to it
        command = [sys.executable, "-P", "-m", "geojobs_lab.services.sidemaking", file, target, str(theirs), classes]
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[int, str]] = loop.create_future()

        def tell(answer: tuple[int, str]) -> None:
            if not done.done():
                done.set_result(answer)

        def work() -> None:
            answer = _run(command, theirs)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(tell, answer)

        try:
            threading.Thread(target=work, name="geojobs-sidefile", daemon=True).start()
            return await done
        finally:
            os.close(ours)  # which ends the process, if it has not ended

    def _tell(self, service: Service, reason: str) -> None:
        reason = reason.replace(str(self._folder), "overviews")
        level = logging.DEBUG if reason in self._told else logging.WARNING  # a full disk is told of once
        self._told.add(reason)
        _log.log(level, "Service %r stays without overviews, and is drawn more slowly: %s", service.name, reason)


def _run(command: Sequence[str], lifeline: int) -> tuple[int, str]:
    """Run a process to its end, and return its exit code and the last line that it said."""
    try:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter
            command,
            pass_fds=(lifeline,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return -1, error.strerror or str(error)
    finally:
        os.close(lifeline)
    said = process.communicate()[1]
    return process.returncode, said.strip().rpartition("\n")[2]


def _lacks(side: Path, classes: Collection[str]) -> bool:
    from geojobs_lab.errors import RasterError
    from geojobs_lab.rasters.sidefiles import lacking

    load_libraries()
    try:
        return bool(lacking(side, classes))
    except RasterError:  # it is not used, and cannot be made better than it was
        return False


def _is_large(info: Mapping[str, Any] | None) -> bool:
    """Tell whether a raster of a file has more than 512 rows or columns, by what `describe` said."""
    for variable in info["variables"] if info else ():
        time_axis = variable["time"]
        others = {found["name"] for found in variable["other_dimensions"]}
        others.add(time_axis["dimension"] if time_axis else None)
        sizes = zip(variable["dimensions"], variable["shape"], strict=True)
        if max(size for dim, size in sizes if dim not in others) > _SMALLEST:
            return True
    return False
