"""ModelCard: what a model is, whether it is safe to load, where its bytes are, and every tensor in it."""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import traitlets

from ..errors import ConflictError, ModelCypherError, UsageError
from ..formats import detect
from ..formats.report import ModelReport, TensorInfo
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from ..operations.facts import ConvertFacts, ModelFacts, VerifyFacts
from ..operations.loading import load_opened
from ..operations.opening import open_model
from ..operations.operation import find, run
from ..operations.person import as_person
from ..operations.session import Tell, current
from .card_data import card_data
from .channel import Points
from .live import Shown
from .memory import is_live, live_facts, state_of
from .messages import Work
from .sheet import Sheet
from .sheets_models import IN_MEMORY, model_sheet
from .widget import View

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

__all__ = ["ModelCard"]

CONVERTED = ("weights", "data", "objects")  # by a click


class ModelCard(View):
    """A model's card.

    Only headers are read to make it; nothing in the files is executed.

    Args:
        model: a path, a registered name (also `name@3`, `name@alias`), the facts of `model_show`, a live `nn.Module`,
            or a state dict.
        name: what to call a live object.

    Attributes:
        sha256: the files' digest, empty until it was computed.
        verdict: weights, data, objects, code, ...; empty for a live object, of which no file was read.
    """

    view = "model_card"

    name = traitlets.Unicode(help="The registered name, else the file's.", read_only=True)
    verdict = traitlets.Unicode(help="The verdict's level.", read_only=True)
    sha256 = traitlets.Unicode(help="The digest, once computed.", read_only=True)

    def __init__(self, model: Any, *, name: str | None = None) -> None:
        self._model = _Model(model, name)
        super().__init__(_Source(self._model))
        self._model.changed = self._refresh
        self._refresh()

    @property
    def facts(self) -> ModelFacts:
        """What the files, or the live object, and the registry say."""
        return self._model.facts

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """Every tensor, in file order."""
        report = self.facts.report
        return report.tensors if report is not None else self.facts.tensors

    @property
    def stale(self) -> bool:
        """Whether the files are no longer the ones that this card describes."""
        return self._model.stale()

    def load(self, *, mapped: bool | None = None, rescue: bool = False) -> dict[str, torch.Tensor]:
        """Load every tensor of the very files that this card shows; nothing in them runs.

        Args:
            mapped: map the files instead of reading them; None maps what is only ever replaced (the toolkit's own
                files and the Hub's).
            rescue: take the tensors even where the verdict is `code`.

        Raises:
            ConflictError: the files changed since the card was made.
            UnsafeFileError: the verdict is `code`, and `rescue` is off.

        Warns:
            PickleWarning: the files rely on pickle; once for each.
        """
        loaded: dict[str, torch.Tensor] = self._model.load(mapped, rescue=rescue)
        return loaded

    def content(self, *, mapped: bool | None = None, rescue: bool = False) -> Any:
        """Load everything that the file holds, nested as it is there; arguments and errors as `load` has them."""
        return self._model.load(mapped, rescue=rescue, whole=True)

    def convert(self, output: str | os.PathLike[str] | None = None) -> ConvertFacts:
        """Write the tensors as safetensors, streaming; nothing in the file runs, and it stays where it is.

        Args:
            output: where to; beside the file where left out.

        Raises:
            ConflictError: there is something of that name already.
        """
        return self._model.convert(None if output is None else os.fspath(output))

    def digest(self) -> str:
        """Compute the SHA-256 of the files; the card shows it from then on."""
        return self._model.digest()

    def register(self, name: str | None = None) -> ModelCard:
        """Keep the model in the registry; the card becomes that of the registered model."""
        self._model.register(name)
        return self

    def verify(self) -> VerifyFacts:
        """Read a registered model's files again and compare them with what was registered."""
        return self._model.verify()

    def figure(self) -> Figure:
        """Its data types and largest tensors as a matplotlib Figure."""
        from .figures import model_figure

        return model_figure(self.facts)

    def data(self) -> dict[str, Any]:
        """The view's data."""
        return self._model.data()

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        return model_sheet(self.facts)

    def summary(self) -> dict[str, Any]:
        """What `kernel show` tells of it."""
        return {"model": self.facts.reference or self.facts.name, "parameterCount": self.facts.parameter_count}

    def _refresh(self) -> None:
        facts = self.facts
        self.set_trait("name", facts.name)
        self.set_trait("verdict", "" if facts.format == IN_MEMORY else facts.verdict.level)
        self.set_trait("sha256", facts.digest or "")
        self.payload = dict(self.saved())


class _Source(Shown):
    """The card's live side."""

    def __init__(self, model: _Model) -> None:
        super().__init__("model_card", f"card-{secrets.token_hex(8)}")
        self.model = model
        self._one = threading.Lock()
        self._at_hand: Work | None = None

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        if whole:
            self.model.look_again()
        return {}, {**self.model.data(), "work": self._at_hand}

    def actions(self) -> list[str]:
        facts = self.model.facts
        if facts.format == IN_MEMORY:
            return []
        # What would run code elsewhere is taken apart on a command that says so, not on a click.
        convert = ["convert"] if facts.pickled and facts.verdict.level in CONVERTED else []
        if facts.reference is not None:
            return ["verify", *convert]
        return ["register", *convert] if facts.digest is not None else ["digest", "register", *convert]

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        if not self._one.acquire(blocking=False):
            raise ConflictError("This card's files are being worked on already.", "Wait until that is done.")

        def tell(done: int, total: int) -> None:
            self._at_hand = {"action": action, "done": done, "total": total}

        try:
            tell(0, 0)
            return self._do(action, arguments, tell)
        finally:
            self._at_hand = None
            self._one.release()

    def _do(self, action: str, arguments: dict[str, Any], tell: Tell) -> str | None:
        if action == "digest":
            return f"The digest is {self.model.digest(tell)}."
        if action == "register":
            self.model.register(str(arguments["name"]) if arguments.get("name") else None)
            return f"Registered as {self.model.facts.reference}."
        if action == "convert":
            return f"Written: {self.model.convert(None, tell).output}"
        found = self.model.verify()
        if found.intact:
            return "The files are what was registered."
        raise ConflictError(
            f"The files of {found.reference} are {found.state}: they are not what was registered.",
            "Fetch the model again, or register the new files as a new version.",
        )


class _Model:
    """A model's facts and what can be done with it, apart from any widget.

    Attributes:
        changed: told when the facts did.
    """

    def __init__(self, model: Any, name: str | None) -> None:
        self._lock = threading.RLock()
        self._live = model if is_live(model) else None
        self._identity: tuple[Any, ...] | None = None
        self._stale = False
        self._data: dict[str, Any] | None = None
        self.changed: Any = lambda: None
        if self._live is not None:
            self.reference = ""
            self.facts = live_facts(self._live, name)
        else:
            self.reference = _reference(model)
            self.facts, self._identity = _described(self.reference, model)

    def data(self) -> dict[str, Any]:
        """The view's data; the same object until something changed."""
        with self._lock:
            if self._data is None:
                self._data = card_data(self.facts, stale=self._stale)
            return self._data

    def look_again(self) -> None:
        """Find out whether the files, or the live object's tensors, are still the same."""
        if self._live is not None:
            self._become(live_facts(self._live, self.facts.name))
        elif self.stale() != self._stale:
            self._stale = not self._stale
            self._data = None

    def stale(self) -> bool:
        """Whether the files are no longer the ones that were described."""
        if self._live is not None:
            return False
        try:
            with open_model(current().person(), self.reference) as (_, safe):
                return _identity(safe, self.facts.report) != self._identity
        except ModelCypherError:  # gone, or no longer allowed: either way not what was described
            return True

    def load(self, mapped: bool | None, *, rescue: bool = False, whole: bool = False) -> Any:
        """The tensors, or all: a live object's own, else those of the very files that were described."""
        if self._live is not None:
            return state_of(self._live)
        call = current().person()
        with open_model(call, self.reference) as (record, safe):
            if _identity(safe, self.facts.report) != self._identity:
                raise ConflictError(
                    f"{safe.display} changed since this card was made.",
                    f"Look at it again before loading: ModelCard('{shown(self.reference, 200)}')",
                )
            return load_opened(call, safe, record, mapped=mapped, whole=whole, rescue=rescue)

    def convert(self, output: str | None, tell: Tell | None = None) -> ConvertFacts:
        """Write the files' tensors as safetensors."""
        self._on_disk("convert")
        call = current().person()
        if tell is not None:
            call = replace(call, show_progress=lambda _: nullcontext(tell))
        return run(find("model_convert"), call, {"model_id": self.reference, "output": output})  # type: ignore[no-any-return]

    def digest(self, tell: Tell | None = None) -> str:
        """The digest of the files, computed where it isn't known."""
        self._on_disk("digest")
        if self.facts.digest is None:
            with open_model(current().person(), self.reference) as (_, safe):
                self._become(replace(self.facts, digest=detect.digest(safe, tell)))
        assert self.facts.digest is not None  # noqa: S101 - either known or just computed
        return self.facts.digest

    def register(self, name: str | None) -> None:
        """Keep it in the registry; from now on it is the registered model."""
        self._on_disk("register")
        facts: ModelFacts = as_person("model_register", path=self.reference, name=name)
        self.reference = facts.reference or self.reference
        self._become(facts)

    def verify(self) -> VerifyFacts:
        """Compare the files with what was registered."""
        self._on_disk("verify")
        found: VerifyFacts = as_person("model_verify", model_id=self.reference)
        facts, self._identity = _described(self.reference, None)
        self._become(facts)
        return found

    def _on_disk(self, verb: str) -> None:
        if self._live is not None:
            raise UsageError(
                f"{self.facts.name} lives in memory, and {verb} needs files.",
                "Save it first: mc.save(model, 'model.safetensors')",
            )

    def _become(self, facts: ModelFacts) -> None:
        with self._lock:
            same = facts == self.facts
            self.facts, self._data = facts, self._data if same else None
        if not same:
            self.changed()


def _reference(model: Any) -> str:
    if isinstance(model, ModelFacts):
        if model.format == IN_MEMORY:
            raise UsageError(
                f"These are the facts of {shown(model.name, 80)}, which lives in memory and has no file.",
                "Give the network or the state dict itself: ModelCard(model)",
            )
        return model.reference or model.path
    if isinstance(model, str | os.PathLike):
        return os.fspath(model) if isinstance(os.fspath(model), str) else os.fsdecode(os.fspath(model))
    raise UsageError(
        f"A {type(model).__name__} isn't a model.",
        "Give a path, a registered name, the facts of model_show, an nn.Module or a state dict of tensors.",
    )


def _described(reference: str, known: Any) -> tuple[ModelFacts, tuple[Any, ...]]:
    """Facts of files, and what tells their present state from a later one."""
    given = isinstance(known, ModelFacts) and known.report is not None
    facts: ModelFacts = known if given else as_person("model_show", model_id=reference)
    with open_model(current().person(), reference) as (_, safe):
        return facts, _identity(safe, facts.report)


def _identity(safe: SafePath, report: ModelReport | None) -> tuple[Any, ...]:
    """A file's identity; a folder's is that of its weight files."""
    if not safe.is_folder:
        return (safe.identity,)
    identities = []
    for file in report.files if report is not None else ():
        with safe / file.name as one:
            identities.append(one.identity)
    return tuple(identities)
