"""Submitting to a real server: once more, first of all, not for too long, and through connections that break."""

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from geojobs_lab.client import Client
from geojobs_lab.documents import Status
from geojobs_lab.errors import RequestRefused, ServerNotFound


@pytest.fixture(scope="module")
def server(geojobs_server) -> Iterator:
    with geojobs_server() as running:
        yield running


@pytest.fixture
def client(server) -> Iterator[Client]:
    with Client(server.url, server.token) as opened:
        yield opened


class Cutter:
    """A proxy that loses the next `cuts` answers: the server has done its work, and nobody hears of it."""

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    if ready is far and self.cuts:
                        self.cuts -= 1
                        return
                    if not data:
                        return
                    (far if ready is near else near).sendall(data)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def cutter(server) -> Iterator[Cutter]:
    made = Cutter(int(server.origin.rpartition(":")[2]))
    yield made
    made.close()


def through(cutter: Cutter, server) -> Client:
    port = server.origin.rpartition(":")[2]
    return Client(server.url.replace(f":{port}/", f":{cutter.port}/"), server.token)


def test_a_submission_whose_answer_is_lost_is_sent_again_and_taken_once(client, cutter, server) -> None:
    before = client.jobs().total
    with through(cutter, server) as broken:
        cutter.cuts = 2
        job = broken.submit("debug:echo", value=1)
        assert cutter.cuts == 0
        assert job.wait().status is Status.SUCCESS
        cutter.cuts = 3
        with pytest.raises(ServerNotFound, match="submitting the job"):
            broken.submit("debug:echo", value=1)
    assert client.jobs().total == before + 2  # the last one was taken too: only its answers were lost


def test_a_job_is_submitted_once_more_with_the_same_inputs(client) -> None:
    first = client.submit("debug:echo", value=[1, 2]).wait()
    again = first.retry()
    assert again.uuid != first.uuid
    assert again.wait().result() == first.result()


def test_options_are_of_the_client_that_they_were_asked_of(client) -> None:
    hurried = client.options(priority=5, timeout=0.001)
    with pytest.raises(RequestRefused, match="priority: 5000"):
        client.options(priority=5000).submit("debug:echo", value=1)
    assert client.submit("debug:echo", value=1).wait().status is Status.SUCCESS
    job = hurried.options(timeout=30).submit("debug:echo", value=1)
    assert job.wait().status is Status.SUCCESS


def test_cancelling_a_job_that_has_ended_leaves_it_as_it_is(client) -> None:
    job = client.submit("debug:echo", value=1).wait()
    assert client.job(job.uuid).cancel().status is Status.SUCCESS
    assert client.job(job.uuid).result() == 1
