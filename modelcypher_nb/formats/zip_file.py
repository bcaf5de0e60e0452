"""A zip, by what its members make of it: torch checkpoint, TorchScript program, torch export, npz, or a stranger's."""

from __future__ import annotations

from ..errors import ModelCypherError
from ..guard.secrets import shown
from ..guard.source import Source
from .content import Content
from .pickle_file import PICKLE_READERS, finished, walk
from .pickles.context import Context
from .remedies import FETCH_AGAIN, FIND_SAFETENSORS
from .report import Finding
from .zip_archive import ZipArchive

__all__ = ["judge_nested", "read"]

FORMAT = "zip archive"
DEEPEST = 4
# What a stranger's zip is by a member's name; none of these is read, so none is ever called clean.
STRANGERS = (
    ("config.json", "metadata.json", "Keras model"),
    ("schema.json", "", "skops file"),
    ("MAR-INF/MANIFEST.json", "", "TorchServe archive (mar)"),
)


def read(source: Source, context: Context) -> Content:
    """Describe a zip archive by the reader that its members call for.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.

    Raises:
        MalformedError: two readers could see different members.
    """
    archive = ZipArchive.read(source, context.limits)
    names = {name.lower() for name in archive.members}  # torch finds members without regard to case
    inner = {name.partition("/")[2] for name in names}
    is_export = "archive_format" in names | inner or "serialized_exported_program.json" in names
    if "data.pkl" in inner or "data.pkl" in names:  # torch.load unpickles it, whatever lies beside it
        from .torch_zip import read_archive as read_checkpoint
        from .torchscript import read_archive as read_program

        reader = read_program if "constants.pkl" in inner else read_checkpoint
        content = reader(archive, context)
        if is_export:
            what = f"{context.where} is a checkpoint to torch.load and an exported program to torch.export.load."
            context.tell("malformed", "torch-two-formats", what, 0, remedy=FETCH_AGAIN)
        return finished(content, context)
    if is_export:
        from .torch_export import read_archive as read_export

        return finished(read_export(archive, context), context)
    if any(name.endswith(".npy") for name in names):
        from .npz import read_archive as read_arrays

        return finished(read_arrays(archive, context), context)
    return _stranger(archive, context)


def _stranger(archive: ZipArchive, context: Context) -> Content:
    content = Content(_name(archive))
    _judge_members(archive, context)
    content.pickled = any(finding.rule and finding.rule.startswith("pickle-") for finding in context.findings)
    what = f"The format of {context.where} isn't read: {content.format}."
    context.findings.append(Finding("unsupported", what, context.where, FIND_SAFETENSORS, "unsupported"))
    content.findings = context.findings
    return content


def _name(archive: ZipArchive) -> str:
    for first, second, name in STRANGERS:
        if first in archive.members and (not second or second in archive.members):
            return name
    return "NumPy archive (npz) with strangers" if any(name.endswith(".npy") for name in archive.members) else FORMAT


def _judge_members(archive: ZipArchive, context: Context) -> None:
    """Walk every pickle that an archive holds, in archives within it too; what isn't read stays unsaid."""
    from .magic import EMPTY, recognise

    for name in archive.members:
        source = archive.open(name)
        kind = recognise(source)
        if kind is EMPTY:
            continue
        within = context.inner(name)
        if kind.reader in PICKLE_READERS or name.lower().endswith((".pkl", ".pickle")):
            walk(source, within)
        elif kind.reader == "zip_file":
            judge_nested(source, within, name)


def judge_nested(source: Source, within: Context, name: str) -> None:
    """Judge an archive within an archive; its findings join the others."""
    if within.depth > DEEPEST:
        within.tell("malformed", "zip-nesting", f"Archives nest more than {DEEPEST} deep in {within.where}.", 0)
        return
    try:
        read(source, within)
    except ModelCypherError as error:
        what = f"'{shown(name, 80)}' of {within.where}: {error.problem}"
        within.tell("malformed", "zip-nested", what, 0, remedy=error.remedy)
