"""Facts show themselves in IPython: formatters by type name, so that nothing is imported before it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ModelCypherError, PathRefusedError
from ..extras import running_shell
from ..operations.facts import WHERE
from ..operations.session import current
from ..views.sheets import SHEETS
from .progress import in_cell

__all__ = ["install", "register", "unregister"]

FACTS = "modelcypher_nb.operations.facts"
FIGURE = "matplotlib.figure.Figure"
Bundle = tuple[dict[str, Any], dict[str, Any]]


def install() -> bool:
    """Have the running IPython show facts, where there is one; harmless when done twice."""
    shell = running_shell()
    if shell is None:
        return False
    register(shell)
    return True


def register(shell: Any) -> None:
    """Have an IPython show facts as cards, panels and tables; their classes are named, not imported."""
    formatter = shell.display_formatter.mimebundle_formatter
    for module, name in _types():
        formatter.for_type_by_name(module, name, VIEWS.get(name, _table))
    png = shell.display_formatter.formatters["image/png"]
    if FIGURE not in png:  # `%matplotlib inline` brings its own, and wins whenever it comes
        png.for_type_by_name(*FIGURE.rsplit(".", 1), _png)
    if getattr(shell, "kernel", None) is not None:
        current().offer_allow = _offer
        current().show_progress = in_cell


def unregister(shell: Any) -> None:
    """Have an IPython show facts as any other object again."""
    formatter = shell.display_formatter.mimebundle_formatter
    for module, name in _types():
        formatter.pop(f"{module}.{name}", None)
    shell.display_formatter.formatters["image/png"].pop(FIGURE, None)
    current().offer_allow = None
    current().show_progress = None


def _types() -> list[tuple[str, str]]:
    """Module and name of every type that an operation gives, without importing any."""
    return [(f"{FACTS}.{WHERE[name]}", name) for name in SHEETS]


def _png(figure: Any) -> bytes:
    """A figure as people see it in a cell, where nothing else draws figures."""
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def _table(facts: Any, **_: Any) -> Bundle:
    from ..views.bundle import facts_bundle

    return facts_bundle(facts, complete=not current().in_kernel), {}


def _card(facts: Any, **_: Any) -> Bundle:
    from ..views.model_card import ModelCard

    try:
        return ModelCard(facts).bundle(), {}
    except ModelCypherError:  # the facts of what lives in memory, or of files that went: there is nothing to open
        return _table(facts)


def _panel(facts: Any, **_: Any) -> Bundle:
    if not current().in_kernel:
        return _table(facts)  # a terminal shows what came of the command, not the run's whole story
    from ..views.training_run import TrainingRun

    return TrainingRun.attach(facts.job.id).bundle(), {}


def _server(facts: Any, **_: Any) -> Bundle:
    from ..views.server import ServerPanel

    return ServerPanel(facts).bundle(), {}


# Facts with a live view of their own; all others are tables.
VIEWS: dict[str, Callable[..., Bundle]] = {"ModelFacts": _card, "JobFacts": _panel, "ServerFacts": _server}


def _offer(error: PathRefusedError) -> None:
    """Show the refusal with its button, once: IPython renders the two lines again for its history."""
    error.offer = None  # type: ignore[attr-defined]
    from IPython.display import publish_display_data

    from ..views.refusal import Refusal

    publish: Any = publish_display_data
    publish(Refusal(error).bundle())
