"""The verbs of training: run a script in a process of its own."""

from __future__ import annotations

from typing import Annotated

from ..store.records import check_id
from ..training.child import launch_script
from .facts import JobFacts
from .jobs import job_facts
from .operation import Param, operation
from .session import Call

__all__: list[str] = []


@operation(effect="write", people_only=True)
def train_script(
    call: Call,
    target: Annotated[str, Param("A Python script, or module:function.", kind="path")],
    arguments: Annotated[
        list[str] | None,
        Param("What the script gets as its arguments; after `--` where one looks like an option.", kind="rest"),
    ] = None,
    name: Annotated[str | None, Param("Name of the run; the script's own where left out.")] = None,
) -> JobFacts:
    """Run a training script in a process of its own, which outlives the notebook."""
    chosen = check_id(name, "run name") if name is not None else None
    record = launch_script(call.session.store, target, tuple(arguments or ()), chosen)
    return job_facts(call, record)
