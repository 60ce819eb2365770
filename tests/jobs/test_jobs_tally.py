"""The number of jobs that a worker has begun, in memory that two processes share."""

import os

import pytest

from geojobs_lab.jobs.tally import Tally


@pytest.mark.parametrize("has_memory", [True, False], ids=["memory", "file"])
def test_what_one_has_counted_the_other_reads_even_when_the_first_is_gone(
    monkeypatch: pytest.MonkeyPatch, has_memory: bool
) -> None:
    if not has_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    ours = Tally.make()
    assert not os.get_inheritable(ours.descriptor)
    assert ours.read() == 0
    theirs = Tally(os.dup(ours.descriptor))
    for _ in range(300):
        theirs.add()
    theirs.close()
    assert ours.read() == 300
    ours.close()
