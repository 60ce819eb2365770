import json
import os
from pathlib import Path

import pytest

from geojobs_lab.client.discovery import Surroundings, discover
from geojobs_lab.client.transport import Finding
from geojobs_lab.client.urls import Address
from geojobs_lab.errors import InvalidInput, NotAuthenticated, ServerNotFound

OURS, SILENT, FOREIGN, REFUSED = (
    Finding(state, f"it is {state}") for state in ("ours", "silent", "foreign", "refused")
)
A_LIVING_PROCESS = os.getpid()


class World:
    """Surroundings to be set up: environment, runtime files, and what stands at which URL."""

    def __init__(self, runtime_dir: Path) -> None:
        self.runtime_dir = runtime_dir
        self.environ: dict[str, str] = {}
        self.stands: dict[str, Finding] = {}
        self.asked: list[Address] = []
        self.kernels: dict[str, str] = {}  # URL -> kernel id

    def announce(self, pid: int, url: str, token: str = "", **more: object) -> None:
        document = {"url": url, "token": token, "pid": pid, **more}
        (self.runtime_dir / f"jpserver-{pid}.json").write_text(json.dumps(document))

    def look(self, address: Address) -> Finding:
        self.asked.append(address)
        return self.stands.get(address.url, SILENT)

    def find(
        self, url: str | None = None, *, token: str | None = None, kernel: str | None = None, pid: int = 1
    ) -> Address:
        def has_kernel(address: Address, wanted: str) -> bool:
            return self.kernels.get(address.url) == wanted

        here = Surroundings(self.environ, self.runtime_dir, pid, kernel, token, self.look, has_kernel)
        return discover(url, here)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_given_url_goes_before_everything(world):
    world.environ["GEOJOBS_URL"] = "http://env/"
    world.stands = {"http://given/": OURS, "http://env/": OURS}
    found = world.find("http://given/lab?token=T")
    assert (found.url, found.token, found.step) == ("http://given/", "T", "the URL given")


def test_a_given_token_goes_before_a_pasted_one(world):
    world.stands = {"http://given/": OURS}
    assert world.find("http://given/?token=pasted", token="said").token == "said"


def test_a_base_url_that_ends_in_lab_is_found_by_asking(world):
    world.stands = {"http://given/": FOREIGN, "http://given/lab/": OURS}
    assert world.find("http://given/lab/lab/tree/x.ipynb").url == "http://given/lab/"


def test_an_at_sign_is_found_as_the_server_spells_it(world):
    world.stands = {"http://h/a%40b/": FOREIGN, "http://h/a@b/": OURS}
    assert world.find("http://h/a@b/").url == "http://h/a@b/"


def test_a_silent_host_is_asked_once_only(world):
    with pytest.raises(ServerNotFound, match="it is silent"):
        world.find("http://h/a@b/lab")
    assert len(world.asked) == 1


def test_the_token_of_a_given_url_comes_from_its_runtime_file(world):
    world.announce(A_LIVING_PROCESS, "http://localhost:8888/b/", "kept")
    world.stands = {"http://localhost:8888/b/": OURS}
    assert world.find("http://localhost:8888/b/").token == "kept"


def test_the_token_of_the_environment_is_not_sent_to_another_server(world):
    world.environ |= {"GEOJOBS_URL": "http://mine/", "GEOJOBS_TOKEN": "mine"}
    world.stands = {"http://other/": OURS}
    assert world.find("http://other/").token is None


def test_a_token_in_the_environment_alone_serves_a_given_url(world):
    world.environ["GEOJOBS_TOKEN"] = "mine"
    world.stands = {"http://h/": OURS}
    assert world.find("http://h/").token == "mine"


def test_the_users_environment_is_the_second_step(world):
    world.environ |= {"GEOJOBS_URL": "http://env/lab", "GEOJOBS_TOKEN": "T", "GEOJOBS_SERVER_URL": "http://x/"}
    world.stands = {"http://env/": OURS}
    found = world.find()
    assert (found.url, found.token, found.step) == ("http://env/", "T", "GEOJOBS_URL")


def test_a_server_that_the_user_named_and_is_silent_is_not_replaced(world):
    world.environ["GEOJOBS_URL"] = "http://env/"
    world.announce(A_LIVING_PROCESS, "http://localhost:1/", "T")
    world.stands = {"http://localhost:1/": OURS}
    with pytest.raises(ServerNotFound, match="silent"):
        world.find()


def test_a_wrong_url_in_the_environment_is_refused_by_its_name(world):
    world.environ["GEOJOBS_URL"] = "ftp://x/"
    with pytest.raises(InvalidInput, match="GEOJOBS_URL"):
        world.find()


def test_the_extensions_mark_is_the_third_step_with_the_token_of_its_runtime_file(world):
    world.environ |= {"GEOJOBS_SERVER_URL": "http://h:1/", "GEOJOBS_SERVER_PID": "77", "JPY_PARENT_PID": "77"}
    world.announce(77, "http://h:1/", "T")
    world.stands = {"http://h:1/": OURS}
    found = world.find()
    assert (found.token, found.step) == ("T", "GEOJOBS_SERVER_URL")


def test_a_mark_inherited_from_another_server_does_not_count(world):
    world.environ |= {"GEOJOBS_SERVER_URL": "http://h:1/", "GEOJOBS_SERVER_PID": "77", "JPY_PARENT_PID": "88"}
    world.announce(77, "http://h:1/", "T")
    world.announce(88, "http://h:2/", "U")
    world.stands = {"http://h:1/": OURS, "http://h:2/": OURS}
    found = world.find()
    assert (found.url, found.step) == ("http://h:2/", "JPY_PARENT_PID")


def test_a_terminal_trusts_the_mark_of_a_server_that_is_announced(world):
    world.environ |= {"GEOJOBS_SERVER_URL": "http://h:1/", "GEOJOBS_SERVER_PID": "77"}
    world.announce(77, "http://h:1/", "T")
    world.stands = {"http://h:1/": OURS}
    assert world.find().step == "GEOJOBS_SERVER_URL"


def test_a_host_name_that_does_not_answer_is_tried_on_the_loopback(world):
    world.environ["JPY_PARENT_PID"] = "77"
    world.announce(77, "http://machine:8888/b/", "T")
    world.stands = {"http://127.0.0.1:8888/b/": OURS}
    assert world.find().url == "http://127.0.0.1:8888/b/"


def test_the_starter_of_the_kernel_is_the_fourth_step(world):
    world.environ["JPY_PARENT_PID"] = "77"
    world.announce(77, "http://h/a%20b/", "T")
    world.announce(A_LIVING_PROCESS, "http://other/", "U")
    world.stands = {"http://h/a%20b/": OURS, "http://other/": OURS}
    found = world.find(kernel="k")
    assert (found.url, found.token, found.step) == ("http://h/a%20b/", "T", "JPY_PARENT_PID")


def test_a_server_further_up_is_found_through_its_children(world):
    world.announce(os.getppid(), "http://h/", "T")
    world.stands = {"http://h/": OURS}
    assert world.find(pid=os.getpid()).step == "JPY_PARENT_PID"


def test_a_server_on_a_unix_socket_is_passed_over(world):
    world.environ["JPY_PARENT_PID"] = "77"
    world.announce(77, "http+unix://%2Ftmp%2Fs/")
    with pytest.raises(ServerNotFound, match="no Jupyter server started this process"):
        world.find()


def test_a_broken_runtime_file_is_passed_over(world):
    world.environ["JPY_PARENT_PID"] = "77"
    (world.runtime_dir / "jpserver-77.json").write_text("{")
    with pytest.raises(ServerNotFound):
        world.find()


def test_jupyterhub_is_asked_directly_with_its_token(world):
    world.environ |= {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/a%40b/",
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:9999/user/a%40b/",
        "JUPYTERHUB_API_TOKEN": "hub",
    }
    world.stands = {"http://127.0.0.1:9999/user/a%40b/": OURS}
    found = world.find()
    assert (found.token, found.step) == ("hub", "JupyterHub")


def test_a_terminals_server_is_matched_with_its_runtime_file(world):
    world.environ["JUPYTER_SERVER_URL"] = "http://localhost:8888/b/"
    world.announce(A_LIVING_PROCESS, "http://localhost:8888/b/", "T")
    world.stands = {"http://localhost:8888/b/": OURS}
    found = world.find()
    assert (found.token, found.step) == ("T", "JUPYTER_SERVER_URL")


def test_a_kernel_is_found_by_its_id_among_the_running_servers(world):
    world.announce(A_LIVING_PROCESS, "http://one/", "1")
    world.announce(os.getppid(), "http://two/", "2")
    world.stands = {"http://one/": OURS, "http://two/": OURS}
    world.kernels = {"http://two/": "k"}
    found = world.find(kernel="k")
    assert (found.url, found.token, found.step) == ("http://two/", "2", "running servers")


def test_a_kernel_that_no_server_knows_gets_none(world):
    world.announce(A_LIVING_PROCESS, "http://one/", "1")
    world.stands = {"http://one/": OURS}
    with pytest.raises(ServerNotFound, match="none of 1 running servers knows this kernel"):
        world.find(kernel="k")


def test_outside_a_kernel_the_only_server_of_ours_is_taken(world):
    world.announce(A_LIVING_PROCESS, "http://one/", "1")
    world.announce(os.getppid(), "http://two/", "2")
    world.stands = {"http://one/": FOREIGN, "http://two/": OURS}
    assert world.find().url == "http://two/"


def test_several_servers_of_ours_are_listed_and_none_is_guessed(world):
    world.announce(A_LIVING_PROCESS, "http://one/", "1")
    world.announce(os.getppid(), "http://two/", "2")
    world.stands = {"http://one/": OURS, "http://two/": OURS}
    with pytest.raises(ServerNotFound, match=r"several servers .* http://(one|two)/, http://(one|two)/"):
        world.find()


def test_the_runtime_file_of_a_dead_server_does_not_count(world):
    ended = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(ended, 0)
    world.announce(ended, "http://dead/", "T")
    world.stands = {"http://dead/": OURS}
    with pytest.raises(ServerNotFound, match="no Jupyter server of this user is running"):
        world.find()


def test_the_kernels_own_server_without_the_extension_is_not_replaced_by_another(world):
    world.environ["JPY_PARENT_PID"] = "77"
    world.announce(77, "http://own/", "T")
    world.announce(A_LIVING_PROCESS, "http://other/", "U")
    world.stands = {"http://own/": FOREIGN, "http://other/": OURS}
    with pytest.raises(ServerNotFound, match="it is foreign"):
        world.find()


def test_a_refused_token_is_an_error_of_its_own(world):
    world.environ["JPY_PARENT_PID"] = "77"
    world.announce(77, "http://own/")
    world.stands = {"http://own/": REFUSED}
    with pytest.raises(NotAuthenticated, match="it is refused"):
        world.find()


def test_the_error_lists_every_step_and_says_what_to_do(world):
    with pytest.raises(ServerNotFound) as caught:
        world.find()
    said = str(caught.value)
    steps = (
        "GEOJOBS_URL",
        "GEOJOBS_SERVER_URL",
        "JPY_PARENT_PID",
        "JupyterHub",
        "JUPYTER_SERVER_URL",
        "running servers",
    )
    assert [said.index(f"  {step}: ") for step in steps] == sorted(said.index(f"  {step}: ") for step in steps)
    assert "jupyter lab" in said
    assert "Client(" in said


def test_the_surroundings_of_this_process_are_real(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    here = Surroundings.here("T")
    assert (here.runtime_dir, here.pid, here.token) == (tmp_path, os.getppid(), "T")
    assert here.kernel_id is None
