"""Every variable and lasting setting in one typed place that knows where each value came from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import SettingError
from .guard.secrets import remember, shown

__all__ = [
    "BY_KEY",
    "SETTINGS",
    "Setting",
    "SettingValue",
    "Settings",
    "default_home",
    "parse_setting",
    "remember_secrets",
]

PROFILES = ("assistant", "full", "training", "inference", "monitoring")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set.

    Attributes:
        key: its name in Python and in settings.toml.
        variable: its environment variable.
        parse: text to value; raises ValueError with what was expected.
        default: the value where nothing is set.
        meaning: one line for people.
        secret: shown and logged only as set or not set; may come from the working folder's `.env`.
        ours: whether settings.toml may hold it (secrets and other projects' variables never are kept there).
    """

    key: str
    variable: str
    parse: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False
    ours: bool = True


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting's value in force, and where it came from: default, environment, settings.toml or .env."""

    key: str
    variable: str
    value: Any
    origin: str
    meaning: str
    secret: bool


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a text that isn't empty")
    return text


def _switch(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in values:
        raise ValueError("1 or 0 (also true, false, yes, no, on, off)")
    return values[text.strip().lower()]


def _number(low: float, high: float, unit: str, *, whole: bool = False) -> Callable[[str], Any]:
    def parse(text: str) -> float | int:
        kind, bounds = ("whole number", f"{low:,} to {high:,}") if whole else ("number", f"{low:g} to {high:g}")
        expected = f"a {kind} of {unit} from {bounds}"
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            raise ValueError(expected) from None
        if not low <= value <= high:
            raise ValueError(expected)
        return value

    return parse


def _port(text: str) -> int:
    expected = "a port from 1 to 65535"
    try:
        value = int(text)
    except ValueError:
        raise ValueError(expected) from None
    if not 1 <= value <= 65535:
        raise ValueError(expected)
    return value


def _choice(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError("one of " + ", ".join(values))
        return text

    return parse


def _paths(text: str) -> tuple[str, ...]:
    paths = tuple(os.path.expanduser(part) for part in text.split(os.pathsep) if part)  # noqa: PTH111
    relative = [path for path in paths if not os.path.isabs(path)]  # noqa: PTH117
    if relative or "\0" in text:
        raise ValueError(f"absolute folders separated by '{os.pathsep}'")
    return paths


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    if any("/" in host or " " in host for host in hosts):
        raise ValueError("host names separated by commas, without a scheme")
    return hosts


MIB = 1 << 20
# How much a file may ask for before it is refused; formats/limits.py says of each what it bounds.
_LIMITS = (
    Setting("limit_pickle_bytes", "MC_LIMIT_PICKLE_BYTES", _number(1, 1 << 40, "bytes", whole=True), 256 * MIB,
            "the longest pickle that is read"),
    Setting("limit_nesting", "MC_LIMIT_NESTING", _number(1, 10_000, "levels", whole=True), 1_000,
            "how deep a file's values may nest"),
    Setting("limit_members", "MC_LIMIT_MEMBERS", _number(1, 10_000_000, "members", whole=True), 200_000,
            "how many members an archive may have"),
    Setting("limit_unpacked_ratio", "MC_LIMIT_UNPACKED_RATIO", _number(1, 1_000_000, "times", whole=True), 100,
            "how many times its packed size a stream may unpack to"),
    Setting("limit_unpacked_slack", "MC_LIMIT_UNPACKED_SLACK", _number(0, 1 << 40, "bytes", whole=True), 64 * MIB,
            "what any stream may unpack to beyond that"),
    Setting("limit_expanded_ratio", "MC_LIMIT_EXPANDED_RATIO", _number(1, 1_000_000, "times", whole=True), 1_000,
            "how many times its stored bytes a tensor may take"),
    Setting("limit_expanded_slack", "MC_LIMIT_EXPANDED_SLACK", _number(0, 1 << 40, "bytes", whole=True), 64 * MIB,
            "what any tensor may take beyond that"),
)  # fmt: skip

SETTINGS: tuple[Setting, ...] = (
    Setting("home", "MODELCYPHER_NB_HOME", _text, None, "the folder of catalog, runs and checkpoints", ours=False),
    Setting("allowed_paths", "MC_ALLOWED_PATHS", _paths, (), "more folders that may be touched"),
    Setting("allowed_paths_for", "MC_ALLOWED_PATHS_FOR", _choice("people", "everyone"), "people",
            "whether the allowed folders are for people only or also for assistants"),
    Setting("hf_token", "HF_TOKEN", _text, None, "the Hugging Face token", secret=True, ours=False),
    Setting("hf_home", "HF_HOME", _text, None, "Hugging Face's folder", ours=False),
    Setting("hf_hub_cache", "HF_HUB_CACHE", _text, None, "the Hub's cache, an allowed folder", ours=False),
    Setting("hf_endpoint", "HF_ENDPOINT", _text, None, "the Hub's address", ours=False),
    Setting("mlflow_tracking_uri", "MLFLOW_TRACKING_URI", _text, None, "the MLflow server", ours=False),
    Setting("mlflow_tracking_username", "MLFLOW_TRACKING_USERNAME", _text, None, "its user", secret=True, ours=False),
    Setting("mlflow_tracking_password", "MLFLOW_TRACKING_PASSWORD", _text, None, "its password", secret=True,
            ours=False),
    Setting("mlflow_tracking_token", "MLFLOW_TRACKING_TOKEN", _text, None, "its token", secret=True, ours=False),
    Setting("mcp_profile", "MC_MCP_PROFILE", _choice(*PROFILES), "assistant", "which tools assistants see"),
    Setting("mcp_rate", "MC_MCP_RATE", _number(0.1, 1000, "calls a second"), 10.0, "a principal's calls a second"),
    Setting("mcp_burst", "MC_MCP_BURST", _number(1, 1000, "calls", whole=True), 20, "calls before the rate counts"),
    Setting("mcp_host", "MC_MCP_HOST", _text, "127.0.0.1", "the server's address"),
    Setting("mcp_port", "MC_MCP_PORT", _port, None,
            "the server's port; unset takes a free one"),
    Setting("mcp_public_url", "MC_MCP_PUBLIC_URL", _text, None, "the address that clients use"),
    Setting("mcp_tls_cert", "MC_MCP_TLS_CERT", _text, None, "the server's certificate"),
    Setting("mcp_tls_key", "MC_MCP_TLS_KEY", _text, None, "the certificate's key"),
    Setting("mcp_auth_enabled", "MC_MCP_AUTH_ENABLED", _switch, default=False,
            meaning="OAuth 2.1 instead of the launch token"),
    Setting("mcp_auth_issuer", "MC_MCP_AUTH_ISSUER", _text, None, "the authorization server"),
    Setting("mcp_auth_audience", "MC_MCP_AUTH_AUDIENCE", _text, None, "the audience that tokens must name"),
    Setting("mcp_auth_jwks_uri", "MC_MCP_AUTH_JWKS_URI", _text, None, "where its keys are"),
    Setting("mcp_auth_introspection_uri", "MC_MCP_AUTH_INTROSPECTION_URI", _text, None, "where it answers for tokens"),
    Setting("mcp_auth_introspection_client_id", "MC_MCP_AUTH_INTROSPECTION_CLIENT_ID", _text, None, "our id there"),
    Setting("mcp_auth_introspection_client_secret", "MC_MCP_AUTH_INTROSPECTION_CLIENT_SECRET", _text, None,
            "our secret there", secret=True, ours=False),
    Setting("mcp_auth_leeway", "MC_MCP_AUTH_LEEWAY", _number(0, 60, "seconds"), 0.0, "tolerated clock difference"),
    Setting("mcp_require_confirmation", "MC_MCP_REQUIRE_CONFIRMATION", _switch, default=True,
            meaning="destructive tools ask first"),
    Setting("mcp_confirmation_timeout", "MC_MCP_CONFIRMATION_TIMEOUT", _number(1, 86400, "seconds"), 300.0,
            "how long a confirmation may wait"),
    Setting("mcp_confirmation_mode", "MC_MCP_CONFIRMATION_MODE", _choice("human", "token"), None, "who confirms"),
    Setting("allow_plain_http", "MC_ALLOW_PLAIN_HTTP", _hosts, (), "hosts that may be reached without TLS"),
    *_LIMITS,
)  # fmt: skip

BY_KEY = {setting.key: setting for setting in SETTINGS}
ENV_FILE_SECRETS = frozenset(
    setting.variable for setting in SETTINGS if setting.secret and not setting.variable.startswith("MC_")
)


def default_home(environment: Mapping[str, str]) -> str:
    """The toolkit's home: `MODELCYPHER_NB_HOME`, else the platform's user data folder."""
    named = environment.get("MODELCYPHER_NB_HOME", "")
    if named:
        path = os.path.expanduser(named)  # noqa: PTH111
        if not os.path.isabs(path):  # noqa: PTH117
            raise SettingError(
                f"MODELCYPHER_NB_HOME is '{shown(named, 80)}', which is no absolute folder.",
                "Set it to an absolute path, or unset it to use the platform's data folder.",
            )
        return path
    if os.uname().sysname == "Linux":  # what platformdirs does too; importing it takes a sixth of a command's start
        data = environment.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")  # noqa: PTH111
        return os.path.join(data, "modelcypher_nb")  # noqa: PTH118
    import platformdirs

    return platformdirs.user_data_dir("modelcypher_nb", appauthor=False)


def remember_secrets(environment: Mapping[str, str]) -> None:
    """Have what is secret in an environment redacted from now on, where no session reads the settings first."""
    for setting in SETTINGS:
        if setting.secret:
            remember(environment.get(setting.variable))


class Settings:
    """The values in force: environment first, then settings.toml, then the working folder's `.env` (secrets only).

    Args:
        environment: the process's variables.
        lasting: what settings.toml holds, key to text.
        env_file: what the working folder's `.env` holds.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        lasting: Mapping[str, str] | None = None,
        env_file: Mapping[str, str | None] | None = None,
    ) -> None:
        self._environment = dict(environment)
        self._lasting = dict(lasting or {})
        self._env_file = {key: value for key, value in (env_file or {}).items() if value}
        self.notices = self._ignored()
        for setting in SETTINGS:
            if setting.secret:
                remember(self._raw(setting)[0])

    def _ignored(self) -> tuple[str, ...]:
        """One sentence for each key of `.env` or settings.toml that isn't taken, with the remedy."""
        allowed = ", ".join(sorted(ENV_FILE_SECRETS))
        notes = [
            f".env sets {shown(key, 60)}, which is ignored: that file may hold only {allowed}. "
            "Set it in your shell's environment instead."
            for key in self._env_file
            if key not in ENV_FILE_SECRETS and (key.startswith(("MC_", "HF_", "MLFLOW_", "MODELCYPHER_")))
        ]
        notes += [
            f"settings.toml sets {shown(key, 60)}, which is no lasting setting. See the keys with: mc settings show"
            for key in self._lasting
            if key not in BY_KEY or not BY_KEY[key].ours
        ]
        return tuple(notes)

    def _raw(self, setting: Setting) -> tuple[str | None, str]:
        if self._environment.get(setting.variable):
            return self._environment[setting.variable], "environment"
        if setting.ours and setting.key in self._lasting:
            return self._lasting[setting.key], "settings.toml"
        if setting.variable in ENV_FILE_SECRETS and setting.variable in self._env_file:
            return self._env_file[setting.variable], ".env"
        return None, "default"

    def entry(self, key: str) -> SettingValue:
        """A setting with its origin.

        Raises:
            SettingError: its value doesn't parse; the sentence names the variable.
        """
        setting = BY_KEY[key]
        raw, origin = self._raw(setting)
        value = setting.default if raw is None else parse_setting(setting, raw, origin)
        return SettingValue(key, setting.variable, value, origin, setting.meaning, setting.secret)

    def __getitem__(self, key: str) -> Any:
        return self.entry(key).value

    def entries(self) -> tuple[SettingValue, ...]:
        """All settings, in the table's order."""
        return tuple(self.entry(setting.key) for setting in SETTINGS)

    def check(self) -> None:
        """Raise the first SettingError, so that a senseless value stops at the start and not in the middle."""
        self.entries()

    def with_lasting(self, key: str, text: str) -> Settings:
        """These settings with one more lasting value."""
        return Settings(self._environment, {**self._lasting, key: text}, self._env_file)


def _fallback(setting: Setting) -> str:
    if setting.default in {None, ()}:
        return ""
    return f" to use the default ({int(setting.default) if isinstance(setting.default, bool) else setting.default})"


def parse_setting(setting: Setting, raw: str, origin: str) -> Any:
    """Parse one value.

    Raises:
        SettingError: it doesn't parse.
    """
    try:
        return setting.parse(raw)
    except ValueError as error:
        name = setting.key if origin == "settings.toml" else setting.variable
        value = "a secret" if setting.secret else f"'{shown(raw, 80)}'"
        raise SettingError(
            f"{name} ({origin}) is {value}, but {error} is expected.",
            f"Correct it, or unset it{_fallback(setting)}.",
        ) from error
