"""The toolbar's square while a loop trains in the cell of a real kernel: first graceful, then hard."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

BEFORE = """
import signal, threading, time
import torch
import modelcypher_nb as mc
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
run = mc.TrainingRun("square", model=model, optimizer=optimizer)
handler = signal.getsignal(signal.SIGINT)
def learn():
    optimizer.zero_grad()
    loss = model(torch.ones(2, 4)).square().mean()
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
"""
LOOP = """
for batch in run.steps([1] * 10**7):
    learn()
    if run.step == 3:
        print("in the loop", flush=True)
print("after the loop", run.state, flush=True)
"""
STUCK = """
for batch in run.steps([1] * 10**7):
    learn()
    if run.step == 3:
        print("in the loop", flush=True)
        while not run._run.mailbox.interrupted:
            time.sleep(0.01)
        print("asked once", flush=True)
        while True:
            time.sleep(0.01)
"""


def printed(kernel: Any, cell: str) -> str:
    streams = [one for one in kernel.outputs.get(cell, []) if one["msg_type"] == "stream"]
    return "".join(one["content"]["text"] for one in streams)


def test_the_first_press_ends_the_loop_with_a_checkpoint_and_the_cell_goes_on(kernel: Any) -> None:
    kernel.run(BEFORE)
    cell = kernel.begin(LOOP)
    kernel.until(lambda: "in the loop" in printed(kernel, cell), "the third step")
    kernel.manager.interrupt_kernel()
    kernel.finish(cell)
    assert "after the loop cancelled" in printed(kernel, cell)
    assert kernel.value("signal.getsignal(signal.SIGINT) is handler") == "True"
    assert kernel.value("[one.step for one in mc.checkpoint_list(run.id).items] == [run.step]") == "True"


def test_the_second_press_is_a_keyboardinterrupt_within_the_step(kernel: Any) -> None:
    kernel.run(BEFORE)
    cell = kernel.begin(STUCK)
    for sign in ("in the loop", "asked once"):
        kernel.until(lambda sign=sign: sign in printed(kernel, cell), sign)
        kernel.manager.interrupt_kernel()
    kernel.until(lambda: cell in kernel.idle, "the cell's end")
    (error,) = [one["content"] for one in kernel.outputs[cell] if one["msg_type"] == "error"]
    assert error["ename"] == "KeyboardInterrupt"
    assert kernel.value("run.state, len(mc.checkpoint_list(run.id).items)") == "cancelled 0"
    assert kernel.value("signal.getsignal(signal.SIGINT) is handler") == "True"
    kernel.run("for batch in mc.TrainingRun('later').steps([1, 2]):\n    pass")


def test_a_press_in_a_cell_without_a_loop_is_python_s_own(kernel: Any) -> None:
    kernel.run(BEFORE)
    kernel.run("run.start(lambda run: [learn() for _ in run.steps([1] * 10**7)]); None")
    cell = kernel.begin("print('busy', flush=True)\nwhile True:\n    time.sleep(0.01)")
    kernel.until(lambda: "busy" in printed(kernel, cell), "the busy cell")
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: cell in kernel.idle, "the cell's end")
    assert kernel.value("run.state") == "running"
    kernel.run("run.cancel()")
