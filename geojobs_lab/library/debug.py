"""A task to try a server with: it takes its time and gives back what it got."""

import time
from typing import Any

from geojobs_lab.parameters import AnyParameter, FloatParameter
from geojobs_lab.tasks import Task, progress

_STEP = 0.1  # seconds between two reports: often enough to look alive


class Echo(Task):
    """Return the value after a delay, reporting progress meanwhile."""

    name = "debug:echo"
    title = "Echo"
    inputs = (
        AnyParameter("value", description="Anything that JSON can hold."),
        FloatParameter("delay", default=0, minimum=0, unit="s", description="How long to wait first."),
    )
    outputs = (AnyParameter("value", description="The same."),)

    def execute(self, *, value: Any, delay: float) -> dict[str, Any]:
        """Wait, then return the value."""
        start = time.monotonic()
        while (passed := time.monotonic() - start) < delay:
            progress(passed / delay, f"{passed:.1f} of {delay:g} s")
            time.sleep(min(_STEP, delay - passed))
        return {"value": value}
