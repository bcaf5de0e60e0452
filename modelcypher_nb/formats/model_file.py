"""One file of a model, judged by its content."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MalformedError, ModelCypherError, UnreadableError, UnsupportedFormatError
from ..guard.safe_path import Identity, SafePath
from ..guard.secrets import shown
from .magic import EMPTY, SAFETENSORS, UNKNOWN, Kind, recognise
from .report import Finding, Level
from .safetensors_header import Header, describe

__all__ = ["WEIGHT_SUFFIXES", "Part", "examine_file", "finding_of"]

# Names that some loader opens as weights: under one of these, whatever the content is, it is judged.
WEIGHT_SUFFIXES = (
    ".safetensors", ".bin", ".pt", ".pth", ".pt2", ".pte", ".ckpt", ".checkpoint", ".pkl", ".pickle", ".p", ".dill",
    ".joblib", ".npy", ".npz", ".gguf", ".ggml", ".h5", ".hdf5", ".keras", ".onnx", ".tflite", ".pb", ".msgpack",
    ".ot", ".mar", ".nemo", ".skops", ".mlmodel", ".t7",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One weight file as it was found.

    Attributes:
        name: its place in the model's folder.
        kind: what its content was recognised as.
        identity: which state of which file that was.
        header: its header, where it is a sound safetensors file.
        error: why it has none.
    """

    name: str
    kind: Kind
    identity: Identity
    header: Header | None = None
    error: ModelCypherError | None = None


def examine_file(safe: SafePath, name: str) -> Part:
    """Recognise a file and read its header; what is wrong with it stands in the result."""
    kind = UNKNOWN
    try:
        kind = _kind(safe, name)
        if kind is not SAFETENSORS:
            return Part(name, kind, safe.identity, error=_unsupported(safe.display, kind))
        return Part(name, kind, safe.identity, describe(safe.source(), name))
    except (MalformedError, UnreadableError) as error:
        return Part(name, kind, safe.identity, error=error)


def _kind(safe: SafePath, name: str) -> Kind:
    kind = recognise(safe.source())
    # A safetensors file that was cut before its header shows no mark of its own any more.
    unmarked = kind is UNKNOWN or kind is EMPTY
    return SAFETENSORS if unmarked and name.lower().endswith(".safetensors") else kind


def _unsupported(display: str, kind: Kind) -> UnsupportedFormatError:
    danger = " A pickle can run code in whatever opens it." if "pickle" in kind.name else ""
    return UnsupportedFormatError(
        f"The format of {display} isn't read: {kind.name}.", f"Look for a safetensors version of the model.{danger}"
    )


def finding_of(error: ModelCypherError, where: str) -> Finding:
    """The finding that an error becomes where a verdict is asked for."""
    level: Level = "malformed" if isinstance(error, MalformedError | UnreadableError) else "unsupported"
    return Finding(level, error.problem, shown(where), error.remedy)
