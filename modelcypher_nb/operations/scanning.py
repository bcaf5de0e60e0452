"""The verb that judges: files, folders and patterns of them, for people, pipelines and assistants alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

from ..errors import MissingFileError, PathRefusedError, UnreadableError, UsageError
from ..formats import detect
from ..formats.model_file import finding_of
from ..formats.report import ModelReport, Verdict
from ..guard.globs import has_pattern, matching
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .facts import ScanFacts, ScanResult
from .judging import Judging, spelled_out
from .opening import DEFAULT, is_path, open_model
from .operation import Param, operation
from .session import Call, Tell

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__: list[str] = []


@operation(effect="read", profiles=DEFAULT)
def model_scan(
    call: Call,
    path: Annotated[list[str], Param("Files, folders or patterns of them (as in 'models/**/*.pt').", kind="path")],
    strict: Annotated[bool, Param("Whether objects count as danger too.")] = False,
) -> ScanFacts:
    """Judge files without running anything in them; the exit code is that of the worst.

    A file of a name comes before a registered model of that name.
    """
    if not path:  # a program's list that came out empty must not read as clean
        raise UsageError("There is nothing to scan.", "Name at least one file, folder or pattern.")
    targets, judging = _targets(call, path), Judging(call)
    results: list[ScanResult] = []
    with call.progress("scanned files") as tell:
        for text, is_match in targets.items():
            step = partial(_within_folder, tell, len(results))
            results.append(_judged(call, judging, text, step, is_match=is_match))
            tell(len(results), len(targets))
    worst = detect.worst(result.verdict.level for result in results)
    return ScanFacts(tuple(results), worst, detect.exit_code(Verdict(worst), strict=strict), strict)


def _targets(call: Call, texts: list[str]) -> dict[str, bool]:
    """What is to be judged, each once, and whether a pattern named it."""
    found: dict[str, bool] = {}
    for text in texts:
        if not has_pattern(text) or _is_there(call, text):
            found[text] = False
            continue
        before = len(found)
        matches = list(matching(call.guard, text))
        for one in matches:
            found.setdefault(one, True)
        if len(found) == before and not matches:
            raise MissingFileError(
                f"The pattern '{shown(text, 200)}' matches nothing.",
                "Check the spelling; it is read from the start folder, and * doesn't match what starts with a dot.",
            )
    return found


def _is_there(call: Call, text: str) -> bool:
    place = os.path.join(call.session.start, os.path.expanduser(text))  # noqa: PTH111, PTH118
    return "\0" not in text and os.path.lexists(place)


@contextmanager
def _opened(call: Call, text: str) -> Iterator[tuple[ModelRecord | None, SafePath]]:
    if is_path(text) or _is_there(call, text):
        with call.guard.open(text) as safe:
            yield None, safe
    else:
        with open_model(call, text) as opened:
            yield opened


def _within_folder(tell: Tell, before: int, count: int) -> None:
    tell(before + count, 0)  # how many files a folder holds is known only at its end


def _judged(call: Call, judging: Judging, text: str, step: Callable[[int], None], *, is_match: bool) -> ScanResult:
    """The verdict on one; what can't be opened is one too, where it isn't a mistake in what was typed."""
    try:
        with _opened(call, text) as (record, safe):
            report = detect.examine(safe, judging.terms(safe, record), progress=step)
            judging.prove()
            return _result(safe, report)
    except (UnreadableError, PathRefusedError, MissingFileError) as error:
        if not is_match and not isinstance(error, UnreadableError):
            raise
        finding = finding_of(error, text)
        return ScanResult(shown(text), "not opened", Verdict(finding.level, (finding,)), 0, 0, 0)


def _result(safe: SafePath, report: ModelReport) -> ScanResult:
    return ScanResult(
        shown(safe.location),
        report.format,
        spelled_out(report.verdict, safe.display),
        report.size_bytes,
        report.parameter_count,
        len(report.tensors),
        report.judged,
        detect.pickled(safe, report),
    )
