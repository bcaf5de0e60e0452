"""The displayed bundle: what a notebook keeps of an object, made once for every place that may show it."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any

from . import html, text
from .messages import MIME, SCHEMA, WIDGET_MIME, Payload, SavedPayload, ViewName
from .numbers import iso
from .sheet import Cell, Sheet
from .thin import encoded, thinned

__all__ = ["MOST_BYTES", "MOST_PICTURE_BYTES", "SAVED", "bundle", "facts_bundle", "payload"]

MOST_BYTES = 150_000  # of an object in all formats together
FEWEST_BYTES = 2_000
MOST_HTML_BYTES = 60_000
MOST_TEXT_CHARACTERS = 8_000
MOST_PICTURE_BYTES = 30_000
MOST_PAYLOAD_BYTES = 60_000  # of the copy that the widget holds for places without our extension
SAVED = "saved output, not checked here"


def payload(view: ViewName, key: str, nonce: str, data: Mapping[str, Any], limit: int = MOST_PAYLOAD_BYTES) -> Payload:
    """The saved data of an object in at most `limit` bytes; passive, whoever reads it.

    Args:
        view: which view draws it.
        key: the object's id in the kernel that made it.
        nonce: that kernel's, without which the id opens nothing.
        data: the view's data.
        limit: bytes of JSON.
    """
    made: Payload = {
        "_schema": SCHEMA,
        "view": view,
        "id": key,
        "nonce": nonce,
        "savedAt": iso(time.time()),
        "data": {},
    }
    made["data"] = thinned(data, limit - len(encoded(made)))
    return made


def bundle(
    saved: Payload, sheet: Sheet, *, widget: str | None = None, picture: bytes | None = None, complete: bool = False
) -> dict[str, Any]:
    """Every format of an object.

    Args:
        saved: its payload.
        sheet: what HTML and text say.
        widget: the id of its widget model, where a kernel holds one.
        picture: a PNG; left out where it is larger than 30 kB.
        complete: whether the text tells times, paths and ids too (a terminal), or is the same each time (a notebook).
    """
    made = {"text/html": _page(sheet), "text/plain": _plain(sheet, complete=complete)}
    if picture is not None and len(picture) <= MOST_PICTURE_BYTES:
        made["image/png"] = base64.b64encode(picture).decode()
    rest = sum(len(content.encode()) for content in made.values()) + 500
    room = MOST_BYTES - rest
    everything: dict[str, Any] = {MIME: _filed(saved, room)}
    if widget is not None:
        everything[WIDGET_MIME] = {"version_major": 2, "version_minor": 0, "model_id": widget}
    return {**everything, **made}


def _filed(saved: Payload, room: int) -> SavedPayload:
    """The payload as the notebook's file holds it, in at most `room` bytes: as a text within JSON, quotes take two."""
    limit = room
    while len(encoded(filed := _as_text(saved))) > room and limit > FEWEST_BYTES:
        limit = limit * 3 // 4
        saved = payload(saved["view"], saved["id"], saved["nonce"], saved["data"], limit)
    return filed


def _as_text(saved: Payload) -> SavedPayload:
    return {**saved, "data": encoded(saved["data"]).decode()}


def facts_bundle(facts: Any, *, complete: bool = False) -> dict[str, str]:
    """HTML and text of facts that have no view of their own."""
    sheet = text.sheet_of(facts)
    return {"text/html": _page(sheet, saved=False), "text/plain": _plain(sheet, complete=complete)}


def _page(sheet: Sheet, *, saved: bool = True) -> str:
    """HTML within its share of the bundle: tables get shorter until it fits."""
    if saved:
        sheet = Sheet(
            sheet.title,
            sheet.badge,
            sheet.subtitle,
            sheet.facts,
            sheet.tables,
            sheet.blocks,
            (*sheet.notes, Cell(SAVED)),
            sheet.picture,
        )
    rows = html.MOST_ROWS
    while len((page := html.draw(sheet, rows)).encode()) > MOST_HTML_BYTES and rows > 1:
        rows //= 2
    return page


def _plain(sheet: Sheet, *, complete: bool) -> str:
    drawn = text.draw(sheet, volatile=complete)
    return drawn if len(drawn) <= MOST_TEXT_CHARACTERS else drawn[: MOST_TEXT_CHARACTERS - 1] + "…"
