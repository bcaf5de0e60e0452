from __future__ import annotations

import pytest

from modelcypher_nb.views import numbers as n


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (999_950, "1.00 M"),
        (22_713_216, "22.7 M"),
        (7_000_000_000, "7.00 B"),
    ],
)
def test_counts_have_three_digits_and_a_unit(value: float, text: str) -> None:
    assert n.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (999_500, "1.00 MB"), (90_868_376, "90.9 MB"), (12_345, "12.3 kB")]
)
def test_bytes_are_in_powers_of_a_thousand(value: int, text: str) -> None:
    assert n.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NaN"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
        (0.0, "0"),
        (0.42345, "0.423"),
        (-0.001234, "-0.00123"),
        (0.000321, "3.21e-04"),
        (1234.5, "1,234"),
        (3.1e7, "3.10e+07"),
    ],
)
def test_a_measured_number_has_three_digits(value: float | None, text: str) -> None:
    assert n.metric(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.123, "0.12 s"), (9.94, "9.9 s"), (42, "42 s"), (187, "3 min 07 s"), (7500, "2 h 05 min"), (273_600, "3 d 4 h")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert n.duration(seconds) == text


def test_a_time_is_written_in_utc() -> None:
    assert n.iso(1_700_000_000.9) == "2023-11-14T22:13:20Z"


def test_a_scalar_has_no_shape() -> None:
    assert n.shape(()) == "scalar"
    assert n.shape((384, 1536)) == "384 \N{MULTIPLICATION SIGN} 1,536"
