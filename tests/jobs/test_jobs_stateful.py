"""Two servers on one data folder, driven at random and compared with a model.

The store, the managers and the files are real; the executor does what the test says, so that every order of events can
be had at once.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from geojobs_lab.database import Database
from geojobs_lab.documents import Status
from geojobs_lab.errors import Conflict, InvalidInput, ServerStopping
from geojobs_lab.jobs import Job, JobManager, JobSpec, Outcome, RegisteredJobs, Watcher
from geojobs_lab.services import ServiceCatalogue
from geojobs_lab.tasks import task

SLOTS = 2


@task
def nothing(value: int = 0) -> int:
    """Never run: the executor of this test answers."""
    return value


ENTRIES = {
    "again": {"type": "task", "task": "test_jobs_stateful.nothing", "restartable": True},
    "once": {"type": "task", "task": "test_jobs_stateful.nothing"},
    "tried": {"type": "task", "task": "test_jobs_stateful.nothing", "retries": 1, "retry_delay": 0},
}


class Puppets:
    """An executor whose runs end when, and as, the test says."""

    def __init__(self) -> None:
        self.capacity = SLOTS
        self.runs: dict[str, asyncio.Future[Outcome]] = {}

    @property
    def workers(self) -> int:
        return len(self.runs)

    async def start(self) -> None:
        """Nothing to make ready."""

    async def run(self, spec: JobSpec, watcher: Watcher) -> Outcome:
        assert spec.uuid not in self.runs
        self.runs[spec.uuid] = asyncio.get_running_loop().create_future()
        try:
            return await self.runs[spec.uuid]
        finally:
            del self.runs[spec.uuid]

    def end(self, uuid: str, outcome: Outcome) -> None:
        if not self.runs[uuid].done():
            self.runs[uuid].set_result(outcome)

    def cancel(self, uuid: str) -> None:
        if uuid in self.runs:
            self.end(uuid, Outcome("revoked"))

    async def stop(self) -> None:
        for uuid in list(self.runs):
            self.end(uuid, Outcome("stopped"))


class Server:
    """The rooms of one server."""

    def __init__(self, data_dir: Path) -> None:
        self.database = Database(data_dir / "geojobs.sqlite")
        self.catalogue = ServiceCatalogue(self.database, configured={}, data_dir=data_dir)
        self.executor = Puppets()
        self.manager = JobManager(
            data_dir=data_dir,
            database=self.database,
            catalogue=self.catalogue,
            registered=RegisteredJobs(ENTRIES, expose_library=False),
            url_prefix="/x/",
            max_workers=SLOTS,
            executor=self.executor,
        )

    async def start(self) -> None:
        await self.database.start()
        await self.catalogue.start()
        await self.manager.start()

    async def stop(self) -> None:
        await self.manager.stop()
        await self.catalogue.stop()
        await self.database.stop()

    async def vanish(self) -> None:
        """End as a process does that is killed: nothing is written any more, the lock goes."""
        runner = self.manager._runner
        for work in [*self.manager._errands, *runner._runners, *runner._background]:
            work.cancel()
        for run, _ in runner._running.values():
            run._ending.set()
        await asyncio.gather(*self.manager._errands, *runner._runners, *runner._background, return_exceptions=True)
        self.catalogue._looking.cancel()
        await self.catalogue._sides.stop()
        await self.database.stop()
        self.catalogue._files.close()
        self.catalogue.owner.release()


class TwoServers(RuleBasedStateMachine):
    """What happens to jobs, and what the model says of it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="geojobs-stateful-")
        self.servers: dict[str, Server] = {}
        self.known: dict[str, Job] = {}  # as last seen
        self.keys: dict[str, str] = {}  # key -> uuid
        self.cancelled: set[str] = set()  # while they ran or waited
        self.may_fail: dict[str, int] = {}  # uuid -> how often its run was failed, or its server vanished

    def play(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    @initialize()
    def begin(self) -> None:
        for name in ("one", "two"):
            self.open(name)

    def open(self, name: str) -> None:
        server = Server(Path(self.folder.name) / "data")
        self.play(server.start())
        self.servers[name] = server

    def any_server(self, name: str) -> Server:
        return self.servers.get(name) or next(iter(self.servers.values()))

    def settle(self) -> None:
        """Wait until nothing goes on by itself: every free slot is at work, or nothing waits."""

        async def quiet() -> None:
            while not await self._is_quiet():
                for server in self.servers.values():
                    server.manager._neighbours._look.set()
                await asyncio.sleep(0.01)

        if self.servers:
            self.play(quiet())

    async def _is_quiet(self) -> bool:
        manager = next(iter(self.servers.values())).manager
        _, waiting = await manager.list(status=Status.PENDING, limit=100)
        _, started = await manager.list(status=Status.STARTED, limit=100)
        running = {uuid for server in self.servers.values() for uuid in server.executor.runs}
        busy = all(len(server.executor.runs) == SLOTS for server in self.servers.values())
        owners = {server.catalogue.owner.name: server for server in self.servers.values()}
        stuck = [job for job in waiting if job.owner not in owners or len(owners[job.owner].executor.runs) < SLOTS]
        ending = any(server.manager._runner._background for server in self.servers.values())
        return {job.uuid for job in started} == running and (busy or not stuck) and not ending

    # -- what people do

    @precondition(lambda self: self.servers)
    @rule(server=st.sampled_from(["one", "two"]), kind=st.sampled_from(sorted(ENTRIES)), priority=st.integers(-2, 2))
    def submit(self, server: str, kind: str, priority: int) -> None:
        job, is_new = self.play(self.any_server(server).manager.submit(kind, {"value": 1}, priority=priority))
        assert is_new
        self.known[job.uuid] = job

    @precondition(lambda self: self.servers)
    @rule(server=st.sampled_from(["one", "two"]), key=st.sampled_from("ab"), value=st.integers(0, 1))
    def submit_with_a_key(self, server: str, key: str, value: int) -> None:
        manager = self.any_server(server).manager
        first = self.known.get(self.keys.get(key, ""))
        try:
            job, is_new = self.play(manager.submit("once", f'{{"value": {value}}}', key=key))
        except InvalidInput:
            assert first is not None
            assert first.inputs != f'{{"value": {value}}}'
            return
        assert is_new == (first is None)
        if first is not None:
            assert job.uuid == first.uuid
        self.known[job.uuid] = self.known.get(job.uuid, job)
        self.keys[key] = job.uuid

    def draw_job(self, data: st.DataObject) -> str:
        return list(self.known)[data.draw(st.integers(0, len(self.known) - 1))]

    @precondition(lambda self: self.servers and self.known)
    @rule(server=st.sampled_from(["one", "two"]), data=st.data())
    def cancel(self, server: str, data: st.DataObject) -> None:
        uuid = self.draw_job(data)
        manager = self.any_server(server).manager
        before = self.play(manager._store.get(uuid))
        try:
            after = self.play(manager.cancel(uuid))
        except Conflict:
            assert before.status.is_final
        else:
            assert after.status is Status.REVOKED
            self.cancelled.add(uuid)

    @precondition(lambda self: self.servers and self.known)
    @rule(server=st.sampled_from(["one", "two"]), data=st.data())
    def delete(self, server: str, data: st.DataObject) -> None:
        uuid = self.draw_job(data)
        manager = self.any_server(server).manager
        before = self.play(manager._store.get(uuid))
        try:
            self.play(manager.delete(uuid))
        except Conflict:
            assert not before.status.is_final
        else:
            assert before.status.is_final
            del self.known[uuid]
            self.keys = {key: job for key, job in self.keys.items() if job != uuid}

    # -- what happens to them

    def draw_run(self, data: st.DataObject) -> tuple[Server, str] | None:
        # in the order of their submission: what is drawn must not depend on which uuids there are
        runs = [
            (server, uuid) for uuid in self.known for server in self.servers.values() if uuid in server.executor.runs
        ]
        return runs[data.draw(st.integers(0, len(runs) - 1))] if runs else None

    @rule(data=st.data(), kind=st.sampled_from(["success", "failure", "crash"]))
    def end_a_run(self, data: st.DataObject, kind: str) -> None:
        drawn = self.draw_run(data)
        if drawn is None:
            return
        server, uuid = drawn
        if kind == "success":
            server.executor.end(uuid, Outcome("success", outputs={"result": uuid}))
        else:
            error = "WorkerCrashed" if kind == "crash" else "ValueError"
            self.may_fail[uuid] = self.may_fail.get(uuid, 0) + 1
            server.executor.end(uuid, Outcome.failure(error, "no", "there"))

    @precondition(lambda self: self.servers)
    @rule(server=st.sampled_from(["one", "two"]))
    def stop_in_order(self, server: str) -> None:
        if server in self.servers:
            going = self.servers.pop(server)
            for uuid in going.executor.runs:
                self.may_fail[uuid] = self.may_fail.get(uuid, 0) + 1
            self.play(going.stop())
            try:
                self.play(going.manager.submit("once", None))
            except ServerStopping:
                return
            raise AssertionError("a server that has stopped took a job")

    @precondition(lambda self: self.servers)
    @rule(server=st.sampled_from(["one", "two"]))
    def kill(self, server: str) -> None:
        if server in self.servers:
            going = self.servers.pop(server)
            for uuid in going.executor.runs:
                self.may_fail[uuid] = self.may_fail.get(uuid, 0) + 1
            self.play(going.vanish())

    @precondition(lambda self: len(self.servers) < 2)
    @rule()
    def start_what_is_down(self) -> None:
        for name in ("one", "two"):
            if name not in self.servers:
                self.open(name)

    # -- what must hold

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        if not self.servers:
            return
        self.settle()
        managers = [server.manager for server in self.servers.values()]
        count, jobs = self.play(managers[0].list(limit=100))
        assert count == len(jobs)
        assert {job.uuid for job in jobs} == set(self.known)
        for job in jobs:
            before = self.known[job.uuid]
            assert job.revision >= before.revision
            if before.status.is_final:
                assert job == before
            self._is_right(job)
            self.known[job.uuid] = job
        for status in Status:
            wanted = sum(job.status is status for job in jobs)
            for manager in managers:
                assert self.play(manager.list(status=status, limit=1))[0] == wanted
        self.no_slot_is_free_while_jobs_wait()
        self.a_fold_of_the_changes_is_the_list()

    def _is_right(self, job: Job) -> None:
        running = [server for server in self.servers.values() if job.uuid in server.executor.runs]
        assert len(running) == (job.status is Status.STARTED)
        if running:
            assert job.owner == running[0].catalogue.owner.name
        match job.status:
            case Status.SUCCESS:
                assert job.outputs == f'{{"result": "{job.uuid}"}}'
            case Status.REVOKED:
                assert job.uuid in self.cancelled
            case Status.FAILURE:
                assert self.may_fail.get(job.uuid, 0) > 0
                assert job.error is not None
                if job.error["type"] == "ServerStopped":
                    assert job.job != "again" or job.lost >= 2
                if job.error["type"] == "WorkerCrashed":
                    assert job.job != "tried" or job.retried == 1

    def no_slot_is_free_while_jobs_wait(self) -> None:
        for server in self.servers.values():
            runner = server.manager._runner
            if runner.waiting:
                assert len(server.executor.runs) == SLOTS

    def a_fold_of_the_changes_is_the_list(self) -> None:
        store = next(iter(self.servers.values())).manager._store

        async def fold() -> dict[str, Job]:
            seen: dict[str, Job] = {}
            cursor = 0
            while changes := await store.changes(cursor, 3):
                for change in changes:
                    if change.job is None:
                        seen.pop(change.uuid, None)
                    else:
                        seen[change.uuid] = change.job
                cursor = changes[-1].number
            return seen

        assert self.play(fold()) == {uuid: self.play(store.get(uuid)) for uuid in self.known}

    def teardown(self) -> None:
        for server in self.servers.values():
            self.play(server.stop())
        self.loop.close()
        self.folder.cleanup()


TestTwoServers = TwoServers.TestCase
TestTwoServers.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
