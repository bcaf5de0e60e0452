"""The state of a run as tensors and JSON, nothing pickled: model, optimizer, scheduler, scaler, random generators."""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import MalformedError, UsageError
from ..extras import require
from ..guard.secrets import shown

if TYPE_CHECKING:
    import torch

__all__ = ["Parts", "capture", "join", "restore", "restore_generators", "seed_generators", "split"]


_ANOTHER = "Resume from another checkpoint: mc checkpoint list JOB"


@dataclass
class Parts:
    """What a checkpoint's files hold.

    Attributes:
        model: the model's state dict.
        optimizer: tensors of optimizer, scheduler and scaler, by the path that `document` names.
        rng: states of the random generators.
        document: everything else, ready for JSON.
    """

    model: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: dict[str, torch.Tensor] = field(default_factory=dict)
    rng: dict[str, torch.Tensor] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)


def split(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Take the tensors out of a nested state; what remains is JSON that `join` turns back into the very same value.

    What JSON has no word for is a mapping with one key that starts with `$`: tensors, tuples, mappings with keys that
    are no text, counters, numbers that aren't finite.

    Raises:
        UsageError: something in it is neither a tensor nor plain data.
    """
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, require("torch", "Saving a checkpoint").Tensor):
        tensors[path] = value
        return {"$tensor": path}
    if isinstance(value, list | tuple):
        items = [split(item, f"{path}.{index}", tensors) for index, item in enumerate(value)]
        return items if type(value) is list else {"$tuple": items}
    if isinstance(value, dict):
        return _split_mapping(value, path, tensors)
    raise UsageError(
        f"The state of '{shown(path, 120)}' holds a {type(value).__name__}, which is neither a tensor nor plain data.",
        "Save it yourself, or leave that object out of TrainingRun(...): a checkpoint never pickles.",
    )


def _split_mapping(value: dict[Any, Any], path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, Counter):
        return {"$counter": [[key, count] for key, count in value.items()]}
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: split(item, f"{path}.{key}", tensors) for key, item in value.items()}
    pairs = [[split(key, f"{path}.key", tensors), split(item, f"{path}.{key}", tensors)] for key, item in value.items()]
    return {"$items": pairs}


def join(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Put the tensors back: the inverse of `split`.

    Raises:
        MalformedError: it names a tensor that isn't there, or a word that `split` doesn't write.
    """
    if isinstance(value, list):
        return [join(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    word = next(iter(value), "") if len(value) == 1 else ""
    if not word.startswith("$"):
        return {key: join(item, tensors) for key, item in value.items()}
    try:
        return WORDS[word](value[word], tensors)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        what = word if isinstance(error, RecursionError) else shown(value, 80)
        raise MalformedError(
            f"The checkpoint's state.json says {shown(what, 80)}, which this version doesn't know.",
            "Resume from another checkpoint: mc checkpoint list JOB",
        ) from error


NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
WORDS: dict[str, Callable[[Any, dict[str, torch.Tensor]], Any]] = {
    "$tensor": lambda path, tensors: tensors[path].clone(),  # nothing of the run may hang on the file
    "$float": lambda text, _: NOT_FINITE[text],
    "$tuple": lambda items, tensors: tuple(join(item, tensors) for item in items),
    "$items": lambda pairs, tensors: {join(key, tensors): join(item, tensors) for key, item in pairs},
    "$counter": lambda pairs, _: Counter(dict(pairs)),
}


def capture(model: Any, others: dict[str, Any]) -> Parts:
    """The state of everything that a run needs to go on.

    Args:
        model: an `nn.Module`.
        others: `optimizer`, `scheduler`, `scaler` where the run has them; each has `state_dict`.

    Returns:
        References to the live tensors, not copies: write them before training goes on.
    """
    torch = require("torch", "Saving a checkpoint")
    parts = Parts()
    weights = model.state_dict()
    parts.model = {name: value for name, value in weights.items() if isinstance(value, torch.Tensor)}
    extra = {name: value for name, value in weights.items() if name not in parts.model}
    parts.document["extra"] = split(extra, "model", parts.optimizer)
    parts.document["objects"] = {
        name: split(thing.state_dict(), name, parts.optimizer) for name, thing in others.items()
    }
    parts.document["rng"] = _capture_generators(torch, parts.rng)
    return parts


def restore(parts: Parts, model: Any, others: dict[str, Any]) -> list[str]:
    """Put a checkpoint's state into the caller's objects; the generators come later, by `restore_generators`.

    Returns:
        The names of saved states that no object was given for.

    Raises:
        UsageError: the objects aren't built as those that were saved.
    """
    weights = {**parts.model, **join(parts.document.get("extra", {}), parts.optimizer)}
    _load(model, weights, "model")
    saved = parts.document.get("objects", {})
    for name, thing in others.items():
        if name not in saved:
            raise UsageError(
                f"The checkpoint holds no {name}, but TrainingRun(...) was given one.",
                f"Leave {name}= out: it wasn't part of the run.",
            )
        _load(thing, join(saved[name], parts.optimizer), name)
        if name == "optimizer":
            # It has stepped, before it was saved: torch would warn of a scheduler that steps first.
            thing._opt_called = True  # noqa: SLF001 - what torch's schedulers look at; nothing else reads it
    return sorted(saved.keys() - others.keys())


def _load(thing: Any, state: Any, name: str) -> None:
    try:
        thing.load_state_dict(state)
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The {name} isn't built as the one in the checkpoint: {shown(error, 300)}",
            f"Build the {name} as for the run that is resumed, then try again.",
        ) from error


def _capture_generators(torch: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    tensors["torch"] = torch.get_rng_state()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        tensors |= {f"cuda.{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    version, words, gauss = random.getstate()
    tensors["python"] = torch.tensor(words, dtype=torch.int64)
    document: dict[str, Any] = {"python": {"version": version, "gauss": gauss}}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        state = numpy.random.get_state(legacy=False)
        if state["bit_generator"] == "MT19937":
            tensors["numpy"] = torch.tensor(state["state"]["key"].tolist(), dtype=torch.int64)
            document["numpy"] = {
                "pos": int(state["state"]["pos"]),
                "has_gauss": int(state["has_gauss"]),
                "gauss": float(state["gauss"]),
            }
    return document


def prove(parts: Parts) -> None:
    """Look whether a checkpoint's document is built as `capture` builds it, before anything of it is used.

    Raises:
        MalformedError: it isn't.
    """
    document = parts.document
    mappings = [document.get(name, {}) for name in ("extra", "objects", "position", "rng")]
    sound = all(isinstance(mapping, dict) for mapping in mappings)
    if not sound or not all(_is_count(value) for value in mappings[2].values()):
        raise MalformedError("The checkpoint's state.json isn't built as a run's.", _ANOTHER)
    try:
        _prove_generators(parts, mappings[3])
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise MalformedError(
            f"The checkpoint's random generators can't be set: {shown(error, 200)}.", _ANOTHER
        ) from error


def _is_count(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _prove_generators(parts: Parts, document: dict[str, Any]) -> None:
    """Set generators of our own to the states first."""
    torch = require("torch", "Resuming a run")
    if "torch" in parts.rng:
        torch.Generator().set_state(parts.rng["torch"].clone())
    if "python" in document:
        random.Random().setstate(_python_state(parts))  # noqa: S311 - a trial, not a secret
    if "numpy" in document:
        import numpy as np

        np.random.RandomState().set_state(_numpy_state(parts))


def _python_state(parts: Parts) -> tuple[Any, ...]:
    found = parts.document["rng"]["python"]
    gauss = found["gauss"]
    return found["version"], tuple(parts.rng["python"].tolist()), None if gauss is None else float(gauss)


def _numpy_state(parts: Parts) -> tuple[Any, ...]:
    import numpy as np

    found, key = parts.document["rng"]["numpy"], np.array(parts.rng["numpy"].tolist(), dtype=np.uint32)
    return "MT19937", key, int(found["pos"]), int(found["has_gauss"]), float(found["gauss"])


def restore_generators(parts: Parts) -> None:
    """Set Python's, NumPy's and torch's random generators to what they were."""
    torch = require("torch", "Resuming a run")
    document = parts.document.get("rng", {})
    if "torch" in parts.rng:
        torch.set_rng_state(parts.rng["torch"].clone())
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for number in range(count):
        if f"cuda.{number}" in parts.rng:
            torch.cuda.set_rng_state(parts.rng[f"cuda.{number}"].clone(), number)
    if "python" in document:
        random.setstate(_python_state(parts))
    if "numpy" in document:
        import numpy as np

        np.random.set_state(_numpy_state(parts))  # noqa: NPY002


def seed_generators(seed: int) -> None:
    """Seed Python's, NumPy's (where it is loaded) and torch's random generators."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % (1 << 32))
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
