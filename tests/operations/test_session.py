"""A session pins what may be touched when it starts; people widen it, assistants don't."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import modelcypher_nb as mc
from modelcypher_nb.errors import (
    MalformedError,
    MissingFileError,
    PathRefusedError,
    SettingError,
    UnknownIdError,
    UsageError,
)
from modelcypher_nb.operations.session import Session, current


def roots(session: Session) -> dict[str, str]:
    return {root.path: root.kind for root in session.guard.roots}


def test_the_roots_are_home_working_folder_hub_cache_and_what_is_allowed(
    home: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    monkeypatch.setenv("MC_ALLOWED_PATHS", str(extra))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert roots(Session()) == {
        str(home): "home",
        str(work): "working",
        str(tmp_path / "hub"): "hub",
        str(extra): "allowed",
    }


def test_a_later_chdir_changes_nothing(session: Session, work: Path, tmp_path: Path) -> None:
    before = roots(session)
    os.chdir(tmp_path)
    assert roots(session) == before
    (work / "x.txt").write_text("x")
    with session.guard.open("x.txt") as safe:
        assert safe.location == str(work / "x.txt")


def test_an_assistant_has_the_working_folder_and_what_was_allowed_for_everyone(
    home: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    monkeypatch.setenv("MC_ALLOWED_PATHS", str(extra))
    people = Session()
    assert [root.path for root in people.assistant("x").guard.roots] == [str(work)]
    people.allow(str(tmp_path))
    assert [root.path for root in people.assistant("x").guard.roots] == [str(work)]
    monkeypatch.setenv("MC_ALLOWED_PATHS_FOR", "everyone")
    assert [root.path for root in Session().assistant("x").guard.roots] == [str(work), str(extra)]


def test_looking_writes_nothing(home: Path) -> None:
    Session()
    assert not home.exists()
    mc.model_list()
    mc.status()
    assert not list(home.iterdir())


def test_the_home_is_private(session: Session, home: Path) -> None:
    mc.settings_set("mcp_burst", "30")
    assert home.stat().st_mode & 0o777 == 0o700


def test_the_process_has_one_session(session: Session) -> None:
    assert current() is session is mc.session()


def test_allowing_lasts_as_long_as_it_says(session: Session, tmp_path: Path, home: Path) -> None:
    for name in ("brief", "lasting"):
        (tmp_path / name).mkdir()
    mc.allow(tmp_path / "brief")
    assert str(tmp_path / "brief") in mc.status().roots
    mc.allow(tmp_path / "lasting", lasting=True)
    later = roots(Session())
    assert str(tmp_path / "lasting") in later
    assert str(tmp_path / "brief") not in later
    assert [row.operation for row in mc.mcp_audit().items] == ["settings_allow", "settings_allow"]


def test_a_misspelt_folder_never_allows_the_one_above(session: Session, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="Name one that exists"):
        mc.allow(tmp_path / "misspelt")
    assert str(tmp_path) not in roots(session)


def test_a_file_allows_its_folder_and_nothing_is_a_mistake(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("")
    mc.allow(tmp_path / "a" / "file")
    assert str(tmp_path / "a") in mc.status().roots
    with pytest.raises(MissingFileError):
        mc.allow(tmp_path / "absent" / "file")


def test_a_file_in_the_users_home_is_allowed_alone(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "person"
    person.mkdir()
    (person / "net.safetensors").write_text("")
    monkeypatch.setenv("HOME", str(person))
    mc.allow("~/net.safetensors", lasting=True)
    assert str(person / "net.safetensors") in roots(session)
    assert str(person / "net.safetensors") in roots(Session())
    assert str(person) not in roots(session)


def test_a_lasting_folder_beside_the_variable_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MC_ALLOWED_PATHS", str(tmp_path / "work"))
    (tmp_path / "more").mkdir()
    with pytest.raises(UsageError, match="MC_ALLOWED_PATHS"):
        mc.allow(tmp_path / "more", lasting=True)
    assert not (home / "settings.toml").exists()


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("colour", "red", UnknownIdError),
        ("hf_token", "hf_x", UsageError),
        ("home", "/x", UsageError),
        ("mcp_rate", "fast", SettingError),
        ("mcp_profile", "everything", SettingError),
    ],
)
def test_a_setting_that_can_t_be_kept_keeps_nothing(
    session: Session, home: Path, key: str, value: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        mc.settings_set(key, value)
    assert not (home / "settings.toml").exists()


@pytest.mark.promise("SECRETS-3")
def test_settings_show_says_of_a_secret_only_whether_it_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-secret-of-no-known-shape")
    facts = mc.settings_show()
    shown = {row.key: row.value for row in facts.settings}
    assert (shown["hf_token"], shown["mlflow_tracking_token"]) == ("set", "not set")
    assert "a-secret-of-no-known-shape" not in repr(facts)


def test_a_broken_settings_file_is_an_error_that_names_it(home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("mcp_rate = = 3")
    with pytest.raises(SettingError, match=r"settings\.toml isn't valid TOML"):
        Session()


@pytest.mark.promise("SECRETS-2")
def test_the_working_folder_s_env_file_is_read_by_a_library_and_its_switches_are_ignored(
    home: Path, work: Path
) -> None:
    (work / ".env").write_text("HF_TOKEN='hf_abcdefghijklmnopqrstuvwxyz'\nexport MC_ALLOWED_PATHS=/\n")
    settings = Session().settings
    assert settings.entry("hf_token").origin == ".env"
    assert "MC_ALLOWED_PATHS" in settings.notices[0]
    assert "/" not in roots(Session())


def test_no_other_env_file_is_read(home: Path, work: Path) -> None:
    (work.parent / ".env").write_text("HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz\n")
    assert Session().settings["hf_token"] is None


def test_an_env_file_that_leads_elsewhere_is_an_error(home: Path, work: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("HF_TOKEN=x\n")
    (work / ".env").symlink_to(tmp_path / "secret")
    with pytest.raises(MalformedError, match=r"\.env can't be read"):
        Session()


def test_a_refusal_offers_the_folder_to_people_only(session: Session, tmp_path: Path) -> None:
    offered: list[str | None] = []
    session.offer_allow = lambda error: offered.append(error.folder)
    path = str(tmp_path / "elsewhere" / "x.safetensors")
    with pytest.raises(PathRefusedError) as person:
        mc.model_show(path)
    person.value._render_traceback_()
    assert offered == [str(tmp_path / "elsewhere")]
    from modelcypher_nb.operations.operation import find, run

    with pytest.raises(PathRefusedError) as assistant:
        run(find("model_show"), session.assistant("x"), {"model_id": path})
    assistant.value._render_traceback_()
    assert len(offered) == 1
