from __future__ import annotations

import asyncio

import pytest

from modelcypher_nb.surfaces.mcp.limiter import HELD_REFUSALS, PRINCIPALS, REFUSAL_SECONDS, WAITING_CALLS, Limiter


class Time:
    """A clock that moves only when a test says so, and sleeps that end then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        for due, future in self._waiting:
            if due <= self.now + 1e-9 and not future.done():
                future.set_result(None)
        for _ in range(3):
            await asyncio.sleep(0)


async def started(limiter: Limiter, count: int, principal: str = "a") -> list[asyncio.Task[bool]]:
    tasks = [asyncio.create_task(limiter.admit(principal)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_a_burst_goes_through_and_the_rest_is_delayed_in_order() -> None:
    async def story() -> None:
        time = Time()
        tasks = await started(Limiter(10, 20, time.clock, time.sleep), 24)
        assert sum(task.done() for task in tasks) == 20
        assert time.slept == [0.1, 0.2, 0.3, 0.4]
        await time.advance(0.2)
        assert [task.done() for task in tasks[20:]] == [True, True, False, False]
        await time.advance(0.2)
        assert all(task.result() for task in tasks)

    asyncio.run(story())


def test_the_burst_comes_back_with_time() -> None:
    async def story() -> None:
        time = Time()
        limiter = Limiter(10, 20, time.clock, time.sleep)
        await started(limiter, 20)
        await time.advance(1.0)
        tasks = await started(limiter, 11)
        assert [task.done() for task in tasks] == [True] * 10 + [False]
        await time.advance(1.0)

    asyncio.run(story())


def test_at_most_eight_wait_and_the_next_is_refused_after_a_while() -> None:
    async def story() -> None:
        time = Time()
        tasks = await started(Limiter(10, 1, time.clock, time.sleep), 1 + WAITING_CALLS + 1)
        assert [task.done() for task in tasks] == [True] + [False] * 9
        assert time.slept[-1] == REFUSAL_SECONDS
        await time.advance(REFUSAL_SECONDS)
        assert [task.result() for task in tasks] == [True] * 9 + [False]

    asyncio.run(story())


def test_holding_refusals_back_has_its_own_limit() -> None:
    async def story() -> None:
        time = Time()
        tasks = await started(Limiter(10, 1, time.clock, time.sleep), 1 + WAITING_CALLS + HELD_REFUSALS + 1)
        assert tasks[-1].result() is False
        await time.advance(REFUSAL_SECONDS)

    asyncio.run(story())


def test_principals_dont_wait_for_each_other() -> None:
    async def story() -> None:
        time = Time()
        limiter = Limiter(10, 1, time.clock, time.sleep)
        await started(limiter, 5)
        (other,) = await started(limiter, 1, "b")
        assert other.result()
        await time.advance(1.0)

    asyncio.run(story())


def test_a_call_that_is_given_up_frees_its_place() -> None:
    async def story() -> None:
        time = Time()
        limiter = Limiter(10, 1, time.clock, time.sleep)
        tasks = await started(limiter, 1 + WAITING_CALLS)
        tasks[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[-1]
        (late,) = await started(limiter, 1)
        assert not late.done()
        assert time.slept[-1] != REFUSAL_SECONDS
        await time.advance(2.0)
        assert late.result()

    asyncio.run(story())


def test_names_without_end_take_no_memory_without_end() -> None:
    async def story() -> None:
        time = Time()
        limiter = Limiter(10, 1, time.clock, time.sleep)
        for number in range(3 * PRINCIPALS):
            await limiter.admit(str(number))
            time.now += 1.0
        assert len(limiter._lanes) <= PRINCIPALS

    asyncio.run(story())
