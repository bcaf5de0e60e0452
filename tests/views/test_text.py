from __future__ import annotations

import dataclasses
import re
import typing

import pytest

from modelcypher_nb.formats.report import FileInfo, Finding, TensorInfo, TreeNode, Verdict
from modelcypher_nb.operations import OPERATIONS, facts
from modelcypher_nb.operations.operation import find
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.views import html, text
from modelcypher_nb.views.sheet import Block, Sheet, cell, pairs, table, volatile
from modelcypher_nb.views.sheets import SHEETS
from modelcypher_nb.views.sheets_models import model_sheet
from modelcypher_nb.views.sheets_system import server_sheet


def model(**changed: object) -> facts.ModelFacts:
    """A card's facts."""
    made = facts.ModelFacts(
        name="net",
        path="/data/net.safetensors",
        format="safetensors",
        verdict=Verdict("weights"),
        parameter_count=12,
        dtypes={"F32": 12},
        size_bytes=48,
        placement="on this disk, in 1 file",
        tensor_count=1,
        tensors=(TensorInfo("layer", "F32", (3, 4), 48),),
    )
    return dataclasses.replace(made, **changed)  # type: ignore[arg-type]


def test_every_operation_s_facts_have_a_sheet() -> None:
    for dotted in OPERATIONS:
        operation = find(dotted.partition(":")[2])
        given = typing.get_type_hints(operation.function)["return"]
        assert given.__name__ in SHEETS, operation.name


def test_a_table_s_numbers_stand_right_and_its_words_left() -> None:
    sheet = Sheet("T", tables=(table("Rows", ("name", "#count"), [("a", "1"), ("long name", "1,000")]),))
    assert text.draw(sheet) == "T\n\nRows (2)\n  name       count\n  a              1\n  long name  1,000"


def test_more_rows_than_shown_are_counted() -> None:
    sheet = Sheet("T", tables=(table("Rows", ("name",), [("a",)], total=1_234),))
    assert text.draw(sheet).endswith("… and 1,233 more")
    assert "… and 1,233 more" in html.draw(sheet)


def test_text_without_volatile_values_is_the_same_for_another_place_and_time() -> None:
    def sheet(path: str, time: str) -> Sheet:
        return Sheet(
            "T",
            facts=pairs(("Path", volatile(path)), ("Loss", "0.5")),
            tables=(table("Rows", ("name", "time"), [("a", volatile(time)), ("b", volatile(time + "0"))]),),
            blocks=(Block("Log", (path,), volatile=True),),
            notes=(volatile(path), cell("Done.")),
        )

    one, other = sheet("/a", "10:00"), sheet("/a/longer", "9:00")
    assert text.draw(one, volatile=False) == text.draw(other, volatile=False)
    assert text.draw(one) != text.draw(other)
    assert "/a" in text.draw(one)


def test_a_card_says_its_verdict_and_what_it_means() -> None:
    finding = Finding("code", "would import os.system", "/data/net.pt", "Ask for safetensors.")
    drawn = text.render(model(verdict=Verdict("code", (finding,))))
    assert "net  [code]" in drawn
    assert "another loader would run code from this file" in drawn
    assert "would import os.system" in drawn


def test_a_live_object_s_card_claims_no_verdict() -> None:
    drawn = text.render(model(format="in memory", verdict=Verdict("in memory")))  # type: ignore[arg-type]
    assert "[" not in drawn.splitlines()[0]
    assert "live object, nothing was read from a file" in drawn
    assert "not computed" not in drawn


HOSTILE = "</td><script>alert(1)</script>\"' onerror=x \u202egpj.exe\u200b\x1b[31m"


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_no_text_of_a_file_becomes_markup_or_hides_what_it_is(draw: typing.Callable[[object], str]) -> None:
    drawn = draw(
        model(
            name=HOSTILE,
            path=HOSTILE,
            license=HOSTILE,
            metadata={HOSTILE: HOSTILE},
            tensors=(TensorInfo(HOSTILE, HOSTILE, (1,), 4),),
            verdict=Verdict("code", (Finding("code", HOSTILE, HOSTILE, HOSTILE),)),
        )
    )
    assert "\\u202e" in drawn
    assert not re.search("[\u202e\u200b\x1b]", drawn)
    if draw is html.render:
        assert "<script" not in drawn
        assert "onerror=x" in drawn
        assert not re.search(r"<[^>]*onerror", drawn)


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_a_name_of_ten_thousand_characters_is_cut(draw: typing.Callable[[object], str]) -> None:
    tensor = TensorInfo("x" * 10_000, "F32", (1,), 4)
    assert len(draw(model(name="y" * 10_000, tensors=(tensor,) * 12, tensor_count=12))) < 12_000


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_a_secret_in_a_run_s_configuration_is_redacted(draw: typing.Callable[[object], str]) -> None:
    job = JobRecord("run-aaaaaa", "run", "running", 0.0, config={"token": "hf_" + "a" * 30})
    drawn = draw(facts.JobFacts(job, ("pause",)))
    assert "[redacted]" in drawn
    assert "aaaaaaaaaaaa" not in drawn


def test_html_marks_paths_times_ids_and_speeds_as_volatile() -> None:
    job = JobRecord(
        "run-abcdef",
        "run",
        "completed",
        1e9,
        step=3,
        loss=0.25,
        samples_per_second=512.0,
        started_at=1e9,
        ended_at=1e9 + 61,
    )
    drawn = html.render(facts.JobFacts(job, ()))
    marked = re.findall(r"<t[hd][^>]*data-volatile>([^<]*)<", drawn)
    assert {"run-abcdef", "512", "1 min 01 s"} <= set(marked)
    assert "0.25" not in marked
    assert ">0.25<" in drawn


def test_html_brings_no_reference_to_anywhere() -> None:
    drawn = html.render(model())
    assert "http" not in drawn
    assert "url(" not in drawn
    assert "<style" not in drawn


def test_a_finding_s_sentence_is_shown_whole_however_long_its_path_is() -> None:
    what = f"Tensor 'a' of /{'deep/' * 60}net.safetensors ends at byte 9: it is cut off."
    finding = Finding("malformed", what, f"/{'deep/' * 60}net.safetensors", "Fetch the file again.")
    drawn = text.render(model(verdict=Verdict("malformed", (finding,))))
    assert f"  malformed  {what}\n             Fetch the file again." in drawn
    assert drawn.count("net.safetensors") == 2, "the place is said once, in the sentence, beside the card's own path"


def test_a_card_shows_as_many_tensors_as_were_asked_for() -> None:
    facts_of = model(tensors=(TensorInfo("layer", "F32", (3, 4), 48),) * 30, tensor_count=50)
    assert "… and 38 more" in text.render(facts_of)
    assert "… and 20 more" in text.render(facts_of, every_row=True)
    assert "… and 38 more" in html.render(facts_of)


def test_tensors_of_several_files_name_theirs() -> None:
    files = (FileInfo("a/model.safetensors", 48), FileInfo("b/model.safetensors", 48))
    tensors = tuple(TensorInfo("layer", "F32", (3, 4), 48, file.name) for file in files)
    drawn = text.render(model(files=files, tensors=tensors, tensor_count=2))
    assert drawn.splitlines()[-1].endswith("b/model.safetensors")
    assert "shape  size\n" in text.render(model())


def test_a_stopped_server_s_tools_are_not_listed_as_if_offered() -> None:
    server = facts.ServerFacts(state="stopped", profile="assistant", mode="launch token", tools=("mc_job_list",))
    assert "Tools it would offer (1)" in text.render(server)
    running = dataclasses.replace(server, state="running")
    assert "Tools (1)" in text.draw(server_sheet(running, live=False)), "what is saved of a running server says so"


PICKLED = facts.PickleNote("/data/net.pt relies on pickle, ...", "mc model convert /data/net.pt")
CALLED = Finding(
    "code",
    "Whatever opens this pickle calls posix.system.",
    "/data/net.pt",
    "Look at it with: mc model show /data/net.pt",
    member="net/data.pkl",
    offset=1249,
    excerpt="posix.system('date')",
)


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_a_pickle_s_card_says_what_that_means_and_how_to_convert_it(draw: typing.Callable[[object], str]) -> None:
    drawn = draw(model(warning=PICKLED))
    assert "it relies on pickle, which can run code in other loaders; here nothing runs" in drawn
    assert "mc model convert /data/net.pt" in drawn
    assert "<button" not in drawn


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_a_finding_tells_member_byte_excerpt_and_next_step(draw: typing.Callable[[object], str]) -> None:
    drawn = draw(model(verdict=Verdict("code", (CALLED,))))
    assert "/data/net.pt, member net/data.pkl, byte 1,249" in drawn
    assert "/data/net.pt, member" not in draw(model(path="/data/net.pt", verdict=Verdict("code", (CALLED,))))
    assert "posix.system(" in drawn
    assert "date" in drawn
    assert "Look at it with: mc model show /data/net.pt" in drawn


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_no_file_s_findings_hide_those_of_another(draw: typing.Callable[[object], str]) -> None:
    def result(name: str, *whats: str) -> facts.ScanResult:
        found = tuple(Finding("code", what, f"/data/{name}") for what in whats)
        return facts.ScanResult(f"/data/{name}", "pickle", Verdict("code", found), 9, 0, 0)

    noisy = result("a.pkl", *(f"It calls noise.n{number}x." for number in range(99)))
    drawn = draw(facts.ScanFacts((noisy, result("b.pkl", "It calls posix.system.")), "code", 1, strict=False))
    assert "It calls posix.system." in drawn
    assert drawn.index("noise.n0x") < drawn.index("posix.system") < drawn.index("noise.n1x") < drawn.index("noise.n2x")


def test_a_stored_text_keeps_what_was_found_without_the_paths_in_it() -> None:
    stored = text.draw(model_sheet(model(verdict=Verdict("code", (CALLED,)), warning=PICKLED)), volatile=False)
    assert "  code  Whatever opens this pickle calls posix.system.\n        posix.system('date')" in stored
    assert "it relies on pickle" in stored
    assert "/data" not in stored


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_tensors_tell_what_is_special_about_where_they_lie(draw: typing.Callable[[object], str]) -> None:
    tensors = (
        TensorInfo("a", "F32", (3, 4), 48),
        TensorInfo("tied", "F32", (3, 4), 48, alias_of="a"),
        TensorInfo("turned", "F32", (4, 3), 48, strides=(1, 4)),
        TensorInfo("part", "F32", (4,), 16, storage="0", storage_bytes=48),
        TensorInfo("few", "F32", (4, 3), 8, layout="sparse_coo"),
    )
    drawn = draw(model(tensors=tensors, tensor_count=5))
    for told in ("the same bytes as a", "strides 1, 4", "part of 48 B", "sparse_coo"):
        assert told in drawn
    assert "note" not in draw(model())


def tree(width: int, depth: int) -> TreeNode:
    """A tree of `width` values in each of `depth` levels."""
    children = tuple(tree(width, depth - 1) for _ in range(width)) if depth else ()
    return TreeNode("key" * 30, "dict", f"{width} values", children)


@pytest.mark.parametrize("draw", [html.render, text.render])
def test_everything_in_a_file_is_listed_as_far_as_a_page_takes_it(draw: typing.Callable[[object], str]) -> None:
    small = TreeNode("", "dict", "2 values", (TreeNode("epoch", "int", "3"), TreeNode("args", "dict", "9", omitted=9)))
    drawn = draw(model(tree=small))
    assert "epoch: int 3" in drawn
    assert "… and 9 more" in drawn
    large = draw(model(tree=tree(10, 4)))
    assert "… and " in large
    assert large.count("keykey") < 2_000


def test_the_empty_hooks_of_a_module_take_one_line_together() -> None:
    hooks = tuple(TreeNode(f"_hook{number}", "dict", "{}") for number in range(15))
    drawn = text.render(
        model(tree=TreeNode("", "torch.nn.Linear", "16 values", (*hooks, TreeNode("bias", "bool", "True"))))
    )
    assert "_hook" not in drawn
    assert "… and 15 that hold nothing" in drawn
