from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.guard import secrets
from modelcypher_nb.guard.secrets import redact, remember, shown

TOKEN = "hf_" + "aB3dE5" * 6
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", set())


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"token {TOKEN}.", "token hf_[redacted]."),
        (f"https://huggingface.co/?t={TOKEN}&x=1", "https://huggingface.co/?t=hf_[redacted]&x=1"),
        ("api_org_" + "x" * 30, "api_org_[redacted]"),
        ("confirm_" + "aA1_-" * 8, "confirm_[redacted]"),
        ("Authorization: Bearer abc.def-123/45=", "Authorization: Bearer [redacted]"),
        ("https://user:hunter2@mlflow.example/x", "https://user:[redacted]@mlflow.example/x"),
        ("postgresql+psycopg://u:p%40ss@db:5432", "postgresql+psycopg://u:[redacted]@db:5432"),
        (f"jwt={JWT};", "jwt=[redacted];"),
    ],
)
@pytest.mark.promise("SECRETS-4")
def test_secrets_of_known_shapes_are_replaced_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted
    assert shown(text) == redacted


@pytest.mark.parametrize(
    "text", ["hf_model", "sha256:" + "a" * 64, "http://localhost:8888/lab", "bearer of news", "a@b"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert shown(text) == text


def test_a_remembered_value_is_redacted_wherever_it_stands() -> None:
    remember("correct horse")
    assert redact("xcorrect horsex") == "x[redacted]x"


def test_of_two_remembered_values_the_longer_goes_whole() -> None:
    remember("password")
    remember("password-and-more")
    assert redact("password-and-more") == "[redacted]"


@pytest.mark.parametrize("value", [None, "", "short"])
def test_a_value_too_short_to_tell_from_words_is_not_remembered(value: str | None) -> None:
    remember(value)
    assert redact("a short text") == "a short text"


@given(st.integers(0, 9000), st.integers(0, 300))
def test_a_secret_at_the_cut_never_shows(before: int, limit: int) -> None:
    text = shown("-" * before + TOKEN + "-" * 9000, limit + 1)
    assert TOKEN[3:19] not in text
    assert len(text) <= limit + 1


def test_a_secret_behind_many_others_never_shows_in_part() -> None:
    text = shown(f"{TOKEN} " * 200, 500)
    assert "aB3dE5" not in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\r\t\0", "a\\x0ab\\x0d\\x09\\x00"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("soft\xadhyphen\u3164", "soft\\xadhyphen\\u3164"),
        ("half \ud800", "half \\ud800"),
        ("Müller \U0001f600 模型", "Müller \U0001f600 模型"),
    ],
)
def test_deceiving_characters_are_shown_as_what_they_are(text: str, escaped: str) -> None:
    assert shown(text) == escaped


@given(st.text(max_size=40) | st.binary(max_size=20) | st.lists(st.integers()), st.integers(1, 50))
def test_whatever_is_shown_is_short_encodable_and_free_of_controls(value: object, limit: int) -> None:
    text = shown(value, limit)
    assert len(text) <= limit
    text.encode()
    assert not secrets.DECEIVING.search(text)


@pytest.mark.parametrize("unit", ["a.", "eyJ-", "eyJaaaaaaaa.", "a://", "a://b:", "Bearer ", "hf_", "confirm_"])
def test_a_text_made_to_slow_redaction_down_costs_in_proportion_to_its_length(unit: str) -> None:
    # 2 MB: with a cost that grew with the square, this ran into the test's time limit.
    redact(unit * (2_000_000 // len(unit)))


def test_random_words_are_never_taken_for_secrets() -> None:
    words = " ".join(string.ascii_lowercase[n:] for n in range(20))
    assert redact(words) == words
