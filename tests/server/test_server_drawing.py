"""What is drawn, and how often, when many ask at the same time."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from geojobs_lab_server import drawing
from geojobs_lab_server.drawing import Pictures
from geojobs_lab_server.errors import Refusal
from tornado import iostream

from geojobs_lab.errors import InvalidInput


def asker() -> Any:
    return SimpleNamespace(left=False)


def run(work: Callable[[Pictures], Awaitable[None]]) -> None:
    async def main() -> None:
        pictures = Pictures()
        try:
            await asyncio.wait_for(work(pictures), 20)
        finally:
            pictures.stop()

    asyncio.run(main())


class Slow:
    """Draws when it is let."""

    def __init__(self) -> None:
        self.drawn = 0
        self.begun = threading.Event()
        self.let = threading.Event()

    def __call__(self) -> bytes:
        self.drawn += 1
        self.begun.set()
        assert self.let.wait(10)
        return b"picture"


def test_a_picture_that_many_ask_for_is_drawn_once_and_then_kept() -> None:
    async def work(pictures: Pictures) -> None:
        draw = Slow()
        waiting = [asyncio.ensure_future(pictures.get("a", draw, asker())) for _ in range(10)]
        await asyncio.sleep(0.05)
        draw.let.set()
        assert await asyncio.gather(*waiting) == [b"picture"] * 10
        assert await pictures.get("a", draw, asker()) == b"picture"
        assert draw.drawn == 1
        await pictures.get("b", draw, asker())
        assert draw.drawn == 2

    run(work)


def test_what_nobody_waits_for_is_not_drawn() -> None:
    async def work(pictures: Pictures) -> None:
        busy = [Slow() for _ in range(drawing._THREADS)]
        waiting = [asyncio.ensure_future(pictures.get(str(n), draw, asker())) for n, draw in enumerate(busy)]
        late, impatient, patient = Slow(), asker(), asker()
        gone = asyncio.ensure_future(pictures.get("gone", late, impatient))
        shared = [asyncio.ensure_future(pictures.get("shared", late, who)) for who in (impatient, patient)]
        await asyncio.sleep(0.05)
        impatient.left = True
        for draw in (*busy, late):
            draw.let.set()
        await asyncio.gather(*waiting)
        with pytest.raises(iostream.StreamClosedError):
            await gone
        assert await asyncio.gather(*shared) == [b"picture"] * 2
        assert late.drawn == 1

    run(work)


def test_who_comes_when_all_others_have_left_has_the_picture_drawn() -> None:
    async def work(pictures: Pictures) -> None:
        first, second = asker(), asker()
        first.left = True
        draw = Slow()
        draw.let.set()
        waiting = asyncio.ensure_future(pictures.get("a", draw, first))
        late = asyncio.ensure_future(pictures.get("a", draw, second))
        assert await late == b"picture"
        left = (await asyncio.gather(waiting, return_exceptions=True))[0]
        # The thread may have seen the second one in time: then there is a picture for both.
        assert left == b"picture" or isinstance(left, iostream.StreamClosedError)

    run(work)


def test_more_than_can_be_drawn_in_a_while_is_refused_with_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_MOST_WAITING", 5)

    async def work(pictures: Pictures) -> None:
        draw = Slow()
        waiting = [asyncio.ensure_future(pictures.get(str(n), draw, asker())) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await pictures.get("one more", draw, asker())
        assert (caught.value.status_code, caught.value.headers) == (503, {"Retry-After": "1"})
        joined = asyncio.ensure_future(pictures.get("0", draw, asker()))  # which is under way
        draw.let.set()
        assert await asyncio.gather(*waiting, joined) == [b"picture"] * 6
        assert await pictures.get("one more", draw, asker()) == b"picture"

    run(work)


def test_an_error_is_told_to_all_who_wait_and_not_kept() -> None:
    async def work(pictures: Pictures) -> None:
        tries = []

        def draw() -> bytes:
            tries.append(1)
            raise InvalidInput("time: no", field="time")

        waiting = [asyncio.ensure_future(pictures.get("a", draw, asker())) for _ in range(3)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers] == [InvalidInput] * 3
        with pytest.raises(InvalidInput):
            await pictures.get("a", draw, asker())
        assert len(tries) == 2

    run(work)


def test_no_more_bytes_are_kept_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_KEPT", 1000)

    async def work(pictures: Pictures) -> None:
        drawn = []

        def draw() -> bytes:
            drawn.append(1)
            return bytes(300)

        for name in "abcd":
            await pictures.get(name, draw, asker())
            await pictures.get("a", draw, asker())  # used all the time
        assert len(drawn) == 4
        await pictures.get("b", draw, asker())
        assert len(drawn) == 5
        assert pictures._size <= 1000

    run(work)
