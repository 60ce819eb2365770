"""A person in front of a notebook.

`Desk` is a browser window that keeps what the page asks for; `Notebook` does what a person does: click, type, press
keys, look.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from lab import RunningLab
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Response, WebSocket, expect

PATIENCE = 30_000  # ms that a page may take for anything
expect.set_options(timeout=PATIENCE)

# An end is a number after a star: numbers begin anew when the kernel does.
_WATCH = """(panel, index) => {
  panel.run?.observer.disconnect();
  const run = panel.run = {started: false, ended: false};
  run.observer = new MutationObserver(() => {  // the prompt's own element may be made anew
    const prompt = panel.querySelectorAll(".jp-CodeCell")[index]?.querySelector(".jp-InputPrompt");
    if (!prompt) return;
    if (prompt.textContent.includes("*")) run.started = true;
    else if (run.started) { run.ended = true; run.observer.disconnect(); }
  });
  run.observer.observe(panel, {childList: true, characterData: true, subtree: true});
}"""


class Desk:
    """A browser window of somebody who is logged in, and what its pages asked for.

    Attributes
    ----------
    responses : list of Response
        The answers so far.
    """

    def __init__(
        self, browser: Browser, lab: RunningLab, *, width: int = 1280, height: int = 1000, scale: float = 1
    ) -> None:
        view = {"width": width, "height": height}
        self._sit(browser.new_context(viewport=view, device_scale_factor=scale), lab)

    @classmethod
    def beside(cls, desk: "Desk") -> "Desk":
        """Open another tab, with the cookies of the first."""
        other = cls.__new__(cls)
        other._sit(desk.context, desk.lab)
        return other

    def _sit(self, context: BrowserContext, lab: RunningLab) -> None:
        self.lab, self.context = lab, context
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.complaints: list[str] = []
        self.sockets: list[str] = []
        self.heard: set[str] = set()  # the sockets that something came from
        self.context.on("request", lambda request: self.requests.append(request))
        self.context.on("response", lambda response: self.responses.append(response))
        self.page.on("websocket", self._keep)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, name: str) -> "Notebook":
        """Open a notebook of the server."""
        self.page.goto(self.lab.page_url(name))
        return Notebook(self, name)

    def foreign(self) -> list[str]:
        """The URLs asked for that are not the server's."""
        asked = [request.url for request in self.requests] + self.sockets
        return [url for url in asked if urlsplit(url).scheme not in ("data", "blob") and not self._ours(url)]

    def asked(self, part: str, since: int = 0) -> list[str]:
        """The URLs with this part in them, of the requests after the first `since`."""
        return [request.url for request in self.requests[since:] if part in request.url]

    def answers(self, part: str) -> list[Response]:
        """The answers from URLs with this part in them."""
        return [response for response in self.responses if part in response.url]

    def close(self) -> None:
        self.context.close()

    def _keep(self, socket: WebSocket) -> None:
        self.sockets.append(socket.url)
        socket.on("framereceived", lambda _: self.heard.add(socket.url))

    def _ours(self, url: str) -> bool:
        return urlsplit(url).netloc == self.lab.host


class Notebook:
    """An open notebook, used by mouse and keyboard. Cells are counted from 0, code cells only."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.desk, self.page, self.name = desk, desk.page, name
        self.panel = self.page.locator(".jp-NotebookPanel:visible").filter(has=self.page.locator(".jp-Cell")).first
        self.panel.locator(".jp-CodeCell").first.wait_for(timeout=2 * PATIENCE)
        self.wait_until_idle()

    @property
    def cells(self) -> Locator:
        return self.panel.locator(".jp-Notebook .jp-CodeCell")

    def cell(self, index: int) -> Locator:
        return self.cells.nth(index)

    def output(self, index: int) -> Locator:
        """The outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def wait_until_idle(self) -> None:
        """Wait until the page talks with a kernel that has nothing to do."""
        until(self.page, self._is_connected, "the kernel is there")
        self.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(timeout=2 * PATIENCE)

    def _is_connected(self) -> bool:
        kernels = self.desk.lab.kernels(self.name)
        idle = [kernel for kernel, state in kernels.items() if state == "idle"]
        return any(f"/kernels/{kernel}/channels" in socket for kernel in idle for socket in self.desk.heard)

    def select(self, index: int) -> None:
        """Click into a cell."""
        editor = self.cell(index).locator(".cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()

    def write(self, index: int, source: str) -> None:
        """Replace the text of a cell, as pasting does."""
        self.select(index)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def add(self, source: str) -> int:
        """Put a cell at the end and return its number."""
        last = self.cells.count() - 1
        self.select(last)
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        expect(self.cells).to_have_count(last + 2)
        self.write(last + 1, source)
        return last + 1

    def start(self, index: int) -> None:
        """Run a cell, and come back at once; what is pressed while the page is still settling is pressed again."""
        self.panel.evaluate(_WATCH, index)
        for _ in range(5):
            self.select(index)
            self.page.keyboard.press("Control+Enter")
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if self.panel.evaluate("panel => panel.run.started"):
                    return
                self.page.wait_for_timeout(30)
        raise AssertionError(f"cell {index} does not start")

    def run(self, index: int, timeout: float = PATIENCE) -> Locator:
        """Run a cell to its end and return its outputs."""
        self.start(index)
        until(self.page, lambda: self.panel.evaluate("panel => panel.run.ended"), f"cell {index} ended", timeout)
        return self.output(index)

    def run_all(self, *indices: int, timeout: float = 2 * PATIENCE) -> None:
        for index in indices or range(self.cells.count()):
            self.run(index, timeout)

    def do(self, source: str) -> Locator:
        """Write a new cell, run it to its end, and return its outputs."""
        return self.run(self.add(source))

    def prompt(self, index: int) -> str:
        """What stands left of a cell: ``[ ]:``, ``[*]:`` while it runs, ``[3]:`` afterwards."""
        return self.cell(index).locator(".jp-InputPrompt").inner_text()

    def is_running(self, index: int) -> bool:
        return "*" in self.prompt(index)

    def text(self, index: int) -> str:
        return self.output(index).inner_text()

    def interrupt(self) -> None:
        """Press I twice."""
        self._command("i", "i")

    def restart(self) -> None:
        """Press 0 twice and agree."""
        self._command("0", "0")
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def delete(self, index: int) -> None:
        """Press D twice in a cell."""
        self.select(index)
        self._command("d", "d")

    def _command(self, *keys: str) -> None:
        if self.page.locator(".jp-Notebook.jp-mod-editMode:visible").count():
            self.page.keyboard.press("Escape")
        else:
            self.cells.last.locator(".jp-InputPrompt").click()
        for key in keys:
            self.page.keyboard.press(key)


def until(page: Page, holds: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Look again and again, while the page lives on, until something holds."""
    end = time.monotonic() + timeout / 1000
    while not holds():
        assert time.monotonic() < end, f"it never came that {what}"
        page.wait_for_timeout(50)
