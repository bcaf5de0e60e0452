"""The wire between a real kernel and its views."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcypher_nb.views.messages import MIME

pytestmark = pytest.mark.slow

SET_UP = """
import threading, time, torch
import modelcypher_nb as mc
from modelcypher_nb.views.hub import hub
from safetensors.torch import save_file
save_file({"layer.weight": torch.ones(4, 3), "layer.bias": torch.zeros(4)}, "net.safetensors")
"""

# Trains until it is let go, as fast as it can; logs each step.
TRAIN = """
go = threading.Event()
def train(run):
    for batch in run.steps(range(1_000_000)):
        run.log(loss=1.0 / (batch + 1))
        if go.wait(0.002):
            break
run = mc.TrainingRun("background")
run.start(train)
"""


@pytest.fixture(scope="module", autouse=True)
def set_up(kernel: Any) -> None:
    kernel.run(SET_UP)


def test_a_view_of_this_kernel_gets_a_snapshot_with_its_buttons(kernel: Any) -> None:
    payload = kernel.bundles("mc.ModelCard('net.safetensors')")[0][MIME]
    snapshot = kernel.view(payload).wait("snapshot")
    assert snapshot["seq"] == 1
    assert snapshot["actions"] == ["digest", "register"]
    assert snapshot["data"]["verdict"]["level"] == "weights"
    assert [tensor["name"] for tensor in snapshot["data"]["tensors"]] == ["layer.bias", "layer.weight"]


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "0" * 32},
        {"nonce": None},
        {"nonce": ["x"]},
        {"nonce": "é"},
        {"id": "card-0"},
        {"id": 7},
        {"view": "registry"},
    ],
)
def test_a_forged_payload_is_refused_and_its_comm_closed(kernel: Any, changed: dict[str, object]) -> None:
    payload = kernel.bundles("mc.ModelCard('net.safetensors')")[0][MIME]
    forged = kernel.view(payload, **changed)
    forged.wait("refused")
    kernel.until(lambda: any(m["msg_type"] == "comm_close" for m in forged.messages), "the close")
    forged.act("digest")
    honest = kernel.view(payload)
    honest.wait("snapshot")
    assert [m["msg_type"] for m in forged.messages] == ["comm_msg", "comm_close"]


def test_actions_are_received_at_once_and_their_outcome_reaches_every_view(kernel: Any) -> None:
    payload = kernel.bundles("card = mc.ModelCard('net.safetensors'); card")[0][MIME]
    first, second = kernel.view(payload), kernel.view(payload)
    first.wait("snapshot")
    second.wait("snapshot")
    token = first.act("digest")
    first.wait("received")
    reply = first.reply(token)
    assert reply["ok"], reply
    assert kernel.value("card.sha256") in reply["text"]
    assert second.wait("facts")["data"]["digest"] == kernel.value("card.sha256")


def test_an_error_of_an_action_comes_back_as_problem_and_remedy(kernel: Any) -> None:
    payload = kernel.bundles("mc.ModelCard('net.safetensors')")[0][MIME]
    view = kernel.view(payload)
    view.wait("snapshot")
    reply = view.reply(view.act("register", name="Not A Name"))
    assert not reply["ok"]
    assert "'Not A Name' is no model name" in reply["problem"]
    assert reply["remedy"]
    assert "isn't possible" in view.reply(view.act("rm"))["problem"]


def test_registering_from_the_button_changes_the_buttons(kernel: Any) -> None:
    payload = kernel.bundles("mc.ModelCard('net.safetensors')")[0][MIME]
    view = kernel.view(payload)
    view.wait("snapshot")
    reply = view.reply(view.act("register", name="from-button"))
    assert reply["ok"], reply
    facts = view.wait("facts")
    assert facts["data"]["reference"] == "from-button@1"
    assert facts["actions"] == ["verify"]


def test_no_point_is_lost_or_doubled_between_snapshot_and_deltas(kernel: Any) -> None:
    payload = kernel.bundles(TRAIN)[0][MIME]
    view = kernel.view(payload)
    view.wait("points", 5)
    late = kernel.view(payload)
    late.wait("points", 3)
    kernel.run("go.set(); run.wait()")
    last = int(kernel.value("run.step"))
    for one in (view, late):
        kernel.until(lambda one=one: one.job().get("state") == "completed", "the end")
        kernel.until(lambda one=one: one.points("train/loss")[-1][0] >= last, "the last point")
        assert [step for step, _ in one.points("train/loss")] == list(range(1, last + 1))


def test_a_gap_is_mended_by_asking(kernel: Any) -> None:
    payload = kernel.bundles("mc.Registry()")[0][MIME]
    view = kernel.view(payload)
    first = view.wait("snapshot")
    view.send({"type": "ask"})
    second = view.wait("snapshot", 2)
    assert second["seq"] > first["seq"]
    assert second["data"]["totals"]["models"] == first["data"]["totals"]["models"]


@pytest.mark.parametrize("subshell", [True, False])
def test_pause_reaches_a_background_run_while_a_cell_is_busy(kernel: Any, *, subshell: bool) -> None:
    own = kernel.subshell() if subshell else None
    if subshell and own is None:
        pytest.skip("this ipykernel has no subshells: a click waits for the cell")
    payload = kernel.bundles(TRAIN)[0][MIME]
    view = kernel.view(payload, own)
    view.wait("points")
    # The cell publishes on every comm and output, after which ipykernel 7.4 would hand clicks to its busy shell.
    cell = kernel.begin("busy = threading.Event(); hub().known(run.id).push(); print('in'); busy.wait(30)")
    kernel.until(lambda: kernel.outputs.get(cell), "the busy cell")
    token = view.act("pause")
    if subshell:
        assert view.reply(token)["ok"]
        kernel.until(lambda: view.job().get("state") == "paused", "the pause")
        assert cell not in kernel.idle
        kernel.manager.interrupt_kernel()
    else:
        kernel.manager.interrupt_kernel()
        assert view.reply(token)["ok"]
    kernel.until(lambda: cell in kernel.idle, "the cell's end")
    assert kernel.value("run.state") == "paused"
    assert view.reply(view.act("cancel"))["ok"]
    kernel.until(lambda: view.job().get("state") == "cancelled", "the stop")
    kernel.run("go.set(); run.wait()")


def test_a_view_inside_a_box_is_served_over_its_widget(kernel: Any) -> None:
    outputs = kernel.bundles("import ipywidgets; card = mc.ModelCard('net.safetensors'); ipywidgets.VBox([card])")
    assert "application/vnd.jupyter.widget-view+json" in outputs[0]
    comm = kernel.value("card.comm.comm_id")
    client = kernel.client
    content = {"comm_id": comm, "data": {"method": "custom", "content": {"type": "open", "clientId": "a"}}}
    client.shell_channel.send(client.session.msg("comm_msg", content))

    def snapshots() -> list[dict[str, object]]:
        sent = [m["content"]["data"].get("content") or {} for m in kernel.comms[comm]]
        return [one for one in sent if one.get("type") == "snapshot"]

    data = kernel.until(snapshots, "the snapshot")[0]["data"]
    assert data["tensorCount"] == 2


def test_a_run_of_another_process_is_shown_live_and_obeys_its_buttons(kernel: Any) -> None:
    kernel.run("""
open("child.py", "w").write('''
import time
import modelcypher_nb as mc
from modelcypher_nb.views.hub import hub
run = mc.TrainingRun("child")
for batch in run.steps(range(1_000_000)):
    run.log(loss=1.0 / (batch + 1))
    time.sleep(0.002)
''')
job = mc.train_script("child.py", name="child").job.id
""")
    payload = kernel.bundles("mc.TrainingRun.attach(job)")[0][MIME]
    view = kernel.view(payload)
    view.wait("points", 3)
    kernel.until(lambda: view.job().get("state") == "running", "the running state")
    assert view.reply(view.act("pause"))["ok"]
    kernel.until(lambda: view.job().get("state") == "paused", "the pause")
    assert view.reply(view.act("cancel"))["ok"]
    kernel.until(lambda: view.job().get("state") == "cancelled", "the stop")
    steps = [step for step, _ in view.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))


def test_the_refusal_of_a_typed_path_offers_its_folder_once(kernel: Any) -> None:
    cell = kernel.begin("mc.ModelCard('/etc/hostname')")
    kernel.until(lambda: cell in kernel.idle, "the cell's end")
    shown = [o["content"]["data"] for o in kernel.outputs[cell] if o["msg_type"] == "display_data"]
    assert len(shown) == 1
    payload = shown[0][MIME]
    assert set(json.loads(payload["data"])) == {"problem", "remedy"}
    view = kernel.view(payload)
    snapshot = view.wait("snapshot")
    assert snapshot["actions"] == ["allow"]
    assert snapshot["data"]["folder"] == "/etc"
    assert view.reply(view.act("allow"))["ok"]
    assert view.wait("facts")["actions"] == []
    assert "/etc" in kernel.value("[root.path for root in mc.session().guard.roots]")


def test_a_refused_path_from_a_button_offers_nothing(kernel: Any) -> None:
    payload = kernel.bundles("mc.ModelCard('net.safetensors')")[0][MIME]
    view = kernel.view(payload)
    view.wait("snapshot")
    reply = view.reply(view.act("register", name="x", path="/root/secret"))
    assert reply["ok"]  # only the name counts: a view's message never names a path
    assert kernel.value("mc.model_show('x').path").endswith("net.safetensors")


def test_a_long_conversion_tells_how_far_it_is_and_holds_up_no_cell(kernel: Any) -> None:
    kernel.run('torch.save({"w": torch.ones(4)}, "long.pt")\ngo = threading.Event()')
    shown = kernel.bundles(
        """
card = mc.ModelCard("long.pt")
def slowly(output, tell, convert=card._model.convert):
    tell(3, 10)
    go.wait()
    return convert(output, tell)
card._model.convert = slowly
card
"""
    )
    # A run of an earlier test may still be renewing its own output.
    payload = next(one[MIME] for one in shown if one[MIME]["view"] == "model_card")
    view = kernel.view(payload, kernel.subshell())
    assert view.wait("snapshot")["data"]["work"] is None
    token = view.act("convert")

    def worked() -> list[Any]:
        told = [message["content"]["data"]["data"] for message in view.received("facts")]
        return [data["work"] for data in told if "work" in data]

    kernel.until(lambda: {"action": "convert", "done": 3, "total": 10} in worked(), "how far the conversion is")
    assert kernel.value("1 + 1") == "2", "another cell runs meanwhile"
    assert "already" in view.reply(view.act("digest"))["problem"]
    late = kernel.view(payload, kernel.subshell())
    assert late.wait("snapshot")["data"]["work"] == {"action": "convert", "done": 3, "total": 10}
    again = [one[MIME] for one in kernel.bundles("card") if one[MIME]["view"] == "model_card"]
    kept = json.loads(again[0]["data"])
    assert "work" not in kept, "what is saved knows of nothing that is under way"
    kernel.run("go.set()")
    assert view.reply(token)["text"].endswith("long.safetensors")
    kernel.until(lambda: worked()[-1] is None, "the end of the work")
