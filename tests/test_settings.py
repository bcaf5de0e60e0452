"""Settings: each value knows its origin, a senseless one names its variable, and a stranger's .env sets nothing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelcypher_nb
from modelcypher_nb.errors import SettingError
from modelcypher_nb.settings import BY_KEY, SETTINGS, Setting, Settings, default_home


def test_nothing_set_gives_the_defaults() -> None:
    settings = Settings({})
    settings.check()
    assert (settings["mcp_profile"], settings["mcp_rate"], settings["allowed_paths"]) == ("assistant", 10.0, ())
    assert {entry.origin for entry in settings.entries()} == {"default"}


def test_the_environment_wins_over_the_lasting_file() -> None:
    settings = Settings({"MC_MCP_RATE": "3"}, {"mcp_rate": "5", "mcp_burst": "7"})
    assert (settings.entry("mcp_rate").value, settings.entry("mcp_rate").origin) == (3.0, "environment")
    assert (settings.entry("mcp_burst").value, settings.entry("mcp_burst").origin) == (7, "settings.toml")


def test_an_empty_variable_is_unset() -> None:
    assert Settings({"MC_MCP_RATE": ""}).entry("mcp_rate").origin == "default"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MC_MCP_RATE", "fast"),
        ("MC_MCP_RATE", "0"),
        ("MC_MCP_RATE", "nan"),
        ("MC_MCP_BURST", "1.5"),
        ("MC_MCP_PORT", "0"),
        ("MC_MCP_PORT", "65536"),
        ("MC_MCP_PROFILE", "everything"),
        ("MC_MCP_AUTH_ENABLED", "perhaps"),
        ("MC_MCP_CONFIRMATION_MODE", "maybe"),
        ("MC_ALLOWED_PATHS", "relative/folder"),
        ("MC_ALLOWED_PATHS_FOR", "nobody"),
        ("MC_ALLOW_PLAIN_HTTP", "http://host"),
        ("MC_MCP_HOST", "   "),
        ("MC_LIMIT_NESTING", "0"),
        ("MC_LIMIT_PICKLE_BYTES", "1 GB"),
        ("MC_LIMIT_MEMBERS", "1e4"),
    ],
)
def test_a_senseless_value_names_its_variable_and_what_is_expected(variable: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings({variable: text}).check()
    assert variable in caught.value.problem
    assert "expected" in caught.value.problem
    assert caught.value.exit_code == 64


def test_a_senseless_value_of_the_lasting_file_names_its_key() -> None:
    with pytest.raises(SettingError, match=r"mcp_rate \(settings\.toml\)"):
        Settings({}, {"mcp_rate": "fast"}).check()


@given(st.sampled_from(SETTINGS), st.text())
def test_any_text_is_a_value_or_an_error_of_ours(setting: Setting, text: str) -> None:
    try:
        Settings({setting.variable: text}).entry(setting.key)
    except SettingError as error:
        named = setting.variable in error.problem
    else:
        named = True
    assert named


def test_allowed_paths_are_separated_as_in_path() -> None:
    assert Settings({"MC_ALLOWED_PATHS": "/a:/b c::~/d"})["allowed_paths"][:2] == ("/a", "/b c")
    assert Settings({"MC_ALLOWED_PATHS": "~/d"})["allowed_paths"][0].startswith("/")


@pytest.mark.promise("SECRETS-2")
def test_the_env_file_gives_secrets_and_nothing_else() -> None:
    settings = Settings(
        {},
        env_file={
            "HF_TOKEN": "hf_abcdefghijklmnopqrstuvwxyz",
            "MC_ALLOWED_PATHS": "/",
            "HF_ENDPOINT": "https://elsewhere",
            "MODELCYPHER_NB_HOME": "/tmp",
            "OTHER": "x",
        },
    )
    assert (settings.entry("hf_token").origin, settings["allowed_paths"], settings["hf_endpoint"]) == (".env", (), None)
    assert settings["home"] is None
    assert [note.split()[2].rstrip(",") for note in settings.notices] == [
        "MC_ALLOWED_PATHS",
        "HF_ENDPOINT",
        "MODELCYPHER_NB_HOME",
    ]
    assert all("Set it in your shell's environment" in note for note in settings.notices)


def test_no_switch_of_ours_comes_from_an_env_file() -> None:
    everything = {setting.variable: "1" for setting in SETTINGS}
    settings = Settings({}, env_file=everything)
    taken = {setting.variable for setting in SETTINGS if settings._raw(setting)[1] == ".env"}
    assert taken == {"HF_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}


def test_a_secret_is_never_in_an_error_or_a_lasting_file() -> None:
    assert not [setting.key for setting in SETTINGS if setting.secret and setting.ours]
    settings = Settings({}, {"hf_token": "hf_abcdefghijklmnopqrstuvwxyz", "colour": "red"})
    assert settings["hf_token"] is None
    assert len(settings.notices) == 2
    assert "abcdefghijklmnop" not in "".join(settings.notices)


def test_keys_and_variables_are_unique_and_explained() -> None:
    assert len({setting.key for setting in SETTINGS}) == len(SETTINGS) == len(BY_KEY)
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.meaning for setting in SETTINGS)


@pytest.mark.parametrize("variable", ["", "/data", "  "])
def test_the_default_home_is_the_platform_s_data_folder(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", variable)
    assert default_home({"XDG_DATA_HOME": variable}) == platformdirs.user_data_dir("modelcypher_nb", appauthor=False)


def test_a_home_must_be_absolute() -> None:
    assert default_home({"MODELCYPHER_NB_HOME": "/data/home"}) == "/data/home"
    assert default_home({"MODELCYPHER_NB_HOME": "~/home"}).endswith("/home")
    with pytest.raises(SettingError, match="MODELCYPHER_NB_HOME"):
        default_home({"MODELCYPHER_NB_HOME": "home"})


def test_a_lasting_value_is_read_by_the_next_session(home: Path, work: Path) -> None:
    import modelcypher_nb as mc
    from modelcypher_nb.operations.session import Session

    mc.settings_set("mcp_burst", "33")
    assert tomllib.loads((home / "settings.toml").read_text()) == {"mcp_burst": "33"}
    assert Session().settings.entry("mcp_burst").origin == "settings.toml"


def test_the_limits_of_a_reading_are_settings_with_the_readers_own_defaults(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import fields

    from modelcypher_nb.formats.limits import LIMITS, Limits
    from modelcypher_nb.operations.session import Session

    keys = {setting.key.removeprefix("limit_") for setting in SETTINGS if setting.key.startswith("limit_")}
    assert keys == {item.name for item in fields(Limits)}
    assert Session().limits == LIMITS
    monkeypatch.setenv("MC_LIMIT_NESTING", "7")
    assert Session().limits.nesting == 7


def test_every_limit_that_a_refusal_names_can_be_set() -> None:
    package = Path(modelcypher_nb.__file__).parent
    named = {name for path in package.rglob("*.py") for name in re.findall(r"MC_LIMIT_[A-Z_]+", path.read_text())}
    assert len(named) >= 5
    assert named <= {setting.variable for setting in SETTINGS}
