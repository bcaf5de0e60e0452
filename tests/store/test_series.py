from __future__ import annotations

import math
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import ConflictError, MalformedError, UsageError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.cells import CELL_BYTES
from modelcypher_nb.store.series import Event, SeriesReader, SeriesWriter


@pytest.fixture
def series(home: SafePath) -> Iterator[SafePath]:
    with home.folder("series") as folder:
        yield folder


def write(series: SafePath, segment: int, points: dict[int, dict[str, float]]) -> None:
    writer = SeriesWriter(series, segment)
    for step, values in points.items():
        writer.append(step, values, time=float(step))
    writer.close()


def test_what_was_appended_is_read_back_with_names_in_order(series: SafePath) -> None:
    write(series, 1, {1: {"train/loss": 2.5, "lr": 1e-3}, 2: {"train/loss": 2.25}, 3: {"Genauigkeit ✓": math.inf}})
    reader = SeriesReader(series)
    assert reader.names() == ("train/loss", "lr", "Genauigkeit ✓")
    loss = reader.read("train/loss")
    assert (loss.steps.tolist(), loss.values.tolist(), loss.times.tolist()) == ([1, 2], [2.5, 2.25], [1.0, 2.0])
    assert (loss.count, loss.low, loss.superseded_steps.tolist()) == (2, None, [])
    assert reader.read("Genauigkeit ✓").values.tolist() == [math.inf]
    assert reader.read("unknown").count == 0


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.dictionaries(st.text(max_size=60), st.floats(), max_size=4),
            st.floats(0, 4e9),
        ),
        max_size=12,
    )
)
def test_any_steps_names_and_values_survive(series: SafePath, rows: list[Any]) -> None:
    for entry in series.list():
        os.unlink(os.path.join(series.location, entry.name))  # noqa: PTH108, PTH118
    writer = SeriesWriter(series, 1)
    expected: dict[str, list[tuple[int, float, float]]] = {}
    for step, values, time in rows:
        writer.append(step, values, time)
        for name, value in values.items():
            expected.setdefault(name, []).append((step, value, time))
    writer.close()
    reader = SeriesReader(series)
    assert reader.names() == tuple(expected)
    for name, points in expected.items():
        found = reader.read(name, since=-(2**63))
        np.testing.assert_array_equal(found.steps, [step for step, _, _ in points])
        np.testing.assert_array_equal(found.values, [value for _, value, _ in points])
        np.testing.assert_array_equal(found.times, [time for _, _, time in points])


def test_events_are_read_back_redacted(series: SafePath) -> None:
    writer = SeriesWriter(series, 1)
    writer.event(3, "pause", "by the person", 10.0)
    writer.append(4, {"a": 1.0})
    writer.event(5, "error", "token hf_abcdefghijklmnopqrstuvwxyz was refused", 11.0)
    writer.close()
    first, second = SeriesReader(series).events()
    assert first == Event(3, 10.0, "pause", "by the person", 1)
    assert "abcdefgh" not in second.text
    stored = b"".join(path.read_bytes() for path in Path(series.location).iterdir())
    assert not [start for start in range(20) if b"abcdefghijklmnopqrstuvwxyz"[start : start + 6] in stored]


def test_a_later_segment_wins_and_superseded_points_stay_apart(series: SafePath) -> None:
    write(series, 1, {step: {"loss": 1.0, "eval": 1.0} if step % 4 == 0 else {"loss": 1.0} for step in range(1, 11)})
    write(series, 2, {step: {"loss": 2.0, "eval": 2.0} if step % 4 == 0 else {"loss": 2.0} for step in range(6, 9)})
    loss = SeriesReader(series).read("loss")
    assert loss.steps.tolist() == list(range(1, 9))
    assert loss.values.tolist() == [1.0] * 5 + [2.0] * 3
    assert (loss.superseded_steps.tolist(), loss.count) == ([6, 7, 8, 9, 10], 8)
    assert loss.superseded_values.tolist() == [1.0] * 5
    evaluated = SeriesReader(series).read("eval")
    assert (evaluated.steps.tolist(), evaluated.values.tolist()) == ([4, 8], [1.0, 2.0])
    assert evaluated.superseded_steps.tolist() == [8]


def test_of_three_segments_the_last_wins_also_over_the_first(series: SafePath) -> None:
    write(series, 1, {step: {"loss": 1.0} for step in range(1, 11)})
    write(series, 2, {step: {"loss": 2.0} for step in range(8, 13)})
    write(series, 3, {step: {"loss": 3.0} for step in range(4, 6)})
    loss = SeriesReader(series).read("loss")
    assert (loss.steps.tolist(), loss.values.tolist()) == ([1, 2, 3, 4, 5], [1.0] * 3 + [3.0] * 2)
    assert loss.superseded_steps.tolist() == [*range(4, 11), *range(8, 13)]


def test_a_segment_that_says_nothing_of_a_series_supersedes_nothing_of_it(series: SafePath) -> None:
    write(series, 1, {5: {"note": 1.0}})
    write(series, 2, {1: {"loss": 1.0}})
    assert SeriesReader(series).read("note").steps.tolist() == [5]


def test_a_taken_segment_number_is_passed_over(series: SafePath) -> None:
    write(series, 1, {1: {"loss": 1.0}})
    path = next(Path(series.location).iterdir())
    path.write_bytes(path.read_bytes()[:-5])  # its writer was killed within a cell
    writer = SeriesWriter(series, 1)
    writer.append(1, {"loss": 2.0})
    writer.close()
    assert writer.segment == 2
    assert SeriesReader(series).read("loss").values.tolist() == [2.0]


def test_a_file_that_was_cut_anywhere_loses_its_end_only(series: SafePath) -> None:
    writer = SeriesWriter(series, 1)
    for step in range(4):
        writer.append(step, {f"a long name that takes two cells {step}": float(step), "b": 0.0}, 1.0)
        writer.event(step, "note", "words " * 10, 1.0)
    writer.close()
    path = next(Path(series.location).iterdir())
    whole = path.read_bytes()
    seen = 0
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        reader = SeriesReader(series)
        found = reader.read("b")
        assert found.steps.tolist() == list(range(found.count))
        assert all(event.text.startswith("words words") for event in reader.events())
        assert found.count >= seen
        seen = found.count
    assert (seen, len(reader.events())) == (4, 4)


@pytest.mark.parametrize("rest", [bytes(4 * CELL_BYTES), b"\x00\x01" + bytes(CELL_BYTES - 2)])
def test_what_no_writer_wrote_ends_the_file(series: SafePath, rest: bytes) -> None:
    """A power failure leaves zeros, or an old block's bytes, where the file had grown already."""
    write(series, 1, {1: {"loss": 1.0}})
    path = next(Path(series.location).iterdir())
    path.write_bytes(path.read_bytes() + rest)
    assert SeriesReader(series).read("loss").steps.tolist() == [1]


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_bit_that_flips_never_crashes_a_reader(series: SafePath, position: int, bit: int) -> None:
    path = Path(series.location, "segment-0001.mcs")
    path.unlink(missing_ok=True)
    writer = SeriesWriter(series, 1)
    writer.append(1, {"train/loss": 1.0, "b": 2.0}, 1.0)
    writer.event(1, "pause", "words", 1.0)
    writer.close()
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    reader = SeriesReader(series)
    try:
        for name in reader.names():
            reader.read(name, points=4)
        reader.events()
        reader.tail()
    except (MalformedError, ConflictError):
        assert position % len(content) < CELL_BYTES  # only the header can refuse the file


def test_a_file_that_is_none_of_ours_is_said(series: SafePath) -> None:
    Path(series.location, "segment-0001.mcs").write_bytes(b"x" * 64)
    Path(series.location, "notes.txt").write_bytes(b"left alone")
    with pytest.raises(MalformedError, match="doesn't begin"):
        SeriesReader(series).names()


def test_a_step_or_value_that_is_no_number_writes_nothing(series: SafePath) -> None:
    writer = SeriesWriter(series, 1)
    for step, values in ((1.5, {"a": 1.0}), (2**63, {"a": 1.0}), (1, {"a": 1.0, "b": "x"}), (1, {"a": 10**400})):
        with pytest.raises(UsageError):
            writer.append(step, values)  # type: ignore[arg-type] # that is the point
    writer.append(1, {"b": 1.0})
    writer.close()
    assert SeriesReader(series).names() == ("b",)


def test_a_tail_gives_each_point_and_event_once(series: SafePath) -> None:
    writer, reader = SeriesWriter(series, 1), SeriesReader(series)
    writer.append(1, {"a": 1.0, "b": 2.0})
    writer.event(1, "note", "one")
    first = reader.tail()
    assert {name: steps.tolist() for name, (steps, _) in first.points.items()} == {"a": [1], "b": [1]}
    assert [event.text for event in first.events] == ["one"]
    assert (reader.tail().points, reader.tail().events) == ({}, ())
    writer.append(2, {"b": 3.0})
    writer.event(2, "note", "two")
    second = reader.tail()
    assert {name: values.tolist() for name, (_, values) in second.points.items()} == {"b": [3.0]}
    assert [event.text for event in second.events] == ["two"]
    writer.close()
    write(series, 2, {2: {"b": 4.0}})
    third = reader.tail()
    assert {name: steps.tolist() for name, (steps, _) in third.points.items()} == {"b": [2]}
    assert reader.tail().points == {}


def test_a_read_between_two_writes_sees_the_first(series: SafePath) -> None:
    writer, reader = SeriesWriter(series, 1), SeriesReader(series)
    for step in range(5):
        writer.append(step, {"a": float(step)})
        assert reader.read("a").values.tolist() == [float(number) for number in range(step + 1)]
    writer.close()


def test_the_end_of_what_was_logged_is_known(series: SafePath) -> None:
    assert SeriesReader(series).last() is None
    write(series, 1, {1: {"a": 1.0}, 9: {"b": 2.0}})
    last = SeriesReader(series).last()
    assert last is not None
    assert (last.step, last.time, last.values) == (9, 9.0, {"a": (1, 1.0), "b": (9, 2.0)})


def test_a_run_without_a_folder_has_logged_nothing() -> None:
    reader = SeriesReader(None)
    assert (reader.names(), reader.events(), reader.last(), reader.read("a").count) == ((), (), None, 0)


def test_a_million_points_become_few_and_keep_every_spike(series: SafePath) -> None:
    count, spikes = 1_000_000, {123_456: 50.0, 700_001: -40.0}
    write(series, 1, {0: {"loss": 1.0}})
    path = next(Path(series.location).iterdir())
    content = path.read_bytes()
    cells = np.frombuffer(content[-CELL_BYTES:] * count, dtype="V32").copy()
    view = cells.view(np.dtype([("head", "V8"), ("step", "<i8"), ("time", "<f8"), ("value", "<f8")]))
    view["step"] = np.arange(count)
    view["value"] = np.random.default_rng(0).normal(1.0, 0.1, count)
    for step, value in spikes.items():
        view["value"][step] = value
    path.write_bytes(content[:-CELL_BYTES] + cells.tobytes())
    points = SeriesReader(series).read("loss", points=2000)
    assert points.count == count
    assert len(points.steps) <= 2000
    assert {step: points.values[points.steps == step].tolist() for step in spikes} == {
        step: [value] for step, value in spikes.items()
    }
    assert (points.steps[0], points.steps[-1]) == (0, count - 1)
    assert points.low is not None
    assert points.high is not None
    assert (points.low <= points.values).all()
    assert (points.values <= points.high).all()


LOGGER = """
writer = SeriesWriter(home.folder("series"), 1)
step = 0
while True:
    step += 1
    writer.append(step, {"train/loss": 1.0 / step, "train/grad_norm": float(step)}, 1.0)
    if step % 50 == 0:
        writer.event(step, "note", "fifty more", 1.0)
    os.write(1, b"%d\\n" % step)
"""


@pytest.mark.parametrize("seed", range(10))
def test_a_logger_that_is_killed_leaves_every_record_it_was_told_of(
    home: SafePath, series: SafePath, programs: Any, seed: int
) -> None:
    enough = random.Random(seed).randrange(1, 3000)  # noqa: S311 - a place to kill at
    writer = programs.start(LOGGER)
    told = b""
    while told.count(b"\n") < enough:
        told += os.read(writer.stdout.fileno(), 4096)
    writer.kill()
    told += writer.communicate()[0]
    last = told.count(b"\n")
    reader = SeriesReader(series)
    for name in ("train/loss", "train/grad_norm"):
        steps = reader.read(name).steps.tolist()
        assert steps in (list(range(1, last + 1)), list(range(1, last + 2)))
    assert len(reader.events()) in {last // 50, (last + 1) // 50}


STARVED = """
if sys.argv[2] != "disk":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
else:
    catalog.add_job(JobRecord(id="j", name="j", state="running", created_at=1.0))
writer = SeriesWriter(home.folder("series"), 1)
told, said = 0, 0
for step in range(1, 100_000):
    try:
        writer.append(step, {"a": float(step), "b": 0.0}, 1.0)
    except StorageError as error:
        said += 1
        assert "can't be written" in str(error), error
    if not said:
        told = step
writer.event(1, "note", "not written, not said")
writer.sync()
writer.close()
said_by_catalog = 0
if sys.argv[2] == "disk":
    try:
        for number in range(1000):
            catalog.update_job("j", step=number, config={"x": "y" * 1000 * number})
    except StorageError:
        said_by_catalog += 1
steps = SeriesReader(home.folder("series")).read("a").steps.tolist()
print(json.dumps([said, steps in (list(range(1, told + 1)), list(range(1, told + 2))), told > 500, said_by_catalog]))
if sys.argv[2] == "disk":
    os.unlink(sys.argv[1] + "/series/segment-0001.mcs")
    catalog.update_job("j", step=7)
    with catalog._connection.reading() as connection:
        print(connection.execute("PRAGMA integrity_check").fetchone()[0], catalog.job("j").step)
"""


def test_a_file_that_may_not_grow_ends_the_logging_once_and_keeps_what_was_told(programs: Any) -> None:
    assert programs.run(STARVED, "limit") == "[1, true, true, 0]"


def mounting(folder: Path) -> tuple[str, ...]:
    """What to start a program with, so that a folder is a disk of 512 kB."""
    mount = f'mount -t tmpfs -o size=512k,mode=700 tmpfs "{folder}" && exec "$@"'
    return ("unshare", "-rm", "sh", "-c", mount, "sh")


def test_a_full_disk_ends_the_logging_once_and_corrupts_nothing(tmp_path: Path, programs: Any) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None or programs.status("", before=mounting(disk), home=str(disk)) != 0:
        pytest.skip("no file system can be mounted here without rights")
    output = programs.run(STARVED, "disk", before=mounting(disk), home=str(disk))
    assert output.splitlines() == ["[1, true, true, 1]", "ok 7"]


FORKING = """
writer = SeriesWriter(home.folder("series"), 1)
writer.append(1, {"a": 1.0})
child = os.fork()
if child == 0:
    try:
        writer.append(2, {"b": 2.0})
    except ValueError as error:
        os.write(1, str(error).encode()[:8])
    os._exit(0)
os.waitpid(child, 0)
writer.append(2, {"b": 3.0})
print("", SeriesReader(home.folder("series")).read("b").values.tolist())
"""


def test_a_forked_worker_is_told_to_log_elsewhere(programs: Any) -> None:
    assert programs.run(FORKING) == "Process  [3.0]"


def test_writing_and_reading_names_and_events_need_no_numpy(programs: Any) -> None:
    program = """
writer = SeriesWriter(home.folder("series"), 1)
writer.append(1, {"a": 1.0})
reader = SeriesReader(home.folder("series"))
print(reader.names(), reader.events(), "numpy" in sys.modules)
"""
    assert programs.run(program) == "('a',) () False"
    assert "numpy" in sys.modules  # here it is, so the program could have had it
