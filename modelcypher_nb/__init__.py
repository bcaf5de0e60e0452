"""Open model weights safely, watch training, keep what came out, and let an assistant help in the same kernel."""

TYPE_CHECKING = False  # typing's own would be an import
if TYPE_CHECKING:
    from typing import Any

    from . import errors
    from .errors import ModelCypherError, PickleWarning
    from .surfaces.python import allow, doctor, inventory, load, save, serve, session, status
    from .views.model_card import ModelCard
    from .views.registry import Registry
    from .views.training_run import TrainingRun

__version__ = "0.1.0"

# name -> module below this package; nothing is imported before it is used.
_PUBLIC = {
    "ModelCard": "views.model_card",
    "TrainingRun": "views.training_run",
    "Registry": "views.registry",
    "serve": "surfaces.python",
    "allow": "surfaces.python",
    "load": "surfaces.python",
    "save": "surfaces.python",
    "session": "surfaces.python",
    "status": "surfaces.python",
    "inventory": "surfaces.python",
    "doctor": "surfaces.python",
    "ModelCypherError": "errors",
    "PickleWarning": "errors",
    "errors": "",
}

__all__ = [
    "ModelCard",
    "ModelCypherError",
    "PickleWarning",
    "Registry",
    "TrainingRun",
    "__version__",
    "allow",
    "doctor",
    "errors",
    "inventory",
    "load",
    "load_ipython_extension",
    "save",
    "serve",
    "session",
    "status",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> "Any":
    if name.startswith("__"):
        raise AttributeError(name)
    import importlib
    import sys

    if name in _PUBLIC:
        module = importlib.import_module(f".{_PUBLIC[name] or name}", __name__)
        value = getattr(module, name) if _PUBLIC[name] else module
    else:
        from .operations import names

        if name not in names():
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        from .operations.person import public

        value = public(name)
    if "IPython" in sys.modules:
        from .surfaces.display import install

        install()  # so that facts show themselves, and a refusal its button
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from .operations import names

    return sorted({*__all__, *names()})


def load_ipython_extension(shell: "Any") -> None:
    """`%load_ext modelcypher_nb`: the %mc magics, and widgets for facts."""
    from .surfaces.magics import load

    load(shell)


def unload_ipython_extension(shell: "Any") -> None:
    """`%unload_ext modelcypher_nb`."""
    from .surfaces.magics import unload

    unload(shell)
