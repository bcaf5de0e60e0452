"""Cards of files that were opened: what a checkpoint holds, what one would run, what a stranger's notebook claims."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from modelcypher_nb.views.messages import MIME, SCHEMA

from .lab import Lab, open_notebook, run_cell, save, shoot, shut_down_kernels

MARKER = "MARKER-IT-RAN"
FILES = ("checkpoint.pt", "hostile.pt", "module.pt", "arrays.npz", "names.pt", "shells.pt")
BUTTONS = ("Convert to safetensors", "Compute digest", "Register", "Verify", "Pause", "Stop", "Resume", "Checkpoint")
BUTTONS += ("Stop server", "Refresh", "Recover", "Allow for this session")
HIDDEN = "\u202egpj.exe\u200b \x1b[31mred\x07"
TAGS = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Calls:
    """Whose pickle touches a file wherever it is opened by another loader."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


def write_files(folder: Path) -> None:
    """A file of each kind, as its own library writes it."""
    weight = torch.arange(4096.0).reshape(64, 64)
    state = OrderedDict([("encoder.weight", weight), ("tied", weight), ("turned", weight.t())])
    kept = {"epoch": 3, "state_dict": state, "history": {"loss": [0.5, 0.25], "best": {"step": 7}}}
    torch.save(kept, folder / "checkpoint.pt")
    torch.save({"w": weight, "hook": Calls(folder / MARKER)}, folder / "hostile.pt")
    torch.save(torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU()), folder / "module.pt")
    np.savez(folder / "arrays.npz", a=np.ones((3, 4)), b=np.arange(5))
    torch.save({"w": weight, "args": argparse.Namespace(lr=0.1)}, folder / "shells.pt")
    names = {TAGS: 1, HIDDEN: HIDDEN, "k" * 10_000: 2, "__proto__": {"polluted": 3}, "javascript:alert(3)": TAGS}
    torch.save({**names, f"w.{TAGS}{HIDDEN}": weight, "hook": Calls(folder / f"{MARKER}{TAGS}")}, folder / "names.pt")


def cell(page: Page, index: int) -> Locator:
    return page.locator(".jp-Cell").nth(index)


def card(page: Page, file: str) -> Locator:
    """The card of one of the files."""
    return cell(page, 1 + FILES.index(file)).locator(".mc-model_card")


class Watched:
    """What went wrong in a page: errors that nobody caught, and dialogs that a text of ours must never open."""

    def __init__(self, page: Page) -> None:
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: (self.troubles.append(dialog.message), dialog.dismiss()))


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: Lab) -> Iterator[Page]:
    """One notebook with a card of each file, all of them live and in sight."""
    write_files(lab.folder)
    lab.notebook(
        "opened.ipynb",
        "%load_ext modelcypher_nb\nimport modelcypher_nb as mc",
        *(f"mc.ModelCard('{f}')" for f in FILES),
    )
    context = browser.new_context(viewport={"width": 1280, "height": 6000})
    page = context.new_page()
    watched = Watched(page)
    open_notebook(page, lab, "opened.ipynb")
    for index in range(len(FILES) + 1):
        run_cell(page, index)
    for file in FILES:
        expect(card(page, file).locator(".mc-status")).to_have_text("live", timeout=60_000)
    yield page
    context.close()
    shut_down_kernels(lab)
    assert not watched.troubles
    assert not list(lab.folder.glob(f"{MARKER}*")), "nothing in any file may run"


@pytest.mark.parametrize(
    ("file", "verdict", "reason"),
    [
        ("checkpoint.pt", "weights", "Tensors and plain data, nothing else."),
        ("hostile.pt", "code", "Whatever opens this pickle calls posix.system."),
        ("module.pt", "objects", "It holds an object of torch.nn.modules.linear.Linear"),
        ("arrays.npz", "weights", "Tensors and plain data, nothing else."),
    ],
)
def test_a_card_gives_the_verdict_and_its_reason(opened: Page, file: str, verdict: str, reason: str) -> None:
    expect(card(opened, file).locator(".mc-badge")).to_have_text(verdict)
    expect(card(opened, file)).to_contain_text(reason)


def test_a_finding_stands_with_its_member_its_byte_and_what_is_there(opened: Page) -> None:
    finding = card(opened, "hostile.pt").get_by_role("list", name="Findings").get_by_role("listitem").first
    expect(finding).to_contain_text(re.compile(r"hostile/data\.pkl, byte \d+"))
    expect(finding.locator(".mc-excerpt")).to_contain_text("posix.system('touch ")
    expect(finding).to_contain_text("Don't open it with another loader.")


def test_what_relies_on_pickle_bears_a_banner_and_arrays_don_t(opened: Page, lab: Lab) -> None:
    for file in ("checkpoint.pt", "module.pt"):
        banner = card(opened, file).get_by_role("note", name="Pickle warning")
        expect(banner).to_contain_text(
            f"{file} relies on pickle, which can run code in other loaders; here nothing runs."
        )
        expect(banner).to_contain_text(f"mc model convert {lab.folder}/{file}")
        expect(banner.get_by_role("button", name="Convert to safetensors")).to_be_visible()
    assert card(opened, "arrays.npz").get_by_role("note").count() == 0


def test_remarks_on_what_is_harmless_fold_away_under_what_the_verdict_means(opened: Page) -> None:
    of = card(opened, "shells.pt")
    expect(of.locator(".mc-badge")).to_have_text("data")
    expect(of).to_contain_text("Tensors, plain data and harmless containers.")
    remark = of.get_by_text("It holds argparse.Namespace", exact=False)
    expect(remark).to_be_hidden()
    of.locator("summary").filter(has_text="1 remark").press("Enter")
    expect(remark).to_be_visible()


def test_code_is_taken_apart_by_a_command_and_not_by_a_click(opened: Page, lab: Lab) -> None:
    banner = card(opened, "hostile.pt").get_by_role("note", name="Pickle warning")
    expect(banner).to_contain_text(f"mc model convert --rescue {lab.folder}/hostile.pt")
    assert banner.get_by_role("button").count() == 0


def test_everything_in_a_file_opens_by_keyboard_alone(opened: Page) -> None:
    tree = card(opened, "checkpoint.pt").locator(".mc-content")
    inner = tree.get_by_text("epoch", exact=True)
    expect(inner).to_be_hidden()
    tree.locator("summary").first.focus()
    opened.keyboard.press("Enter")
    expect(inner).to_be_visible()
    expect(tree).to_contain_text("history")
    best = tree.locator("summary").filter(has_text="best")
    expect(tree.get_by_text("step", exact=True)).to_have_count(0)
    for _ in range(10):
        opened.keyboard.press("Tab")
        if best.evaluate("one => one === document.activeElement"):
            break
    opened.keyboard.press("Enter")
    expect(tree.get_by_text("step", exact=True)).to_be_visible()
    shoot(opened, "opened_files")


def test_tensors_that_share_bytes_say_so(opened: Page) -> None:
    rows = card(opened, "checkpoint.pt").get_by_role("treegrid").get_by_role("row")
    expect(rows.filter(has_text="tied")).to_contain_text("F32 alias")
    expect(rows.filter(has_text="turned")).to_contain_text("F32 view")
    expect(rows.filter(has_text="tied").get_by_title("the same bytes as state_dict.encoder.weight")).to_be_visible()


def test_a_click_converts_and_a_second_one_loses_nothing(opened: Page, lab: Lab) -> None:
    of = card(opened, "checkpoint.pt")
    button = of.get_by_role("button", name="Convert to safetensors")
    button.click()
    expect(of.locator(".mc-note")).to_contain_text("checkpoint.safetensors")
    written = lab.folder / "checkpoint.safetensors"
    before = written.read_bytes(), written.stat().st_mtime_ns
    assert b"state_dict.encoder.weight" in before[0]
    button.click()
    expect(of.locator(".mc-error")).to_contain_text("checkpoint.safetensors exists already")
    expect(of.locator(".mc-error")).to_contain_text("--output")
    assert before == (written.read_bytes(), written.stat().st_mtime_ns)
    expect(button).to_be_focused()
    expect(button).to_be_enabled()


@pytest.mark.promise("DISPLAY-3")
def test_hostile_names_are_text_and_nothing_but_text(opened: Page) -> None:
    of = card(opened, "names.pt")
    of.locator(".mc-content > summary").click()
    expect(of.locator(".mc-content")).to_contain_text(TAGS)
    expect(of.locator(".mc-content")).to_contain_text("\\u202egpj.exe\\u200b \\x1b[31mred")
    expect(of.locator(".mc-content")).to_contain_text("__proto__")
    expect(of.locator(".mc-content")).to_contain_text("javascript:alert(3)")
    drawn = of.inner_text()
    assert not re.search("[\u202a-\u202e\u200b-\u200f\x1b\x07]", drawn)
    assert "k" * 50 in drawn
    assert "k" * 3_000 not in drawn
    assert of.locator("img, script, a, iframe, object, svg").count() == 0
    assert opened.evaluate("() => ({}).polluted") is None
    assert of.evaluate("one => one.scrollWidth <= one.clientWidth + 1")


def test_a_closed_notebook_still_shows_the_banner_and_the_tree_without_a_button(opened: Page, lab: Lab) -> None:
    save(opened)
    opened.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    closed = nbformat.read(lab.folder / "opened.ipynb", as_version=4)
    closed.metadata = {"kernelspec": {"name": "gone", "display_name": "gone", "language": "gone"}}
    nbformat.write(closed, lab.folder / "opened_closed.ipynb")
    page = opened.context.new_page()
    watched = Watched(page)
    open_notebook(page, lab, "opened_closed.ipynb", kernel=False)
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    for file in FILES:
        expect(card(page, file).locator(".mc-status")).to_have_text("saved output, not checked here")
        expect(card(page, file).locator(".mc-badge")).to_contain_text("saved verdict: ")
    expect(card(page, "checkpoint.pt").get_by_role("note")).to_contain_text("mc model convert")
    for name in BUTTONS:
        assert page.locator(".mc").get_by_role("button", name=name, exact=True).count() == 0
    shoot(page, "opened_files_closed")
    page.close()
    assert not watched.troubles


CARD = {
    "name": "trust me", "format": "safetensors", "parameterCount": 1, "dtypes": {"F32": 1}, "sizeBytes": 4,
    "verdict": {"level": "weights", "findings": []}, "tensorCount": 1,
    "tensors": [{"name": "a", "dtype": "F32", "shape": [1], "sizeBytes": 4}],
    "warning": {"text": "Click here", "command": "mc model convert x"},
    "tree": {"key": "", "kind": "dict", "children": [{"key": "a", "kind": "int"}]},
}  # fmt: skip
SERIES = {"name": "train/loss", "count": 2, "steps": [0, 1], "values": [1.0, 0.5]}
RUN = {
    "job": {"id": "r", "name": "r", "state": "running", "step": 1}, "series": [SERIES],
    "events": [{"step": 1, "kind": "nan", "text": "t"}],
    "checkpoints": [{"step": 1, "sizeBytes": 1, "state": "complete", "isBest": True, "pinned": False}],
}  # fmt: skip
REGISTRY = {
    "models": [{"id": "m"}], "jobs": [RUN["job"]], "checkpoints": [],
    "storage": [{"category": "models", "id": "m", "bytes": 1, "reclaimable": False}],
    "totals": {"models": 1, "jobs": 0, "checkpoints": 0, "bytes": 1, "reclaimableBytes": 0},
}  # fmt: skip
SERVER = {
    "state": "running", "profile": "p", "address": "http://evil.example", "calls": [],
    "tools": [{"name": "t", "description": "d", "readOnly": True, "destructive": False}],
}  # fmt: skip
REFUSAL = {"problem": "It lies outside.", "remedy": "Allow it.", "path": "/etc/passwd", "roots": ["/"]}
VIEWS: dict[str, dict[str, Any]] = {
    "model_card": CARD, "training_run": RUN, "registry": REGISTRY, "server": SERVER, "refusal": REFUSAL,
}  # fmt: skip
MARKUP = f"<svg onload=alert(4)><a href='javascript:alert(5)'>x</a></svg>{TAGS}{HIDDEN}"


def nested(depth: int) -> str:
    """A tree so deep, as the JSON of a card's data; Python's own writer doesn't go there."""
    tree = '{"key":"","kind":"dict","children":[' * depth + "]}" * depth
    return json.dumps(CARD)[:-1].replace('"tree"', '"was"') + f', "tree": {tree}}}'


def large(points: int = 100) -> dict[str, Any]:
    """A run whose numbers are as far apart, or as close together, as numbers can be."""
    ends = {"extremes": [-1.7e308, 1.7e308], "tiny": [5e-324, 1e-323], "steady": [1e17, 1e17 + 16]}
    series = [{"name": name, "count": 2, "steps": [0, 2**53 - 1], "values": values} for name, values in ends.items()]
    close = {"name": "close", "count": 2, "steps": [2**53 - 2, 2**53 - 1], "values": [1.0, 2.0]}
    unsorted = {"name": "back", "count": 9, "steps": [9, 3, 7, 1], "values": [1, None] * points, "low": [], "high": [3]}
    return {**RUN, "series": [*series, close, unsorted, SERIES, SERIES]}


def wrong_types(data: dict[str, Any]) -> Iterator[str]:
    """The data with each of its entries, and the entries of its lists, replaced by what it may not be."""
    for key, value in data.items():
        for strange in (None, 7, "text", [None], [[7]], {"length": 3}, MARKUP):
            yield json.dumps({**data, key: strange})
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for inner in value[0]:
                for strange in (None, -1e308, [MARKUP], {"toString": 1}):
                    yield json.dumps({**data, key: [{**value[0], inner: strange}]})


def marked(value: Any) -> Any:
    """The same data with every text of it made of markup."""
    if isinstance(value, dict):
        return {key: marked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [marked(one) for one in value]
    return MARKUP if isinstance(value, str) else value


def forgeries() -> Iterator[tuple[str, str]]:
    """Views, and what a stranger might have written for them."""
    for view, data in VIEWS.items():
        yield view, json.dumps(marked(data))
        yield from ((view, text) for text in wrong_types(data))
        yield from ((view, text) for text in ("null", "[]", "7", '"text"', "{", "", "[" * 10_000, "{}"))
    for depth in (150, 10_000):
        yield "model_card", nested(depth)
    yield "model_card", json.dumps({**CARD, "metadata": {"x": "y" * 10_000_000}})
    names = [{**CARD["tensors"][0], "name": f"{'.' * 90}{number}"} for number in range(3_000)]  # type: ignore[index]
    yield "model_card", json.dumps({**CARD, "tensors": names, "tensorCount": 10**300})
    yield (
        "model_card",
        json.dumps({**CARD, "parameterCount": 0}).replace('"parameterCount": 0', '"parameterCount": 1e999'),
    )
    yield "training_run", json.dumps(large())
    yield "no such view", json.dumps(CARD)


# Draws payloads one after another with the notebook's own renderer, and does to each what a person might do to it.
TRY_EACH = """
([mime, payloads]) => {
    const rendermime = window.jupyterapp.shell.currentWidget.content.rendermime;
    const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
    const told = window.told = [];
    const poke = (node) => {
        for (const one of node.querySelectorAll("details")) one.open = true;
        for (const one of node.querySelectorAll("input")) {
            one.value = one.type === "range" ? "0.5" : "e";
            one.dispatchEvent(new Event("input"));
        }
        for (const one of node.querySelectorAll("[tabindex], [role=tab]")) {
            for (const key of ["ArrowDown", "ArrowRight", "End", "Enter"]) {
                one.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            }
        }
    };
    (async () => {
        for (const payload of payloads) {
            const renderer = rendermime.createRenderer(mime);
            document.body.append(renderer.node);
            await renderer.renderModel({ data: { [mime]: payload }, metadata: {}, trusted: true });
            poke(renderer.node);
            for (const one of renderer.node.querySelectorAll("button")) one.click();
            poke(renderer.node);
            await frame();
            told.push({
                text: renderer.node.innerText.slice(0, 5000),
                buttons: [...renderer.node.querySelectorAll("button")].map(one => one.innerText),
                strange: renderer.node.querySelectorAll("img, script, a, iframe, object, svg, embed").length,
            });
            renderer.dispose();
            renderer.node.remove();
        }
        window.over = true;
    })();
}
"""


@pytest.fixture
def stranger(page: Page, lab: Lab) -> tuple[Page, Watched]:
    """A notebook of a stranger's, open without a kernel, with an output for each view."""
    watched = Watched(page)
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "gone", "display_name": "gone"}})
    forged = [*((view, json.dumps(data)) for view, data in VIEWS.items()), ("model_card", nested(10_000))]
    for view, data in [*forged, ("training_run", json.dumps(large()))]:
        output = nbformat.v4.new_output("display_data", {MIME: saved(view, data), "text/plain": "forged"})
        notebook.cells.append(nbformat.v4.new_code_cell("1", outputs=[output]))
    nbformat.write(notebook, lab.folder / "stranger.ipynb")
    open_notebook(page, lab, "stranger.ipynb", kernel=False)
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    expect(page.locator(".mc-refusal").first).to_be_visible(timeout=20_000)
    return page, watched


def saved(view: str, data: str) -> dict[str, str]:
    """What a notebook's file holds of an object."""
    return {"_schema": SCHEMA, "view": view, "id": "x", "nonce": "0", "savedAt": "2026-01-01T00:00:00Z", "data": data}


@pytest.mark.promise("DISPLAY-1")
def test_no_forged_output_breaks_the_page_or_gets_a_button(stranger: tuple[Page, Watched]) -> None:
    page, watched = stranger
    shoot(page, "forged")
    payloads: list[Any] = [saved(view, data) for view, data in forgeries()]
    payloads += ["text", 7, None, [], {}, {"_schema": 7, "data": {}}, {**saved("server", "{}"), "savedAt": [[[]]]}]
    page.evaluate(TRY_EACH, [MIME, payloads])
    page.wait_for_function("() => window.over", timeout=45_000)  # what keeps the page busy for ever ends here
    told = page.evaluate("() => window.told")
    assert len(told) == len(payloads)
    assert not watched.troubles
    for payload, one in zip(payloads, told, strict=True):
        about = f"{str(payload)[:300]} became {one}"
        assert "saved output, not checked here" in one["text"] or "can't be drawn" in one["text"], about
        assert not set(one["buttons"]) & set(BUTTONS), about
        assert not one["strange"], about
        assert not re.search("[\u202a-\u202e\u200b-\u200f\x1b\x07]", one["text"]), about
    drawn = [one["text"] for one in told if "can't be drawn" not in one["text"]]
    assert len(drawn) > len(VIEWS), "the markup in every text is drawn, as text"


def test_a_whole_output_that_is_forged_stands_beside_others_without_harm(stranger: tuple[Page, Watched]) -> None:
    page, watched = stranger
    for view in VIEWS:
        expect(page.locator(f".mc-{view}").first.locator(".mc-status")).to_have_text("saved output, not checked here")
    expect(cell(page, len(VIEWS))).to_contain_text("This output can't be drawn (tree isn't at most 200 levels deep)")
    extreme = cell(page, len(VIEWS) + 1).locator(".mc-training_run")
    extreme.scroll_into_view_if_needed()
    expect(extreme.locator("canvas")).to_have_count(6)
    extreme.get_by_role("button", name="Log", exact=True).click()
    expect(extreme.get_by_role("button", name="Log", exact=True)).to_have_attribute("aria-pressed", "true")
    assert page.get_by_text("evil.example").count() == 0
    assert not watched.troubles
