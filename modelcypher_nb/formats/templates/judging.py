"""Chat templates, judged as a parsed Jinja tree by what they reach for; none is ever rendered."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ...guard.secrets import shown
from ..report import Finding, Level

if TYPE_CHECKING:
    from jinja2 import Environment

    from .reach import Reach

__all__ = ["LONGEST_TEMPLATE", "Templates", "judge"]

LONGEST_TEMPLATE = 64 << 10  # characters; the longest that are published have some 17,000
MOST_TOGETHER = 4 * LONGEST_TEMPLATE  # of one file: to judge a thousand costs some five milliseconds
MOST_FINDINGS = 20
DELIMITERS = ("{{", "{%", "{#")

READ_IT = "Don't render it outside of a sandbox; use the model without it, or give a template of your own."
LOOK_AT_IT = "Look at the template itself, or fetch the model again from where it came."


def judge(text: str, where: str, *, member: str | None = None) -> list[Finding]:
    """Judge a chat template: no finding means that it only reads the conversation and writes text.

    Args:
        text: the template.
        where: the file that holds it.
        member: the key in that file under which it stands.
    """
    if not any(delimiter in text for delimiter in DELIMITERS):
        return []  # plain text: nothing in it is ever evaluated
    if len(text) > LONGEST_TEMPLATE:
        what = f"The chat template has {len(text)} characters; at most {LONGEST_TEMPLATE} are judged."
        return [Finding("malformed", what, where, LOOK_AT_IT, "template-limit", member)]
    fault, found = _judged(text)
    findings = [_finding(reach, text, where, member) for reach in found[:MOST_FINDINGS]]
    if len(found) > MOST_FINDINGS:
        what = f"The chat template does so in {len(found) - MOST_FINDINGS} more places."
        findings.append(Finding("code", what, where, READ_IT, found[-1].rule, member))
    if fault is not None:
        findings.append(_finding(fault, text, where, member, level="malformed"))
    return findings


class Templates:
    """The chat templates of one file, which are bounded together.

    Args:
        where: the file.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._left = MOST_TOGETHER

    def judge(self, text: str, member: str) -> list[Finding]:
        """Judge one of them, as `judge` does; what is too much for one file is malformed."""
        self._left -= len(text)
        if self._left >= 0 or len(text) > LONGEST_TEMPLATE:
            return judge(text, self._where, member=member)
        what = f"The file holds more than {MOST_TOGETHER} characters of chat templates; the rest isn't judged."
        return [Finding("malformed", what, self._where, LOOK_AT_IT, "template-limit", member)]


def _finding(reach: Reach, text: str, where: str, member: str | None, *, level: Level = "code") -> Finding:
    lines = text.split("\n", reach.line) if reach.line else []
    excerpt = shown(lines[reach.line - 1].strip(), 120) if 0 < reach.line <= len(lines) else None
    place = f" in line {reach.line}" if reach.line else ""
    what = f"The chat template {reach.what}{place}."
    name = shown(reach.name, 120) if reach.name is not None else None
    remedy = READ_IT if level == "code" else LOOK_AT_IT
    return Finding(level, what, where, remedy, reach.rule, member, None, excerpt, name)


@functools.lru_cache(maxsize=32)
def _judged(text: str) -> tuple[Reach | None, tuple[Reach, ...]]:
    """Why a template can't be judged, and what it reaches for; many files of a folder share one template."""
    from jinja2 import TemplateSyntaxError
    from jinja2.parser import Parser

    from .bindings import TooComplexError  # a cold scan of files without a template needs none of it
    from .reach import Reach, reaches

    found: dict[Reach, None] = {}
    try:
        # Not the environment's own `parse`: at a fault it compiles and runs code of its own, to dress up the traceback.
        for reach in reaches(Parser(_environment(), text).parse()):
            found[reach] = None
    except TemplateSyntaxError as error:
        return Reach("template-syntax", f"is no Jinja ({shown(error.message, 120)})", error.lineno), ()
    except RecursionError:
        return Reach("template-limit", "nests deeper than any real one", 0), tuple(found)
    except TooComplexError:
        return Reach("template-limit", "is more entangled than any real one", 0), tuple(found)
    except (ValueError, OverflowError, MemoryError) as error:  # a number of absurd length, an escape that is none
        return Reach("template-syntax", f"can't be read ({shown(error, 120)})", 0), tuple(found)
    return None, tuple(found)


@functools.cache
def _environment() -> Environment:
    """Jinja's parser with the tags that chat templates have beside its own."""
    from jinja2 import Environment
    from jinja2.ext import ExprStmtExtension, Extension, LoopControlExtension

    class Generation(Extension):
        """The tag that marks what the assistant said, for training: its body is ordinary template."""

        tags = frozenset({"generation"})  # type: ignore[assignment] # jinja2 declares a set and never changes it

        def parse(self, parser: Any) -> Any:
            """Give the body as it stands."""
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return Environment(extensions=[LoopControlExtension, ExprStmtExtension, Generation], autoescape=False)  # noqa: S701 - only parses
