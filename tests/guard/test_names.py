from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.errors import PathRefusedError
from modelcypher_nb.guard.names import components

REFUSED = [
    *("", ".", "..", "/", "/etc/passwd", "../x", "a/../x", "a/./b", "a//b", "a/"),
    *("a\\b", "..\\x", "C:", "C:x", "C:\\x", "\\\\server\\share", "//server/share", "file.txt:stream"),
    *("a*", "a?", 'a"b', "a<b", "a>b", "a|b", "a\0b", "a\nb", "a\x7fb", "a\u202eb", "a\u200bb", "a ", "a.", "a/b. "),
    *("con", "CON", "Con.txt", "con .txt", "nul", "prn.safetensors", "aux", "com1", "COM9.bin", "lpt0", "com¹"),
    *("conin$", "CONOUT$.x", "x" * 256, "ü" * 128),
]
ALLOWED = [
    *("a", "model-00001-of-00002.safetensors", "unet/x.safetensors", ".hidden", "...a", "a b", "ü" * 127),
    *("console", "com", "com10", "nulx", "a.con", "$x", "~root", "%2e%2e", "\uff0e\uff0e", "\u2025", "a\u2215b"),
]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.promise("PATHS-5")
def test_a_name_that_leaves_its_folder_on_any_system_is_refused(name: str) -> None:
    with pytest.raises(PathRefusedError, match="is refused") as caught:
        components(name)
    assert caught.value.problem.isprintable()


@pytest.mark.parametrize("name", ALLOWED)
def test_an_ordinary_name_is_split_and_never_changed(name: str) -> None:
    assert "/".join(components(name)) == name


@given(st.text(max_size=20))
def test_whatever_passes_stays_below_its_folder(name: str) -> None:
    try:
        parts = components(name)
    except PathRefusedError:
        return
    assert "/".join(parts) == name
    assert all(part not in {"", ".", ".."} and "\\" not in part and "\0" not in part for part in parts)
