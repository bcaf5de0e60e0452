"""A run in a process of its own, which outlives the notebook: starting it, again, and what the child does."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import threading
import time
import traceback
import types
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError, InternalError, JobStateError, UsageError
from ..guard.paths import Guard, home_guard
from ..guard.roots import Root
from ..guard.secrets import redact, shown
from ..settings import remember_secrets
from ..store.records import JobError, JobOwner, JobRecord, check_id
from . import live
from .beginning import JOB_VARIABLE, new_id
from .desk import answer_late
from .failures import reported
from .ownership import boot_id, host_name, start_time, this_process

if TYPE_CHECKING:
    from ..store.run_store import RunStore

__all__ = ["launch_script", "relaunch"]

FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
HOME_VARIABLE = "MODELCYPHER_NB_HOME"
LARGEST_SCRIPT_BYTES = 4 << 20


def launch_script(store: RunStore, target: str, arguments: tuple[str, ...], name: str | None) -> JobRecord:
    """Start a person's script, or `module:function`, in a process of its own.

    The first TrainingRun that it makes is the job. Its folder comes last on the module search path, so that a file in
    it replaces no installed package. What it writes goes to the job's log.

    Args:
        store: the home that the job is kept in.
        target: a path to a Python script, or an installed module's function, which gets the arguments as texts.
        arguments: what the script finds in `sys.argv[1:]`.
        name: of the run; the script's or the function's own where None.
    """
    recipe = _recipe(store, target, arguments)
    chosen = check_id(name, "run name") if name is not None else _name_of(recipe["target"])
    record = JobRecord(
        id=new_id(chosen),
        name=chosen,
        state="queued",
        created_at=time.time(),
        recipe=recipe,
        config={"script": shown(target)},
    )
    store.catalog.add_job(record)
    return _spawn(store, record)


def relaunch(store: RunStore, record: JobRecord) -> JobRecord:
    """Start a stopped job's process again; its TrainingRun goes on from the last checkpoint."""
    recipe = record.recipe
    now = _recipe(store, str(recipe.get("target", "")), tuple(recipe.get("arguments", ())))  # there, and allowed
    store.catalog.move_job(record.id, "queued")
    if "digest" in now:  # what its person made of the script meanwhile
        store.catalog.update_job(record.id, recipe={**recipe, "digest": now["digest"]})
    return _spawn(store, record)


def _recipe(store: RunStore, target: str, arguments: tuple[str, ...]) -> dict[str, Any]:
    common = {"arguments": list(arguments), "folder": store.guard.start}
    if FUNCTION.fullmatch(target):
        return {"kind": "function", "target": target, **common}
    with store.guard.open(target) as script:
        if script.is_folder:
            raise UsageError(f"{script.display} is a folder.", "Name a Python script in it.")
        digest = _digest(script.read_bytes(LARGEST_SCRIPT_BYTES))
        return {"kind": "script", "target": script.location, "digest": digest, **common}


def _digest(script: bytes) -> str:
    import hashlib

    return hashlib.sha256(script).hexdigest()


def _name_of(target: str) -> str:
    word = target.rpartition(":")[2] if FUNCTION.fullmatch(target) else os.path.splitext(os.path.basename(target))[0]  # noqa: PTH119, PTH122
    return re.sub(r"[^a-z0-9._-]+", "-", word.lower()).strip("-._")[:57] or "script"


def _spawn(store: RunStore, record: JobRecord) -> JobRecord:
    with store.run_folder(record.id) as folder:
        log = folder.append("log.txt")
    environment = {**os.environ, HOME_VARIABLE: store.home.location, "PYTHONUNBUFFERED": "1"}
    environment.pop(JOB_VARIABLE, None)
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and a job of ours
            [sys.executable, "-P", "-m", "modelcypher_nb.training.child", record.id],
            stdin=subprocess.DEVNULL,
            stdout=log.descriptor,
            stderr=log.descriptor,
            env=environment,
            cwd=str(record.recipe["folder"]),
            start_new_session=True,  # no signal of the notebook's group reaches it
        )
    except OSError as error:
        store.catalog.move_job(record.id, "failed", error=JobError(type(error).__name__, shown(error)))
        raise InternalError(
            f"The process couldn't be started: {error.strerror}.", "Free some memory and try again."
        ) from error
    finally:
        log.close()
    owner = JobOwner(host_name(), boot_id(), process.pid, start_time(process.pid) or 0.0, time.time())
    store.catalog.update_job(record.id, owner=owner)
    # Whoever started it notices its end, or it would stay in the process table as long as the notebook lives.
    threading.Thread(target=process.wait, name=f"wait-{record.id}", daemon=True).start()
    return store.catalog.job(record.id)


def main(job: str) -> int:
    """What the child does: take the job, run its target, and say how it ended."""
    store = _own_store()
    remember_secrets(os.environ)  # no error of the script keeps them
    record = store.catalog.job(job)
    recipe = record.recipe
    answer_late(store.catalog, job)
    store.catalog.update_job(job, owner=this_process(), segments=record.segments + 1)
    store.catalog.move_job(job, "running")
    os.environ[JOB_VARIABLE] = job
    error: BaseException | None = None
    try:
        _execute(recipe)
        for run in live.runs():  # a loop that the script left in the background
            run.wait()
    except SystemExit as leaving:
        error = leaving if leaving.code not in {None, 0} else None
    except BaseException as raised:  # noqa: BLE001 - told to the log and to the job
        error = raised
    if error is not None:
        print(redact("".join(traceback.format_exception(error))), end="", file=sys.stderr)  # noqa: T201 - the job's log
    _conclude(store, job, error)
    return 0 if error is None else 1


def _own_store() -> RunStore:
    from ..store.catalog import Catalog
    from ..store.run_store import RunStore

    guard = home_guard(os.environ[HOME_VARIABLE])
    home = guard.open(guard.start)
    return RunStore(home, Catalog.open(home), guard)


def _execute(recipe: dict[str, Any]) -> None:
    target, arguments = str(recipe["target"]), [str(item) for item in recipe["arguments"]]
    sys.argv = [target, *arguments]
    if recipe["kind"] == "function":
        module, _, name = target.partition(":")
        getattr(importlib.import_module(module), name)(*arguments)
        return
    folder = os.path.dirname(target)  # noqa: PTH120
    with Guard((Root.known(folder, "allowed"),), folder).open(target) as script:
        text = script.read_bytes(LARGEST_SCRIPT_BYTES)
    if _digest(text) != recipe["digest"]:
        raise ConflictError(
            f"{shown(target)} changed between the command and the start of its process.",
            "Look at it, then start it again.",
        )
    code = compile(text, target, "exec")
    sys.path.append(folder)
    main_module = types.ModuleType("__main__")
    main_module.__file__ = target
    sys.modules["__main__"] = main_module
    exec(code, main_module.__dict__)  # noqa: S102 - a person's own script is what this process is for


def _conclude(store: RunStore, job: str, error: BaseException | None) -> None:
    if error is not None:
        reported(error)
    for run in live.runs():
        if error is not None:
            run.fail(error)
    if os.environ.pop(JOB_VARIABLE, None) is None:
        return  # a run took the job, and says itself how it ended
    try:
        if error is None:
            store.catalog.move_job(job, "completed")
        else:
            store.catalog.move_job(job, "failed", error=JobError(type(error).__name__, shown(error)))
    except JobStateError as refused:
        print(refused, file=sys.stderr)  # noqa: T201 - the job's log


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
