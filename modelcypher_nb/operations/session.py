"""A Session is one a process (settings, guard, registry, live runs); a Call says who asks."""

from __future__ import annotations

import importlib
import io
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import MalformedError, ModelCypherError, PathRefusedError, SettingError
from ..extras import running_shell
from ..guard.paths import Guard, allowable, home_guard
from ..guard.roots import Root, working_folder
from ..guard.secrets import shown
from ..settings import Settings, default_home

if TYPE_CHECKING:
    from ..formats.limits import Limits
    from ..guard.safe_path import Identity, SafePath
    from ..store.catalog import Catalog
    from ..store.run_store import RunStore
    from ..training.run import Run
    from .facts import ServerConfig, ServerFacts
    from .operation import Operation

__all__ = ["PERSON", "SCOPES", "Call", "ServerControl", "Session", "Tell", "current"]

PERSON = "person"
SCOPES = frozenset({"mc:read", "mc:train", "mc:write", "mc:destroy"})
SMALL_FILE_BYTES = 1 << 20
Tell = Callable[[int, int], None]  # how much is done, of how much
ENV_FILE_BYTES = 64 << 10  # a stranger may have written it, and its reader takes its time

# The one arrow that points up: the server is a surface, and mcp_start is a verb. It is loaded late, by name, and
# typed by ServerControl, so that this floor doesn't import it.
SERVER = ("modelcypher_nb.surfaces.mcp.control", "control")


class ServerControl(Protocol):
    """What mcp_start, mcp_stop and mcp_status need of the server."""

    def start(self, session: Session) -> ServerFacts:
        """Start it, or give the running one."""
        ...

    def stop(self, session: Session) -> ServerFacts:
        """Stop it; harmless when it isn't running."""
        ...

    def status(self, session: Session) -> ServerFacts:
        """What runs here, or in another process on the same home."""
        ...

    def config(self, session: Session, client: str | None) -> ServerConfig:
        """Snippets for clients."""
        ...


class Session:
    """The state of one process: nothing in it is trusted by another process but the catalog.

    Args:
        environment: variables; the process's own where None.
        start: the folder that relative paths mean; the current one where None.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, start: str | None = None) -> None:
        self.environment = dict(os.environ if environment is None else environment)
        self.start = os.path.realpath(start or os.getcwd())  # noqa: PTH109
        self.home_path = default_home(self.environment)
        self.working = working_folder(self.start)
        self.nonce = os.urandom(16).hex()
        self.runs: dict[str, Run] = {}
        self.offer_allow: Callable[[PathRefusedError], None] | None = None
        self.show_progress: Callable[[str], AbstractContextManager[Tell]] | None = None
        self.warned: set[Identity] = set()  # files whose loading was warned of
        self._home: SafePath | None = None
        self._catalog: Catalog | None = None
        self.settings = self._load_settings()
        self.guard = self._pinned()

    def _load_settings(self) -> Settings:
        lasting: dict[str, str] = {}
        if os.path.exists(os.path.join(self.home_path, "settings.toml")):  # noqa: PTH110, PTH118
            lasting = _lasting(self.home)
        env_file: dict[str, str | None] = {}
        if self.working is not None and os.path.lexists(os.path.join(self.working, ".env")):  # noqa: PTH118
            env_file = _env_file(self.working)
        return Settings(self.environment, lasting, env_file)

    def _pinned(self) -> Guard:
        roots = [Root.pin(self.home_path, "home")]
        if self.working is not None:
            roots.append(Root.pin(self.working, "working", for_assistants=True))
        roots.append(Root.pin(self._hub_cache(), "hub"))
        try:
            allowed, everyone = self.settings["allowed_paths"], self.settings["allowed_paths_for"] == "everyone"
        except SettingError:  # every operation but doctor refuses to run then, and doctor names the value
            allowed, everyone = (), False
        roots.extend(Root.pin(path, "allowed", for_assistants=everyone) for path in allowed)
        return Guard(tuple(roots), self.start)

    def _hub_cache(self) -> str:
        cache = self.environment.get("HF_HUB_CACHE")
        if cache:
            return os.path.expanduser(cache)  # noqa: PTH111
        home = self.environment.get("HF_HOME") or os.path.join(  # noqa: PTH118
            self.environment.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
        )
        return os.path.join(os.path.expanduser(home), "hub")  # noqa: PTH111, PTH118

    @property
    def home(self) -> SafePath:
        """The toolkit's home, held open; made where it is missing."""
        if self._home is None:
            guard = home_guard(self.home_path)
            self._home = guard.open(guard.start)
        return self._home

    @property
    def catalog(self) -> Catalog:
        """The registry's rows."""
        if self._catalog is None:
            from ..store.catalog import Catalog

            self._catalog = Catalog.open(self.home)
        return self._catalog

    @property
    def limits(self) -> Limits:
        """How much a file may ask for before it is refused."""
        from dataclasses import fields

        from ..formats.limits import Limits

        return Limits(**{item.name: self.settings[f"limit_{item.name}"] for item in fields(Limits)})

    @property
    def store(self) -> RunStore:
        """What a training run writes to."""
        from ..store.run_store import RunStore

        return RunStore(self.home, self.catalog, self.guard)

    @property
    def in_kernel(self) -> bool:
        """Whether this process is a Jupyter kernel."""
        return self.kernel is not None

    @property
    def kernel(self) -> Any:
        """The running kernel's application object, or None."""
        return getattr(running_shell(), "kernel", None)

    @property
    def server(self) -> ServerControl:
        """The MCP server's control."""
        module, name = SERVER
        control: ServerControl = getattr(importlib.import_module(module), name)
        return control

    def allow(self, path: str) -> str:
        """Allow a folder, or the folder of a file, for people and this session; gives what is allowed.

        Of a file in the user's home itself, that file alone.
        """
        absolute = os.path.realpath(os.path.join(self.start, os.path.expanduser(path)))  # noqa: PTH111, PTH118
        if not os.path.exists(absolute):  # noqa: PTH110 - a misspelt name must not allow the folder above it
            from ..errors import MissingFileError

            raise MissingFileError(f"There is no folder or file {shown(absolute)}.", "Name one that exists.")
        allowed = allowable(absolute)
        self.guard = self.guard.with_root(Root.pin(allowed, "allowed"))
        return allowed

    def person(self) -> Call:
        """A call of the person who owns the process."""
        return Call(self, PERSON)

    def assistant(self, name: str, scopes: frozenset[str] = SCOPES) -> Call:
        """A call of an assistant that the server let in."""
        return Call(self, f"assistant:{shown(name, 60)}", scopes)


def _lasting(home: SafePath) -> dict[str, str]:
    import tomllib

    with home / "settings.toml" as safe:
        try:
            content = tomllib.loads(safe.read_bytes(SMALL_FILE_BYTES).decode())
        except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of absurd length, lists without end
            raise SettingError(
                f"{safe.display} isn't valid TOML: {shown(error)}.", "Correct that line, or remove the file."
            ) from error
    return {key: str(value) for key, value in content.items()}


def _env_file(working: str) -> dict[str, str | None]:
    import dotenv

    guard = Guard((Root.pin(working, "working"),), working)
    try:
        with guard.open(".env") as safe:
            text = safe.read_bytes(ENV_FILE_BYTES).decode()
    except (UnicodeDecodeError, ModelCypherError) as error:
        raise MalformedError(
            f"The working folder's .env can't be read: {shown(error)}", "Make it a small text file, or remove it."
        ) from error
    return dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False)


@dataclass(frozen=True)
class Call:
    """One use of an operation: whose it is decides what may be touched.

    Attributes:
        principal: `person`, or `assistant:` and the client's name.
        scopes: what an assistant's token allows; a person has all.
        show_progress: how a long work is shown where not as the session shows it.
    """

    session: Session
    principal: str
    scopes: frozenset[str] = field(default=SCOPES)
    show_progress: Callable[[str], AbstractContextManager[Tell]] | None = field(default=None, compare=False)

    @property
    def is_assistant(self) -> bool:
        """Whether an assistant asks."""
        return self.principal != PERSON

    @property
    def guard(self) -> Guard:
        """What the caller may touch, as of now."""
        return self.session.guard.for_assistants() if self.is_assistant else self.session.guard

    @property
    def catalog(self) -> Catalog:
        """The registry's rows."""
        return self.session.catalog

    def refused(self, error: ModelCypherError) -> None:
        """Let a notebook offer the button for a folder that a person typed."""
        offer = self.session.offer_allow
        if offer is not None and not self.is_assistant and isinstance(error, PathRefusedError) and error.folder:
            error.offer = lambda: offer(error)  # type: ignore[attr-defined]

    def progress(self, what: str) -> AbstractContextManager[Tell]:
        """Show a person how far a long work is.

        Args:
            what: a verb and what is counted, as in "scanned files".
        """
        show = self.show_progress or self.session.show_progress
        return show(what) if show is not None and not self.is_assistant else nullcontext(_tell_nobody)

    def audit(self, operation: Operation, arguments: Mapping[str, Any], outcome: str, milliseconds: float) -> None:
        """Append this use to the audit log."""
        from ..store.audit_record import AuditRecord

        kept = {name: shown(value, 200) for name, value in arguments.items() if value is not None}
        self.catalog.add_audit(
            AuditRecord(time.time(), self.principal, operation.name, kept, shown(outcome), round(milliseconds, 3))
        )


def _tell_nobody(done: int, total: int) -> None:
    """Where nobody looks on."""


_current: Session | None = None


def current() -> Session:
    """The process's session, made at the first use."""
    global _current  # noqa: PLW0603 - one a process is what a session is
    if _current is None:
        _current = Session()
    return _current
