"""What the end of a run makes of its job: an end, or another try."""

from geojobs_lab.documents import dump_json, format_time, utc_now
from geojobs_lab.jobs.lifecycle import Event, Fail, PutBack, Revoke, Succeed
from geojobs_lab.jobs.queue import Order
from geojobs_lab.jobs.settling import STOPPED
from geojobs_lab.jobs.spec import Outcome


def end_of_run(outcome: Outcome, order: Order, owner: str) -> tuple[Event, float]:
    """Return what happens to a job whose run has ended.

    Parameters
    ----------
    outcome : Outcome
    order : Order
        The job, as it was when the run began.
    owner : str
        The server that runs it again, where it is to run again.

    Returns
    -------
    Event
    float
        Seconds that the job waits before it runs again.
    """
    now, job, rules = format_time(utc_now()), order.job, order.registered.rules
    match outcome.kind:
        case "success":
            return Succeed(now, dump_json(dict(outcome.outputs))), 0
        case "revoked":
            return Revoke(now), 0
        case "stopped" if job.restartable:
            return PutBack("put back: the server was stopped while it was running", None), 0
        case "stopped":
            return Fail(now, {**STOPPED, "where": job.job}), 0
    error = outcome.error or {"type": "RunError", "message": "no reason given", "where": job.job}
    delay = rules.delay(outcome.kinds, job.retried)
    if delay is None:
        return Fail(now, error), 0
    count = f"try {job.retried + 2} of {rules.retries + 1} follows in {delay:g} s"
    return PutBack(f"{count}, after {error['type']}: {error['message']}", owner, retried=1), delay
