"""The state of a process that a task may change and that the next job must find as it was."""

import contextlib
import locale
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2)
_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_STACK")
_GROWN = 2**30  # bytes of memory that a job may leave behind
_MEMORY = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ProcessState:
    """What there is when it is made; `restore` brings it back, as often as it is called."""

    def __init__(self) -> None:
        root = logging.getLogger()
        self._folder, self._environment = Path.cwd(), dict(os.environ)
        self._attributes: list[tuple[Any, str, Any]] = [
            (owner, name, getattr(owner, name))
            for owner, names in (
                (sys, ("stdin", "stdout", "stderr", "argv", "path", "meta_path", "excepthook", "displayhook")),
                (root, ("handlers", "filters", "disabled")),
                (tempfile, ("tempdir",)),
            )
            for name in names
        ]
        # What is changed in its place has to be kept as it is now.
        self._lists: list[tuple[list[Any], list[Any]]] = [
            (found, list(found)) for found in (sys.argv, sys.path, sys.meta_path, root.handlers, root.filters)
        ]
        self._levels = root.level, root.manager.disable
        self._signals = {number: signal.getsignal(number) for number in _SIGNALS}
        self._umask = _umask()
        self._floating = np.geterr()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._lasting = _lasting()
        self._memory = resident_memory()

    def restore(self) -> bool:
        """Put everything back; return whether that was possible, and the process is as good as before.

        Memory is compared with what there was after the last time.
        """
        signal.alarm(0)
        for number, handler in self._signals.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        for owner, name, value in self._attributes:
            setattr(owner, name, value)
        for found, items in self._lists:
            if found != items:
                found[:] = items
        self._restore_levels()
        self._restore_environment()
        os.umask(self._umask)
        np.seterr(**self._floating)
        return all(map(_succeeds, (self._return, self._speak))) and self._is_sound()

    def _restore_levels(self) -> None:
        root = logging.getLogger()
        if (root.level, root.manager.disable) != self._levels:
            root.manager.disable = self._levels[1]
            root.setLevel(self._levels[0])  # all loggers forget what they have found out, which takes a while

    def _restore_environment(self) -> None:
        now, before = dict(os.environ), self._environment
        if now != before:
            for name in now.keys() - before.keys():
                del os.environ[name]
            os.environ.update({name: value for name, value in before.items() if now.get(name) != value})

    def _return(self) -> None:
        os.chdir(self._folder)

    def _speak(self) -> None:
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)

    def _is_sound(self) -> bool:
        """Tell whether nothing has changed that cannot be taken back."""
        before, self._memory = self._memory, resident_memory()
        return _is_alone() and _lasting() == self._lasting and self._memory - before < _GROWN


def resident_memory() -> int:
    """Return the bytes of memory that the process has in use; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError), _MEMORY.open("rb", buffering=0) as file:
        return int(file.read().split()[1]) * _PAGE
    return 0


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _lasting() -> tuple[Any, ...]:
    """Return what a process may change only in one direction."""
    limits = [resource.getrlimit(getattr(resource, name)) for name in _LIMITS] if resource is not None else []
    return os.getpriority(os.PRIO_PROCESS, 0), *limits


def _is_alone() -> bool:
    """Tell whether the task left neither children nor threads that would go on into the next job."""
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                return False
    main_thread = threading.main_thread()
    return all(thread.daemon or thread is main_thread for thread in threading.enumerate())


def _succeeds(work: Callable[[], object]) -> bool:
    try:
        work()
    except (OSError, locale.Error):
        return False
    return True
