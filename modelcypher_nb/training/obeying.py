"""What a run does with a request at its step boundary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import ModelCypherError, UsageError
from ..store.ids import PERSON
from .commands import Command

if TYPE_CHECKING:
    from .life import Life

__all__ = ["obey"]

# How soon a loop that holds sees an interrupt; a request wakes it at once.
HOLD_SECONDS = 0.05


def obey(run: Life) -> bool:
    """Do what was asked since the last boundary, holding here while the run is paused.

    Returns:
        Whether the loop is to end.
    """
    while True:
        command = _next(run)
        if command is not None:
            if _do(run, command):
                return True
        elif run.state == "paused":
            run.mailbox.hold(HOLD_SECONDS)
        else:
            return False


def _next(run: Life) -> Command | None:
    if run.mailbox.interrupted:
        run.mailbox.interrupted = False
        command = Command("cancel", {"interrupt": True}, PERSON)
        run.desk.requested(command)
        return command
    return run.mailbox.take()


def _by(command: Command) -> str:
    return "" if command.principal == PERSON else f" by {command.principal}"


def _do(run: Life, command: Command) -> bool:
    """Obey one request; gives whether the loop is to end."""
    try:
        facts, ends = VERBS[command.verb](run, command)
    except ModelCypherError as error:
        run.desk.finish(command, {"ok": False, "problem": error.problem, "remedy": error.remedy})
        return False
    run.desk.finish(command, {"ok": True, "step": run.position.step, "state": run.state, **facts})
    if ends:
        run.close()
    return ends


def _pause(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    if run.state == "running":
        run.event("pause", f"Paused{_by(command)} after step {run.position.step}.")
        run.move("paused")
    return {}, False


def _resume(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    if run.state == "paused":
        run.event("resume", f"Resumed{_by(command)} after step {run.position.step}.")
        run.move("running")
        run.pace.start()
    return {}, False


def _cancel(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    how = "by an interrupt" if command.arguments.get("interrupt") else _by(command).strip()
    saved = _saved(run)
    run.end("cancelled", f"Stopped{f' {how}' if how else ''} after step {run.position.step}.")
    return {} if saved is None else {"checkpoint": saved}, True


def _saved(run: Life) -> int | None:
    """The step of the checkpoint that the run stops at, if it could be saved."""
    if run.keeper.last_step != run.position.step:
        run.save_if_possible()
    return run.keeper.last_step if run.keeper.last_step == run.position.step else None


def _leave(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    """The process is about to end: like a stop, but nobody wanted it."""
    del command
    _saved(run)
    run.end("interrupted", f"Its process ended after step {run.position.step}.")
    return {}, True


def _checkpoint(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    del command
    return {"checkpoint": run.save().step}, False


def _set(run: Life, command: Command) -> tuple[dict[str, Any], bool]:
    rate = command.arguments.get("learning_rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not (math.isfinite(rate) and rate >= 0):
        raise UsageError(
            f"The learning rate {rate!r} is no number from 0 on.",
            "Give one, as in mc job set JOB --learning-rate 0.001",
        )
    groups = getattr(run.optimizer, "param_groups", None)
    if not groups:
        raise UsageError(
            f"The run '{run.id}' was made without optimizer=.",
            "Change the learning rate in the loop, or give the run its optimizer.",
        )
    before = float(groups[0]["lr"])
    _set_rate(run, groups, float(rate), before)
    run.event("learning_rate", f"Learning rate {before:.4g} → {rate:.4g}{_by(command)} after step {run.position.step}.")
    return {"learningRate": float(rate), "before": before}, False


def _set_rate(run: Life, groups: list[dict[str, Any]], rate: float, before: float) -> None:
    """Set the first group's rate and scale the others, and what a scheduler starts from, by the same factor."""
    factor = rate / before if before else None
    for group in groups:
        new = rate if factor is None or float(group["lr"]) == before else float(group["lr"]) * factor
        if hasattr(group["lr"], "fill_"):
            group["lr"].fill_(new)
        else:
            group["lr"] = new
        if "initial_lr" in group:
            group["initial_lr"] = new if factor is None else group["initial_lr"] * factor
    base = getattr(run.objects.scheduler, "base_lrs", None)
    if base is not None:
        run.objects.scheduler.base_lrs = [rate if factor is None else float(item) * factor for item in base]


VERBS = {"pause": _pause, "resume": _resume, "cancel": _cancel, "checkpoint": _checkpoint, "set": _set, "leave": _leave}
