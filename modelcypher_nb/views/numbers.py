"""Numbers as people read them; the front end's format.ts says the same in TypeScript."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["count", "duration", "iso", "metric", "moment", "percent", "plural", "shape", "size", "whole"]

COUNT_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
TIMES = "\N{MULTIPLICATION SIGN}"
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def whole(value: float) -> str:
    """Every digit, grouped."""
    return f"{round(value):,}"


def count(value: float) -> str:
    """`22713216` as `22.7 M`; small counts stay whole."""
    for scale, unit in COUNT_UNITS:
        # 999,950 would round up to 1000 k: the next unit takes over where the rounding does.
        if value >= scale * 0.9995 and value >= 9_999.5:
            return f"{_three_digits(value / scale)} {unit}"
    return whole(value)


def size(value: float) -> str:
    """Bytes in powers of 1000, the unit of disks and of the Hub's pages."""
    scaled, unit = float(value), 0
    while abs(scaled) >= 999.5 and unit < len(BYTE_UNITS) - 1:
        scaled, unit = scaled / 1000, unit + 1
    return f"{whole(value)} B" if unit == 0 else f"{_three_digits(scaled)} {BYTE_UNITS[unit]}"


def metric(value: float | None) -> str:
    """A measured number with three significant digits: `0.423`, `12.3`, `3.20e-05`."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    return whole(value) if abs(value) >= 999.5 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share as percents."""
    value = share * 100
    if 0 < value < 0.1:
        return "<0.1 %"
    return f"{value:.0f} %" if value >= 99.95 or value == 0 else f"{value:.1f} %"


def shape(dimensions: Sequence[int]) -> str:
    """`(384, 1536)` as `384 x 1,536`, with the sign of multiplication; a scalar has no shape to show."""
    return f" {TIMES} ".join(whole(one) for one in dimensions) if dimensions else "scalar"


def duration(seconds: float) -> str:
    """`0.42 s`, `42 s`, `3 min 07 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60:02d} s"
    minutes = round(total / 60)
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(total / 3600)
    return f"{hours // 24} d {hours % 24} h"


def iso(seconds: float) -> str:
    """A time since 1970 as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds: float) -> str:
    """A time since 1970 as a person in this time zone writes it."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{whole(number)} {one if number == 1 else many or one + 's'}"
