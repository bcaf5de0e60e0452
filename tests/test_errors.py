from __future__ import annotations

import pickle
import re

import pytest

from modelcypher_nb import errors

CLASSES = [getattr(errors, name) for name in errors.__all__ if name not in {"ModelCypherError", "PickleWarning"}]
# The exit codes that the contract gives for each error, and the builtin that it also is.
CONTRACT = {
    "UsageError": (64, ValueError),
    "SettingError": (64, ValueError),
    "NotAllowedError": (65, PermissionError),
    "JobStateError": (65, RuntimeError),
    "UnsafeFileError": (65, PermissionError),
    "ConflictError": (65, FileExistsError),
    "PathRefusedError": (66, PermissionError),
    "MissingFileError": (66, FileNotFoundError),
    "UnknownIdError": (66, LookupError),
    "MalformedError": (2, ValueError),
    "UnreadableError": (2, OSError),
    "UnsupportedFormatError": (3, ValueError),
    "MissingExtraError": (69, ImportError),
    "ServerError": (69, ConnectionError),
    "StorageError": (70, OSError),
    "InternalError": (70, RuntimeError),
}


def test_the_contract_knows_every_error_and_no_other() -> None:
    assert CONTRACT.keys() == {kind.__name__ for kind in CLASSES}
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert defined == set(errors.__all__)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_its_exit_code_and_is_the_natural_builtin(kind: type[errors.ModelCypherError]) -> None:
    code, builtin = CONTRACT[kind.__name__]
    assert kind.exit_code == code
    assert issubclass(kind, errors.ModelCypherError)
    assert issubclass(kind, builtin)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_says_what_is_wrong_and_what_to_do(kind: type[errors.ModelCypherError]) -> None:
    error = kind("The value 3 is wrong.", "Give 4.")
    assert (error.problem, error.remedy) == ("The value 3 is wrong.", "Give 4.")
    assert str(error) == "The value 3 is wrong. Give 4."
    assert error._render_traceback_() == [f"{kind.__name__}: The value 3 is wrong.", "  Give 4."]


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_survives_the_way_to_another_process(kind: type[errors.ModelCypherError]) -> None:
    again = pickle.loads(pickle.dumps(kind("What.", "How.")))  # noqa: S301 - what we just made
    assert type(again) is kind
    assert (again.problem, again.remedy) == ("What.", "How.")


def test_a_refusal_that_carries_an_offer_makes_it_when_it_is_shown() -> None:
    error = errors.PathRefusedError("Outside.", "Allow it.", folder="/data", roots=("/work",))
    offered: list[str | None] = []
    error.offer = lambda: offered.append(error.folder)  # type: ignore[attr-defined]
    error._render_traceback_()
    assert offered == ["/data"]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    told = re.findall(r"[├└]── (\w+)\s+(\w+)\s+(\d+)", errors.__doc__ or "")
    assert {name: (int(code), builtin) for name, builtin, code in told} == {
        name: (code, builtin.__name__) for name, (code, builtin) in CONTRACT.items()
    }
