"""What `torch.save` writes since torch 1.6: a zip of one pickle and its storages, each a stored member."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError, ModelCypherError
from ..guard.secrets import shown
from ..guard.source import Source
from .content import Content
from .magic import ZIP_START
from .pickle_file import finished
from .pickles.context import Context
from .pickles.machine import Machine
from .pickles.strided import bytes_of
from .pickles.values import Global, LieError, Storage, UnfitError
from .remedies import FETCH_AGAIN
from .torch_dtypes import STORAGE_DTYPES
from .zip_archive import ZipArchive

__all__ = ["StorageReader", "read", "read_archive"]

FORMAT = "torch checkpoint"
# What torch writes beside the pickle and the storages.
PLAIN_MEMBERS = frozenset(
    {"data.pkl", "version", "byteorder", ".data/serialization_id", ".format_version", ".storage_alignment"}
)
PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(6))


def read(source: Source, context: Context) -> Content:
    """Describe a torch checkpoint.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.

    Raises:
        MalformedError: its zip isn't one that every reader sees alike.
    """
    return finished(read_archive(ZipArchive.read(source, context.limits), context), context)


def read_archive(archive: ZipArchive, context: Context) -> Content:
    """Describe the archive of a checkpoint, its findings going to the context."""
    content = Content(FORMAT, pickled=True)
    try:
        folder = _folder(archive, context.where)
        archive.verify(f"{folder}data.pkl")
        storages = StorageReader(archive, f"{folder}data/", context, big_endian=_is_big_endian(archive, folder))
        context.member, context.persistent = f"{folder}data.pkl", storages.resolve
        machine = Machine(archive.open(context.member), context)
        content.root = machine.run()
        _prove_end(machine, context)
    except MalformedError as error:
        content.error = error
        if not any(finding.what == error.problem for finding in context.findings):
            context.tell("malformed", "torch-zip", error.problem, 0, remedy=error.remedy)
    _judge_the_rest(archive, context)
    return content


def _prove_end(machine: Machine, context: Context) -> None:
    if machine.position != machine.source.size:
        name = shown(context.member, 80)
        raise MalformedError(f"'{name}' of {context.where} goes on after its end.", FETCH_AGAIN)


def _folder(archive: ZipArchive, where: str) -> str:
    """The one folder that holds everything, as torch finds it: the first member's."""
    folders = {name.partition("/")[0] for name in archive.members if "/" in name}
    loose = [name for name in archive.members if "/" not in name]
    if len(folders) != 1 or loose:
        raise MalformedError(f"{where} holds more than the one folder that torch writes.", FETCH_AGAIN)
    folder = folders.pop() + "/"
    if f"{folder}data.pkl" not in archive.members:
        raise MalformedError(f"{where} holds no data.pkl in its folder.", FETCH_AGAIN)
    return folder


def _small(archive: ZipArchive, name: str) -> str:
    if name not in archive.members:
        return ""
    source = archive.open(name)
    return source.read_at(0, min(source.size, 64)).decode("utf-8", "replace").strip()


def _is_big_endian(archive: ZipArchive, folder: str) -> bool:
    order = _small(archive, f"{folder}byteorder") or "little"
    if order not in {"little", "big"}:
        raise MalformedError(f"A byte order is called '{shown(order, 40)}'.", FETCH_AGAIN)
    return order == "big"


def _judge_the_rest(archive: ZipArchive, context: Context) -> None:
    """Other members may be pickles that other loaders open: torch itself ignores them."""
    main, context.persistent = context.member, None
    for name, member in archive.members.items():
        _, _, inner = name.partition("/")
        if name == main or inner in PLAIN_MEMBERS or inner.startswith("data/") or not member.size:
            continue
        source = archive.open(name)
        start = source.read_at(0, min(4, source.size))
        within = context.inner(name)
        if inner.endswith(".py") and not context.is_program:
            what = f"The member '{shown(name, 80)}' is Python code, which torch.package would run."
            within.tell("code", "torch-package", what, 0, name=name)
        if start == ZIP_START:
            from .zip_file import judge_nested

            judge_nested(source, within, name)
            continue
        if not (inner.endswith((".pkl", ".debug_pkl")) or start[:2] in PICKLE_STARTS):
            continue
        # A traced program keeps the shapes of its example inputs, and empty storages.
        within.persistent = StorageReader(archive, None, within).resolve
        try:
            Machine(source, within).run()
        except ModelCypherError:
            continue  # the machine told what is wrong with it


class StorageReader:
    """The storages of an archive, by the keys of the pickle's persistent ids.

    Args:
        archive: the archive.
        folder: where in it they lie, with a closing slash; None where only their declarations count.
        context: the surroundings of the pickle.
        big_endian: whether their elements lie with the most significant byte first.

    Attributes:
        storages: those that were asked for.
    """

    def __init__(self, archive: ZipArchive, folder: str | None, context: Context, *, big_endian: bool = False) -> None:
        self.storages: dict[str, Storage] = {}
        self._archive = archive
        self._folder = folder
        self._context = context
        self._big_endian = big_endian

    def resolve(self, identity: Any) -> Storage:
        """`("storage", type, key, location, number of elements)`.

        Raises:
            UnfitError: it is no such tuple.
            LieError: the archive has no such storage, or one of another size.
        """
        if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
            raise UnfitError("isn't what torch writes")
        _, kind, key, location, count = identity
        dtype = storage_dtype(kind)
        if type(key) is not str or type(location) is not str or type(count) is not int or count < 0:
            raise UnfitError("isn't what torch writes")
        known = self.storages.get(key)
        size = count * bytes_of(dtype)
        if known is None:
            known = self.storages[key] = self._made(key, dtype, size, location)
        if (known.dtype, known.size_bytes) != (dtype, size):
            raise LieError(f"gives the storage '{shown(key, 40)}' two types or sizes", Storage(key, dtype, size, None))
        return known

    def _made(self, key: str, dtype: str, size: int, location: str) -> Storage:
        if location == "meta" or self._folder is None:
            return Storage(key, dtype, size, None, device="meta")
        lost = Storage(key, dtype, size, None, device=location)
        name = self._folder + key
        member = self._archive.members.get(name)
        if member is None:
            raise LieError(f"names the storage '{shown(key, 40)}', which the archive doesn't hold", lost)
        if member.size != size:
            raise LieError(f"says that the storage '{shown(key, 40)}' has {size} bytes, but it has {member.size}", lost)
        return Storage(key, dtype, size, self._archive.open(name), self._big_endian, location)


def storage_dtype(kind: Any) -> str:
    """The element type of a storage's class.

    Raises:
        UnfitError: it is no storage's class.
    """
    if type(kind) is Global and kind.module in {"torch", "torch.cuda", "torch.storage"} and kind.name in STORAGE_DTYPES:
        return STORAGE_DTYPES[kind.name]
    raise UnfitError("names no storage's class")
