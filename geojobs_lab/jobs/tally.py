"""How many jobs a worker has begun, where its server finds it when the worker is gone.

It is kept in a piece of memory that both have open: no message of its own wakes the server for each job.
"""

import os
import struct
import tempfile
from typing import Self

_NUMBER = struct.Struct("=Q")


class Tally:
    """A number that one process writes and another reads.

    Parameters
    ----------
    descriptor : int
        Of the memory; inherited from the process that has made it.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._count = 0

    @classmethod
    def make(cls) -> Self:
        """Return a new one, which begins with 0.

        Raises
        ------
        OSError
            There is no room for it.
        """
        if hasattr(os, "memfd_create"):
            tally = cls(os.memfd_create("geojobs-tally"))
        else:  # not on Linux
            with tempfile.TemporaryFile() as file:
                tally = cls(os.dup(file.fileno()))
        os.pwrite(tally.descriptor, _NUMBER.pack(0), 0)
        return tally

    def add(self) -> None:
        """Count one more."""
        self._count += 1
        os.pwrite(self.descriptor, _NUMBER.pack(self._count), 0)

    def read(self) -> int:
        """Return how many the other process has counted."""
        count: int = _NUMBER.unpack(os.pread(self.descriptor, _NUMBER.size, 0))[0]
        return count

    def close(self) -> None:
        """Let go of the memory."""
        os.close(self.descriptor)
