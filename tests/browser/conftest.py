"""Headless Chromium, as a person's browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from desk import Desk
from lab import RunningLab, running_lab
from playwright.sync_api import Browser, Page, sync_playwright

_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_OF_JUPYTER = ("Cannot read properties of undefined (reading 'schema')",)  # Notebook 7.6 with nothing on it


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; without it the test is skipped, but not in CI.

    For a module only: while Playwright is up, an event loop counts as running in the tests' thread.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium in CI")
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, headless=True, args=_QUIET)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page with no cookies; what it says on its console fails the test."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Run JupyterLab under a base URL with a prefix and with the demo's data and job."""
    with running_lab("lab", tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Run Notebook 7 the same way."""
    with running_lab("notebook", tmp_path_factory.mktemp("notebook")) as running:
        yield running


@pytest.fixture
def desk(browser: Browser, jupyterlab: RunningLab) -> Iterator[Desk]:
    """Open a window of JupyterLab; whatever it asks for, it asks of the server."""
    with _sat_at(Desk(browser, jupyterlab)) as desk:
        yield desk


@pytest.fixture
def classic_desk(browser: Browser, notebook7: RunningLab) -> Iterator[Desk]:
    """Open a window of Notebook 7."""
    with _sat_at(Desk(browser, notebook7)) as desk:
        yield desk


@contextmanager
def _sat_at(desk: Desk) -> Iterator[Desk]:
    try:
        yield desk
        assert desk.requests
        assert desk.foreign() == []
        assert [said for said in desk.complaints if said not in _OF_JUPYTER] == []
    finally:
        desk.close()
