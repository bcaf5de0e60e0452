"""Tab completion of `%mc`: verbs, options, ids, paths and variables, in terminals and notebooks alike."""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import ModelCypherError
from ..operations.operation import Operation, Parameter
from ..operations.session import current
from ..settings import BY_KEY
from .vocabulary import commands, is_positional, option_name, resolve

__all__ = ["candidates", "matcher"]

LINE = re.compile(r"^\s*(?:[^=%'\"]*=\s*)?%{1,2}mc\s+(?P<rest>.*)$", re.DOTALL)
PLAIN = re.compile(r"[\w@%+=:,./~-]+", re.ASCII)
ENTRIES_LOOKED_AT = 2000
ROWS_LOOKED_AT = 200
PATIENCE_SECONDS = 0.3  # a key press must not hang on a busy catalog or a slow disk


def matcher(shell: Any) -> Callable[[Any], Any]:
    """IPython's matcher for lines of `%mc`; where it knows an answer, the others (and Jedi) are silent."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="modelcypher_nb.mc")  # type: ignore[untyped-decorator]
    def mc_matcher(context: Any) -> Any:
        line = LINE.match(context.text_until_cursor)
        if line is None:
            return {"completions": []}
        words, fragment = _split(line["rest"])
        opened = re.search(r"\{(\w*)$", fragment)
        if opened is not None:  # an expression begins: only a variable's name is sure to be meant
            fragment = opened[1]
            found = sorted(name for name in _variables(shell.user_ns) if name.startswith(fragment))
        else:
            found = within(PATIENCE_SECONDS, lambda: candidates(words, fragment, shell.user_ns)) or []
        return {
            "completions": [SimpleCompletion(text, type="mc") for text in found],
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    return mc_matcher  # type: ignore[no-any-return]


def within(seconds: float, work: Callable[[], list[str]]) -> list[str] | None:
    """The work's answer, or None where it takes longer or fails: no answer is better than a stuck key."""
    answers: list[list[str]] = []

    def look() -> None:
        try:
            answers.append(work())
        except (ModelCypherError, OSError):
            return  # running the command says what is wrong; a completion has nowhere to say it

    thread = threading.Thread(target=look, name="modelcypher-completion", daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


def _split(text: str) -> tuple[list[str], str]:
    """The finished words and the one under the cursor, as it was typed."""
    before = re.match(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\"|\s)*\s|", text)
    head = before.group() if before else ""
    return shlex.split(head), text[len(head) :]


def candidates(words: list[str], fragment: str, names: Mapping[str, Any]) -> list[str]:
    """What the word under the cursor may become.

    Args:
        words: the finished words of the command.
        fragment: the word as it was typed so far; an open quote is part of it.
        names: the kernel's variables.
    """
    typed = fragment.lstrip("'\"")
    found = [_quoted(text) for text in _possible(words, typed, names) if text.startswith(typed)]
    return sorted(dict.fromkeys(found))


def _quoted(text: str) -> str:
    """A word that the magic reads back as this text; a folder's quote stays open at its end for what follows."""
    return text if PLAIN.fullmatch(text) else shlex.quote(text)


def _possible(words: list[str], typed: str, names: Mapping[str, Any]) -> Iterable[str]:
    for length in (1, 2):
        found = resolve(*words[:length]) if len(words) >= length else None
        if found is not None:
            return _in_command(found, words[length:], typed, names)
    return (
        known[len(words)] for known in commands() if known[: len(words)] == tuple(words) and len(known) > len(words)
    )


def _in_command(found: Operation, words: list[str], typed: str, names: Mapping[str, Any]) -> Iterable[str]:
    options = {option_name(item): item for item in found.parameters if not is_positional(item)}
    if words and words[-1] in options and options[words[-1]].type is not bool:
        return _values(options[words[-1]], typed, names)
    if typed.startswith("-"):
        given = {word for word in words if word.startswith("-")}
        switches = [f"--no-{name[2:]}" for name, item in options.items() if item.type is bool]
        return (name for name in (*options, *switches, "--json", "--help") if name not in given)
    positional = [item for item in found.parameters if is_positional(item)]
    index = _count(words, options)
    if index < len(positional):
        return _values(positional[index], typed, names)
    return _values(positional[-1], typed, names) if positional and positional[-1].is_list else ()


def _count(words: list[str], options: Mapping[str, Parameter]) -> int:
    """How many positional arguments are finished."""
    count, skip = 0, False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in options and options[word].type is not bool
        else:
            count += 1
    return count


def _values(item: Parameter, typed: str, names: Mapping[str, Any]) -> Iterable[str]:
    kind = item.param.kind
    if item.param.choices:
        return item.param.choices
    if kind == "model":
        return (*_models(typed), *_paths(typed))
    if kind == "job":
        return _jobs()
    if kind in {"path", "rest"}:
        return _paths(typed)
    if kind == "variable":
        return _variables(names)
    return tuple(key for key, setting in BY_KEY.items() if setting.ours) if kind == "setting" else ()


def _variables(names: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in list(names) if isinstance(name, str) and not name.startswith("_"))


def _models(typed: str) -> Iterator[str]:
    """Registered names; versions and aliases once an `@` is typed."""
    if "/" in typed:
        return
    rows, _ = current().catalog.models(limit=ROWS_LOOKED_AT)
    for row in rows:
        if "@" in typed:
            yield f"{row.id}@{row.version}"
            yield from (f"{row.id}@{alias}" for alias in row.aliases)
        else:
            yield row.id


def _jobs() -> Iterator[str]:
    rows, _ = current().catalog.jobs(limit=ROWS_LOOKED_AT)
    for row in rows:
        yield row.name
        yield row.id


def _paths(typed: str) -> Iterator[str]:
    """Entries of the folder that is being typed, by name only; hidden ones once their dot is typed.

    The keyboard is the person's own, so other folders than the allowed ones complete too: opening one says what to do.
    """
    folder, _, name = typed.rpartition("/")
    lead = typed[: len(typed) - len(name)]
    place = os.path.join(current().start, os.path.expanduser(lead))  # noqa: PTH111, PTH118
    if folder.startswith("~") and folder.partition("/")[0] != "~":
        return
    with os.scandir(place) as entries:
        for count, entry in enumerate(entries):
            if count >= ENTRIES_LOOKED_AT:
                return
            if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith(".")):
                yield lead + entry.name + ("/" if entry.is_dir() else "")
