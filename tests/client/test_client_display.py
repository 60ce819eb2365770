"""What a notebook shows of the client's objects, with widgets and without, and the pictures of results."""

import sys
from types import ModuleType
from typing import Any

import pytest

from geojobs_lab.client import Listing
from geojobs_lab.client.display import bundle, display
from geojobs_lab.errors import ClientError


class Thing:
    def __repr__(self) -> str:
        return "a thing"

    def _repr_html_(self) -> str:
        return "<b>a thing</b>"


class Widget:
    def _repr_mimebundle_(self) -> dict[str, Any]:
        return {"text/plain": "Widget()", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}


def broken() -> Any:
    raise RuntimeError("no widget today")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))


@pytest.mark.usefixtures("kernel")
def test_in_a_kernel_the_widget_comes_with_the_text_of_the_object() -> None:
    assert bundle(Thing(), Widget) == {
        "text/plain": "a thing",
        "text/html": "<b>a thing</b>",
        "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
    }


@pytest.mark.usefixtures("kernel")
def test_a_widget_that_cannot_be_made_does_not_hide_the_object(caplog: pytest.LogCaptureFixture) -> None:
    assert bundle(Thing(), broken) == {"text/plain": "a thing", "text/html": "<b>a thing</b>"}
    assert "no widget today" in caplog.text


def test_outside_a_kernel_no_widget_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert set(bundle(Thing(), broken)) == {"text/plain", "text/html"}
    assert set(Listing([], {}, title="jobs", live=broken)._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_kind_that_nobody_shows_is_named() -> None:
    with pytest.raises(ClientError, match="no installed package shows a hologram"):
        display("hologram")
