"""Control of a run from anywhere: a row in the catalog, and in the owner's own process an event before the row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConflictError, JobStateError, NotAllowedError, UsageError
from ..guard.secrets import shown
from ..store.ids import PERSON
from ..store.records import CommandRecord, JobRecord
from . import live
from .ownership import as_found, is_lost, recover, recover_one

if TYPE_CHECKING:
    from ..store.run_store import RunStore
    from .run import Run

__all__ = ["Controlled", "allowed_moves", "as_found", "check_verb", "control", "recover"]

WAIT_SECONDS = 2.0
LOOK_SECONDS = 0.02
STOPPED = ("interrupted", "cancelled", "failed")

# verb -> the states in which a living run obeys it; a repeated verb is obeyed again, to no effect
OBEYED_IN = {
    "pause": ("running", "paused"),
    "resume": ("running", "paused"),
    "cancel": ("queued", "running", "paused"),
    "checkpoint": ("running", "paused"),
    "set": ("running", "paused"),
}
# state -> the verbs that change something
MOVES = {
    "queued": ("cancel",),
    "running": ("pause", "cancel", "checkpoint", "set"),
    "paused": ("resume", "cancel", "checkpoint", "set"),
}


class Controlled(NamedTuple):
    """What came of a request: the run's row, the request's row where there is one, and how far it got.

    `outcome` is `done`, `received` (its process has it, and obeys at its next step) or `requested` (its process hasn't
    looked yet).
    """

    job: JobRecord
    command: CommandRecord | None
    outcome: str


def allowed_moves(record: JobRecord) -> tuple[str, ...]:
    """The verbs that would change something now; a stopped run is resumed only from a checkpoint."""
    state = as_found(record).state
    if state in STOPPED:
        return ("resume",) if record.checkpoint_count else ()
    return MOVES.get(state, ())


def check_verb(record: JobRecord, verb: str) -> None:
    """Pass a verb that a run in this state obeys.

    Raises:
        JobStateError: it doesn't; the sentence names the verbs that it would.
        UsageError: there is no such verb.
    """
    if verb not in OBEYED_IN:
        raise UsageError(f"'{shown(verb, 40)}' is no request to a run.", f"Use one of: {', '.join(OBEYED_IN)}.")
    if record.state in OBEYED_IN[verb]:
        return
    moves = ", ".join(f"mc job {move} {record.id}" for move in allowed_moves(record))
    raise JobStateError(
        f"The run '{record.id}' is {record.state}, which '{verb}' doesn't go with.",
        f"What it allows now: {moves}"
        if moves
        else f"Nothing can be asked of it any more; see mc job show {record.id}",
    )


def control(
    store: RunStore, reference: str, verb: str, arguments: dict[str, Any], principal: str, *, wait: float = WAIT_SECONDS
) -> Controlled:
    """Ask a run for something, wherever it lives, and wait until it is done.

    Args:
        store: the home that it is kept in.
        reference: its id, or a name that one live run bears (with none alive: its newest run).
        verb: pause, resume, cancel, checkpoint or set.
        arguments: of `set`: `learning_rate`.
        principal: `person`, or `assistant:` and the client's name.
        wait: seconds to wait for it to be done.

    Raises:
        JobStateError: the run's state refuses it, or the run did.
        ConflictError: several live runs bear the name.
    """
    record = _chosen(store, reference)
    run = live.find(record.id)
    if run is not None:
        record = run.record  # its row follows a moment later
    if verb == "resume" and record.state in STOPPED:
        return Controlled(_again(store, record, principal), None, "done")
    check_verb(record, verb)
    request = _Request(store, record.id, verb, arguments, principal, time.monotonic() + wait)
    command, outcome = _ask_there(request) if run is None else _ask_here(request, run)
    _raise_refusal(command)
    return Controlled(as_found(store.catalog.job(record.id)) if run is None else run.record, command, outcome)


def _chosen(store: RunStore, reference: str) -> JobRecord:
    record = store.catalog.job(reference)
    if record.id != reference:
        alive = [other for other in store.catalog.live_jobs_named(reference) if not is_lost(other)]
        if len(alive) > 1:
            ids = ", ".join(other.id for other in alive)
            raise ConflictError(
                f"{len(alive)} live runs bear the name '{shown(reference, 80)}'.", f"Say which by its id: {ids}"
            )
        record = alive[0] if alive else record
    if is_lost(record):
        record = recover_one(store, record) or store.catalog.job(record.id)
    return record


class _Request(NamedTuple):
    store: RunStore
    job: str
    verb: str
    arguments: dict[str, Any]
    principal: str
    deadline: float


def _ask_here(request: _Request, run: Run) -> tuple[CommandRecord | None, str]:
    """The run lives in this process: the event goes first, and its row can't hold it up."""
    command = run.request(request.verb, request.arguments, request.principal)
    command.done.wait(max(0.0, request.deadline - time.monotonic()))
    run.desk.flush()
    row = None if command.sequence is None else request.store.catalog.command(command.sequence)
    return row, "done" if command.done.is_set() else "received"


def _ask_there(request: _Request) -> tuple[CommandRecord | None, str]:
    """The run lives in another process, which looks at its rows ten times a second."""
    catalog = request.store.catalog
    sequence = catalog.request(request.job, request.verb, request.arguments, request.principal)
    while True:
        row = catalog.command(sequence)
        if row.done_at is not None:
            return row, "done"
        if time.monotonic() >= request.deadline:
            return row, "received" if row.received_at is not None else "requested"
        time.sleep(LOOK_SECONDS)


def _raise_refusal(command: CommandRecord | None) -> None:
    result = command.result if command is not None else None
    if result is not None and not result.get("ok"):
        raise JobStateError(str(result.get("problem")), str(result.get("remedy")))


def _again(store: RunStore, record: JobRecord, principal: str) -> JobRecord:
    """Start a stopped run again from what is recorded of how it was started."""
    if not record.recipe:
        raise JobStateError(
            f"The run '{record.id}' is {record.state}, and its model is in the notebook or script that made it.",
            f'Go on there: TrainingRun(resume="{record.id}", model=..., optimizer=...)',
        )
    if principal != PERSON:
        raise NotAllowedError(
            f"Resuming '{record.id}' would run a script, which only a person may start.",
            f"Ask the person to type: mc job resume {record.id}",
        )
    if not record.checkpoint_count:
        raise JobStateError(
            f"The run '{record.id}' is {record.state} and saved no checkpoint to go on from.",
            "Start it anew: mc train script TARGET",
        )
    from .child import relaunch

    return relaunch(store, record)
