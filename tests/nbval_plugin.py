"""What nbval needs to compare our displayed bundle strictly: updates of a display, and volatile parts of HTML.

nbval 0.11 keeps the first data of a display and leaves `update_display_data` unhandled; the saved notebook holds the
last. Here the first message's content is remembered by its `display_id` and refilled by each update, so that what is
compared is what a reader of the saved notebook sees. Elements that bear `data-volatile` (pictures, times, paths, ids)
are emptied on both sides; everything else in text and HTML is compared to the letter.
"""

from __future__ import annotations

import os
import tempfile
from html.parser import HTMLParser
from typing import Any

import nbformat
from nbval.plugin import IPyNbCell, IPyNbFile

OUR_MIME = "application/vnd.modelcypher.v1+json"
DISPLAYS = ("display_data", "execute_result")
VOID = frozenset({"img", "br", "hr", "input", "path", "line", "rect", "circle", "use"})

_collector_init = IPyNbFile.__init__
_next_message = IPyNbFile.get_kernel_message
_sanitize = IPyNbCell.sanitize


class _WithoutVolatile(HTMLParser):
    """Writes HTML again, with volatile elements emptied of content and attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self.depth = 0  # of open elements within a volatile one

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        volatile = any(name == "data-volatile" for name, _ in attrs)
        if self.depth:
            self.depth += tag not in VOID
        elif volatile:
            self.parts.append(f"<{tag} data-volatile>")
            self.depth = int(tag not in VOID)
        else:
            self.parts.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.depth:
            volatile = any(name == "data-volatile" for name, _ in attrs)
            self.parts.append(f"<{tag} data-volatile/>" if volatile else self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self.depth and tag not in VOID:
            self.depth -= 1
        if not self.depth:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")


def without_volatile(html: str) -> str:
    """The HTML with every element that bears `data-volatile` emptied."""
    parser = _WithoutVolatile()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)


def _start(self: IPyNbFile, *args: Any, **kwargs: Any) -> None:
    _collector_init(self, *args, **kwargs)
    # Each notebook's kernel inherits a home of its own, so that names and versions are the stored ones.
    os.environ["MODELCYPHER_NB_HOME"] = tempfile.mkdtemp(prefix="nbval-home-")
    self.skip_compare = (*self.skip_compare, OUR_MIME)
    self.displays = {}


def _message(self: IPyNbFile, timeout: float | None = None, stream: str = "iopub") -> dict[str, Any]:
    while True:
        message: dict[str, Any] = _next_message(self, timeout=timeout, stream=stream)
        content = message["content"]
        display_id = content.get("transient", {}).get("display_id") if isinstance(content, dict) else None
        if message["msg_type"] in DISPLAYS:
            # nbval keeps a reference to this very object; as a plain dict it would be copied.
            content["data"] = nbformat.from_dict(content["data"])
            if display_id is not None:
                self.displays[display_id] = content["data"]
        elif message["msg_type"] == "update_display_data":
            known = self.displays.get(display_id)
            if known is not None:
                known.clear()
                known.update(content["data"])
            continue
        return message


def _clean(self: IPyNbCell, text: Any) -> Any:
    if isinstance(text, str) and "data-volatile" in text:
        text = without_volatile(text)
    return _sanitize(self, text)


IPyNbFile.__init__ = _start
IPyNbFile.get_kernel_message = _message
IPyNbCell.sanitize = _clean
