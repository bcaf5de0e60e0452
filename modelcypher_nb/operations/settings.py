"""The verbs of settings: show, set, allow."""

from __future__ import annotations

from typing import Annotated

from ..errors import UnknownIdError, UsageError
from ..guard.secrets import shown
from ..settings import BY_KEY, SettingValue, parse_setting
from .facts import SettingFacts, SettingsFacts
from .operation import Param, operation
from .session import Call, Session

__all__: list[str] = []

SETTINGS_FILE = "settings.toml"


def _shown(entry: SettingValue) -> SettingFacts:
    if entry.value is None:
        value = "not set"
    elif entry.secret:
        value = "set"
    elif isinstance(entry.value, tuple):
        value = ", ".join(entry.value) or "none"
    else:
        value = str(entry.value)
    return SettingFacts(entry.key, entry.variable, shown(value), entry.origin, entry.meaning)


def _facts(session: Session, keys: tuple[str, ...] | None = None) -> SettingsFacts:
    """Every setting, or those of these keys."""
    settings = tuple(_shown(entry) for entry in session.settings.entries() if keys is None or entry.key in keys)
    return SettingsFacts(settings, session.settings.notices, tuple(shown(root.path) for root in session.guard.roots))


@operation(effect="read", profiles=("monitoring",))
def settings_show(call: Call) -> SettingsFacts:
    """Show every setting, its value (a secret's only as set or not) and where it came from."""
    return _facts(call.session)


@operation(effect="write", idempotent=True, people_only=True)
def settings_set(
    call: Call,
    key: Annotated[str, Param("The setting, as `settings show` names it.", kind="setting")],
    value: Annotated[str, Param("The new value, as the variable would hold it.")],
) -> SettingsFacts:
    """Keep a setting for good in the settings file of the toolkit's home; the environment still wins over it."""
    setting = BY_KEY.get(key)
    if setting is None:
        raise UnknownIdError(f"There is no setting '{shown(key, 60)}'.", "List them with: mc settings show")
    if not setting.ours:
        raise UsageError(
            f"{key} isn't kept in the settings file: it is a secret or another program's variable.",
            f"Set it in the environment: export {setting.variable}=...",
        )
    parse_setting(setting, value, SETTINGS_FILE)
    _keep(call.session, key, value)
    call.session.settings = call.session.settings.with_lasting(key, value)
    return _facts(call.session, (key,))


def _keep(session: Session, key: str, value: str) -> None:
    import tomlkit

    home = session.home
    with home.lock("settings.lock"):
        document = tomlkit.document()
        if any(entry.name == SETTINGS_FILE for entry in home.list()):
            with home / SETTINGS_FILE as safe:
                document = tomlkit.parse(safe.read_bytes(1 << 20).decode())
        document[key] = value
        with home.replace(SETTINGS_FILE) as file:
            file.write(tomlkit.dumps(document).encode())


@operation(effect="write", idempotent=True, people_only=True)
def settings_allow(
    call: Call,
    path: Annotated[str, Param("The folder, or a file whose folder is meant.", kind="path")],
    lasting: Annotated[bool, Param("Keep it for later sessions too.")] = False,
) -> SettingsFacts:
    """Allow a folder for this session, for people only; with `lasting`, for later sessions too."""
    folder = call.session.allow(path)
    if lasting:
        import os

        kept = call.session.settings["allowed_paths"]
        if call.session.settings.entry("allowed_paths").origin == "environment":
            raise UsageError(
                "MC_ALLOWED_PATHS is set in the environment, which wins over the settings file.",
                "Add the folder there, or unset the variable first.",
            )
        folders = os.pathsep.join(dict.fromkeys((*kept, folder)))
        _keep(call.session, "allowed_paths", folders)
        call.session.settings = call.session.settings.with_lasting("allowed_paths", folders)
    return _facts(call.session, ("allowed_paths",) if lasting else ())
