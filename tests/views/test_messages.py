from __future__ import annotations

import re
from pathlib import Path

from modelcypher_nb.views import messages

SOURCE = Path(__file__).parents[2] / "frontend" / "src" / "messages.ts"
# The front end draws Sheets of its own making from these, and the kernel sends none.
INTERFACE = re.compile(r"export interface (\w+) \{\n(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"^  (\w+)(\??):", re.MULTILINE)


def typescript() -> dict[str, dict[str, bool]]:
    """Interface -> field -> whether it is required."""
    text = SOURCE.read_text("utf-8")
    return {name: {field: not mark for field, mark in FIELD.findall(body)} for name, body in INTERFACE.findall(text)}


def python() -> dict[str, dict[str, bool]]:
    """TypedDict -> key -> whether it is required."""
    found = {name: value for name, value in vars(messages).items() if hasattr(value, "__required_keys__")}
    return {name: {key: key in kind.__required_keys__ for key in kind.__annotations__} for name, kind in found.items()}


def test_each_typescript_interface_has_a_typed_dict_with_the_same_fields() -> None:
    assert python() == typescript()


def test_both_sides_name_the_same_mime_type_target_and_schema() -> None:
    text = SOURCE.read_text("utf-8")
    for name in ("MIME", "COMM_TARGET", "SCHEMA"):
        assert f'export const {name} = "{getattr(messages, name)}";' in text
