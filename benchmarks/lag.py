"""How late a server's event loop comes to what is due, looked at from within, every few milliseconds.

What a client waits for would hold its own lag too. `probe` is a piece of the server's configuration; what it writes
is read by `lags`. Both look at the machine's one monotonic clock.
"""

import time
from pathlib import Path

from benchmarks.measure import Times

_WRITING = 0.05  # seconds between two writes of what was seen

_PROBE = r"""
def probe(path, pause=0.005):
    import time
    from tornado.ioloop import IOLoop
    loop, seen = IOLoop.current(), []
    def look(due):
        now = time.monotonic()
        seen.append((now, now - due))
        if now - seen[0][0] > {writing}:
            with open(path, "a") as file:
                file.writelines(f"{{when}} {{late}}\n" for when, late in seen)
            seen.clear()
        loop.call_at(loop.time() + pause, look, now + pause)
    loop.add_callback(look, time.monotonic())
probe({path!r})
"""


def probe(path: Path) -> str:
    """Return the lines of a server's configuration that have it write its lags into a file."""
    return _PROBE.format(path=str(path), writing=_WRITING)


def lags(path: Path, begin: float, end: float) -> Times:
    """Return the lags that were seen between two moments of `time.monotonic`."""
    time.sleep(4 * _WRITING)
    seen = (map(float, line.split()) for line in path.read_text().splitlines() if line.count(" ") == 1)
    return Times(tuple(late * 1000 for when, late in seen if begin <= when <= end))
