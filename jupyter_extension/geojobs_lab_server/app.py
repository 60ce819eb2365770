"""The application: what can be configured, and the life of the rooms inside a Jupyter server.

Owns the traits and the order in which things start and stop. Building the rooms is cheap; what is slow (the database,
looking into files, importing tasks, starting workers) begins when the server's loop runs.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server._tz import utcnow
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Dict, Float, Integer, List, TraitError, Unicode, default
from traitlets.config import Config
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from geojobs_lab._version import __version__
from geojobs_lab.errors import ServerStopping, StoreError, Unavailable
from geojobs_lab.threads import Pool
from geojobs_lab_server.computing import Computations
from geojobs_lab_server.drawing import Pictures
from geojobs_lab_server.links import Links
from geojobs_lab_server.metrics import Metrics
from geojobs_lab_server.routes import routes

if TYPE_CHECKING:
    from geojobs_lab.database import Database
    from geojobs_lab.jobs import Job, JobManager, RegisteredJobs
    from geojobs_lab.services import ServiceCatalogue
    from geojobs_lab_server.streaming import StreamHandler

_THREADS = 4  # for files and numbers; numpy, zlib and reading let others run meanwhile
# Seconds that the rooms may take to stop, 4 in all: Jupyter itself would wait for ever. The manager ends the workers.
_STOPPING = {"manager": 3.4, "catalogue": 0.3, "database": 0.3}
_START_AGAIN = 2.0  # seconds between two tries to open the database
_ACTIVITY = 60_000  # milliseconds between two notes that jobs are running


class GeoJobsApp(ExtensionApp):
    """The extension, configured as ``c.GeoJobsApp``; ``jupyter geojobs`` starts a server with it."""

    name = "geojobs"
    version = __version__
    description = "Background geoprocessing for Jupyter: raster jobs over REST, results on a map."
    examples = """
jupyter geojobs                                         # a server with this and all other extensions
jupyter geojobs --GeoJobsApp.max_workers=8
jupyter geojobs --GeoJobsApp.services=sst=/data/sst.nc  # publish a file
jupyter geojobs cleanup                                 # remove the results that are too old
"""
    subcommands = {  # noqa: RUF012  the base class has it so
        "cleanup": ("geojobs_lab_server.cleanup.CleanupApp", "Remove the results that are too old.")
    }
    load_other_extensions = True
    serverapp_config = {"open_browser": False}  # noqa: RUF012  the base class has it so

    registered_jobs = Dict(
        key_trait=Unicode(),
        help="""The jobs that may be submitted: name -> {"type": "task", "task": "package.module.Task"} or
        {"type": "workflow", "path": "/path/of/workflow.json"}; with "publish_raster_results": True, rasters that the
        job returns are published as services, drawn by "results_renderer": a renderer, a function of the raster
        that returns one, or a dotted path to either. "title" and "description" may be given too.
        How it is run: "timeout" (seconds; instead of job_timeout), "retries" (how often it is tried again when its
        worker crashes, 0 by default), "retry_on" (names of exceptions, or of their base classes, after which it is
        tried again too), "retry_delay" (seconds before the first new try, 1 by default, twice as many before each
        further one), "restartable" (whether it may begin anew after the server has stopped or crashed; otherwise it
        fails then), "max_running" (how many of this job run at the same time).""",
    ).tag(config=True)
    expose_library = Bool(
        True,
        help="Whether the tasks of the library, and of installed packages, may be submitted under their own names.",
    ).tag(config=True)
    services = Dict(
        key_trait=Unicode(),
        help="NetCDF files that are published from the start: name -> path.",
    ).tag(config=True)
    service_roots = List(
        Unicode(),
        help="""Folders from which files may be published by their path (POST services/); by default the folder that
        the server shows, root_dir. An empty list allows none.""",
    ).tag(config=True)
    data_dir = Unicode(
        help="Where the database, results and uploads are kept; by default 'geojobs_lab' in Jupyter's data folder.",
    ).tag(config=True)
    max_workers = Integer(
        min=1, help="How many jobs run at the same time, each in a process of its own; by default one a processor."
    ).tag(config=True)
    max_queued = Integer(10_000, min=1, help="How many jobs may wait; more are refused with the status 429.").tag(
        config=True
    )
    job_timeout = Float(
        None,
        min=0,
        allow_none=True,
        help="Seconds after which a running job is ended as failed; None for never.",
    ).tag(config=True)
    lease = Float(
        60,
        min=1,
        help="""Seconds without a sign of life after which the jobs of a server on another machine, that uses the same
        data_dir, are taken over. On one machine the system tells at once that a server has gone.""",
    ).tag(config=True)
    temporary_service_max_age = Float(
        43_200, min=0, help="Seconds after which the published result of a job is removed, unless it is kept."
    ).tag(config=True)
    cleanup_interval = Float(
        600, min=1, help="Seconds between two rounds that remove the temporary services that are too old."
    ).tag(config=True)
    best_fit_time = Bool(
        True,
        help="""Whether a timestamp stands for the nearest time step. When False, only an exact match is accepted.""",
    ).tag(config=True)

    max_image_side = Integer(
        8192, min=1, max=65_535, help="Pixels that a picture of a box (image.png) may have along one side."
    ).tag(config=True)
    max_image_pixels = Integer(
        2**24,
        min=1,
        max=2**30,
        help="Pixels that a picture of a box may have in all; drawing takes some bytes of memory for each.",
    ).tag(config=True)
    block_cache_bytes = Integer(
        256 * 2**20,
        min=0,
        help="Bytes of decoded blocks of rasters that are kept in memory for the next map tile or picture.",
    ).tag(config=True)

    database: "Database"
    catalogue: "ServiceCatalogue"
    registered: "RegisteredJobs"
    manager: "JobManager"
    metrics: Metrics
    pool: Pool
    pictures: Pictures
    computations: Computations
    streams: "set[StreamHandler]"

    @default("data_dir")
    def _default_data_dir(self) -> str:
        from geojobs_lab.services.cleanup import default_data_dir

        return str(default_data_dir())

    @default("max_workers")
    def _default_max_workers(self) -> int:
        return os.cpu_count() or 1

    @default("service_roots")
    def _default_service_roots(self) -> list[str]:
        return [self.serverapp.root_dir] if self.serverapp is not None else []

    @property
    def _server(self) -> ServerApp:
        if self.serverapp is None:
            raise RuntimeError("the extension is not linked to a server")
        return self.serverapp

    @property
    def max_body_size(self) -> int:
        """Bytes that a request's body may have: Jupyter's own limit."""
        return int(self._server.max_body_size)

    def _load_config(self, cfg: Config, section_names: Any = None, traits: Any = None) -> None:
        # An option that cannot be is left out, and said in one line; traitlets would leave out all others with it.
        cfg = deepcopy(cfg)
        given = cfg[GeoJobsApp.__name__]
        for name, trait in GeoJobsApp.class_own_traits(config=True).items():
            value = given.get(name)
            if name not in given or isinstance(value, DeferredConfig | LazyConfigValue):
                continue
            try:
                trait._validate(self, value)
            except (TraitError, OverflowError) as error:
                self.log.error("c.GeoJobsApp.%s is ignored, the default is used: %s", name, error)  # noqa: TRY400  one line
                del given[name]
        super()._load_config(cfg, section_names, traits)

    def initialize_settings(self) -> None:
        """Build the rooms; nothing is started yet."""
        # Here: `jupyter server --help` and `extension list` import this module too, and need no rooms.
        from geojobs_lab.database import Database
        from geojobs_lab.jobs import JobManager, RegisteredJobs
        from geojobs_lab.services import ServiceCatalogue

        logging.getLogger("geojobs_lab").parent = self._server.log
        # Path's own expanduser raises where there is no such user.
        data_dir = self._folder = Path(os.path.expanduser(self.data_dir)).absolute()  # noqa: PTH111
        self.pool = Pool(_THREADS, "geojobs")
        self.pictures = Pictures()
        self.computations = Computations()
        self.database = Database(data_dir / "geojobs.sqlite")
        self.catalogue = ServiceCatalogue(
            self.database,
            configured={str(name): str(path) for name, path in self.services.items()},
            data_dir=data_dir,
            roots=self.service_roots,
            max_age=self.temporary_service_max_age,
            block_cache=self.block_cache_bytes,
        )
        self.registered = RegisteredJobs(self.registered_jobs, expose_library=self.expose_library)
        self.manager = JobManager(
            data_dir=data_dir,
            database=self.database,
            catalogue=self.catalogue,
            registered=self.registered,
            url_prefix=Links(self._server.base_url).root,
            max_workers=self.max_workers,
            max_queued=self.max_queued,
            job_timeout=self.job_timeout,
            best_fit_time=self.best_fit_time,
            cleanup_interval=self.cleanup_interval,
            lease=self.lease,
        )
        self.metrics = Metrics(self)
        self.manager.on_finished.append(self._note_end)
        self._server.io_loop.add_callback(self.metrics.start)
        self._started = asyncio.Event()
        self._trouble: Unavailable | None = None
        self._starting: asyncio.Future[None] | None = None
        self._ending: asyncio.Future[None] | None = None
        self._activity = PeriodicCallback(self._note_activity, _ACTIVITY)
        self.streams = set()

    def initialize_handlers(self) -> None:
        """Hang the URLs into the server."""
        self.handlers.extend(routes())

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        # Kernels that the server starts inherit these: they know that the extension is there, and where.
        os.environ["GEOJOBS_SERVER_URL"] = serverapp.connection_url
        os.environ["GEOJOBS_SERVER_PID"] = str(os.getpid())
        _stop_on_interrupt(serverapp)
        starting = asyncio.ensure_future(self._start_rooms())
        self._starting = starting
        # What cannot start now is told to those who ask, and tried again: the disk may have room in a while.
        await asyncio.wait({starting, asyncio.ensure_future(self._started.wait())}, return_when=asyncio.FIRST_COMPLETED)

    async def _start_rooms(self) -> None:
        try:
            while not await self._open_database():
                await asyncio.sleep(_START_AGAIN)
            await self.catalogue.start()
            await self.manager.start()
            self._activity.start()
            if not self.is_stopping:
                self._trouble = None
        except Exception:
            self.log.exception("geojobs cannot work")
            self._trouble = Unavailable("geojobs could not start; the server's log tells why")
        finally:
            self._started.set()

    async def _open_database(self) -> bool:
        try:
            await self.database.start()
        except StoreError as error:
            trouble = Unavailable(f"geojobs cannot start yet: {error}")
            if str(trouble) != str(self._trouble):  # told once, not at every try
                self.log.error("%s", trouble, exc_info=error.__cause__)  # noqa: TRY400  its cause
            self._trouble = trouble
            self._started.set()
            return False
        return True

    async def ready(self) -> None:
        """Return when the rooms work.

        Raises
        ------
        Unavailable
            They do not yet, or will not.
        """
        await self._started.wait()
        if self._trouble is not None:
            raise self._trouble

    @property
    def is_stopping(self) -> bool:
        """Tell whether the server goes down."""
        return isinstance(self._trouble, ServerStopping)

    def current_activity(self) -> int:
        """Return how many jobs run: a server with any is not idle."""
        return self.manager.running

    def _note_activity(self) -> None:
        # Jupyter counts every setting of this kind of name; whoever stops idle servers looks at the latest.
        if self.manager.running:
            self._server.web_app.settings["geojobs_last_activity"] = utcnow()

    def _note_end(self, job: "Job") -> None:
        self.metrics.count(job)
        self._server.web_app.settings["geojobs_last_activity"] = utcnow()  # idle from now on, not from the last note

    async def stop_extension(self) -> None:
        """Stop the rooms, whatever happens: an exception here, or a wait, would keep the server from ending."""
        if not hasattr(self, "manager"):
            return
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._stop_rooms())
        await self._ending  # a second signal hurries nobody

    async def _stop_rooms(self) -> None:
        self._trouble = ServerStopping("the server is stopping")
        self._started.set()
        if self._starting is not None:
            self._starting.cancel()
        self._activity.stop()
        self.metrics.stop()
        self.computations.stop()  # first: they read long and often
        for name, seconds in _STOPPING.items():
            await self._stop_quietly(name, getattr(self, name).stop, seconds)
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pictures.stop()

    async def _stop_quietly(self, name: str, stop: Callable[[], Awaitable[Any]], seconds: float) -> None:
        """Stop a room; what it throws, and what it does not do in time, is only logged."""
        stopping = asyncio.ensure_future(stop())
        await asyncio.wait({stopping}, timeout=seconds)
        if not stopping.done():
            self.log.error("geojobs did not stop within %s s: %s", seconds, name)
            stopping.cancel()  # and not waited for: it may not listen
        elif stopping.cancelled() or stopping.exception() is not None:
            error = None if stopping.cancelled() else stopping.exception()
            self.log.error("geojobs could not stop in order: %s", name, exc_info=error)


def _stop_on_interrupt(serverapp: ServerApp) -> None:
    """Let SIGINT stop the server in order where there is no terminal, as JupyterHub does.

    Jupyter asks on the terminal; without one it leaves the signal to Python, whose exception stops no extension.
    """
    stop = serverapp._signal_stop
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) == stop  # the process is the server's own
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, stop)


main = GeoJobsApp.launch_instance
