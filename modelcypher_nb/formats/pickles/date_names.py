"""Dates, times, durations and time zones of the standard library, as ISO texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import a_number, exactly, made_empty, old_bytes
from .trust import Trusted
from .values import Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]

DATE, TIME, MOMENT, DURATION, ZONE = (
    f"datetime.{name}" for name in ("date", "time", "datetime", "timedelta", "timezone")
)
LONGEST_ZONE_NAME = 256
FOLD = 128  # set in a byte of the state where a clock that was set back shows the same time twice


def _state(value: Any, size: int) -> bytes:
    data = old_bytes(value)
    if len(data) != size or not isinstance(data, bytes):
        raise UnfitError(f"is given a state that isn't its {size} bytes")
    return data


def _zone_suffix(arguments: tuple[Any, ...]) -> str:
    if len(arguments) < 2:
        return ""
    zone = arguments[1]
    if type(zone) is not Shell or zone.kind != ZONE:
        raise UnfitError("is given a time zone that isn't read")
    return "+00:00" if zone.value == "UTC" else str(zone.value)


def _date_text(data: bytes) -> str:
    from datetime import date

    try:
        return date(data[0] * 256 + data[1], data[2], data[3]).isoformat()
    except ValueError as error:
        raise UnfitError("is given a day that no calendar has") from error


def _clock_text(data: bytes) -> str:
    hour, minute, second = data[:3]
    micro = int.from_bytes(data[3:], "big")
    if hour > 23 or minute > 59 or second > 59 or micro > 999_999:
        raise UnfitError("is given a time that no clock shows")
    return f"{hour:02}:{minute:02}:{second:02}" + (f".{micro:06}" if micro else "")


def _date(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1)
    return Shell(DATE, _date_text(_state(arguments[0], 4)))


def _time(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1, 2)
    data = _state(arguments[0], 6)
    return Shell(TIME, _clock_text(bytes([data[0] % FOLD]) + data[1:]) + _zone_suffix(arguments))


def _moment(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1, 2)
    data = _state(arguments[0], 10)
    day = data[:2] + bytes([data[2] % FOLD]) + data[3:4]
    return Shell(MOMENT, f"{_date_text(day)}T{_clock_text(data[4:])}{_zone_suffix(arguments)}")


def _duration(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 3)
    days = a_number(arguments[0], "number of days", -999_999_999, 999_999_999)
    seconds = a_number(arguments[1], "number of seconds", 0, 86_399)
    return Shell(DURATION, (days, seconds, a_number(arguments[2], "number of microseconds", 0, 999_999)))


def _zone(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1, 2)
    offset = arguments[0]
    if type(offset) is not Shell or offset.kind != DURATION:
        raise UnfitError("is given an offset that is no duration")
    if len(arguments) == 2 and (type(arguments[1]) is not str or len(arguments[1]) > LONGEST_ZONE_NAME):
        raise UnfitError("is given a name that is no text")
    days, seconds, micro = offset.value
    whole = days * 86_400 + seconds
    if not -86_400 < whole < 86_400:
        raise UnfitError("is given an offset of more than a day")
    hours, rest = divmod(abs(whole), 3600)
    minutes, left = divmod(rest, 60)
    text = f"{'-' if whole < 0 else '+'}{hours:02}:{minutes:02}" + (f":{left:02}" if left or micro else "")
    return Shell(ZONE, text if whole or micro else "UTC")


NAMES: dict[tuple[str, str], Trusted] = {
    ("datetime", "date"): Trusted("a day, read from its four bytes", _date, level="data"),
    ("datetime", "time"): Trusted("a time of day, read from its six bytes", _time, level="data"),
    ("datetime", "datetime"): Trusted("a moment, read from its ten bytes", _moment, level="data"),
    ("datetime", "timedelta"): Trusted("a duration, which is three numbers", _duration, level="data"),
    ("datetime", "timezone"): Trusted("a time zone, which is a duration and a name", _zone, level="data"),
    # pytz's only zone that needs no look-up
    ("pytz", "_UTC"): Trusted("a time zone, which is UTC", made_empty(lambda: Shell(ZONE, "UTC")), level="data"),
}
