"""What `torch.save` wrote before torch 1.6: five pickles in a row, then each storage as a length and its bytes."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import RangeSource, Source
from .content import Content
from .pickle_file import finished
from .pickles.context import Context
from .pickles.machine import Machine
from .pickles.strided import bytes_of
from .pickles.values import Global, LieError, Storage, UnfitError
from .remedies import FETCH_AGAIN
from .torch_zip import storage_dtype

__all__ = ["read", "read_stream"]

FORMAT = "legacy torch checkpoint"
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


def read(source: Source, context: Context) -> Content:
    """Describe a legacy torch checkpoint.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.
    """
    return finished(read_stream(source, context), context)


def read_stream(source: Source, context: Context) -> Content:
    """Describe the five pickles and the storages; findings go to the context."""
    content = Content(FORMAT, pickled=True)
    storages = _Storages()
    machine = Machine(source, context)
    try:
        numbers = machine.run(), machine.run()
        if numbers != (MAGIC_NUMBER, PROTOCOL_VERSION):
            raise _fault(context, machine, "doesn't start with torch's two numbers")
        _prove_system(machine.run(), context, machine)
        context.persistent = storages.resolve
        content.root = machine.run()
        context.persistent = None
        _place(storages, machine.run(), context, machine)
    except MalformedError as error:
        content.error = error
    return content


def _fault(context: Context, machine: Machine, what: str) -> MalformedError:
    error = MalformedError(f"{context.where} {what}.", FETCH_AGAIN)
    context.tell("malformed", "torch-legacy", error.problem, machine.position, remedy=error.remedy)
    return error


def _prove_system(system: Any, context: Context, machine: Machine) -> None:
    if type(system) is not dict or system.get("little_endian") is not True:
        raise _fault(context, machine, "doesn't say that its bytes are little-endian, as torch's own do")


def _place(storages: _Storages, keys: Any, context: Context, machine: Machine) -> None:
    """Find each storage's bytes behind the pickles, in the order of the keys."""
    if type(keys) is not list or not all(type(key) is str for key in keys) or len(set(keys)) != len(keys):
        raise _fault(context, machine, "lists its storages by what is no list of keys")
    if set(keys) != storages.roots.keys():
        raise _fault(context, machine, "lists other storages than its pickle uses")
    source, position = machine.source, machine.position
    for key in keys:
        storage = storages.roots[key]
        if position + 8 > source.size:
            raise _fault(context, machine, f"ends before its storage '{shown(key, 40)}'")
        count = int.from_bytes(source.read_at(position, 8), "little", signed=True)
        size = count * bytes_of(storage.dtype)
        if size != storage.size_bytes:
            raise _fault(context, machine, f"gives its storage '{shown(key, 40)}' two sizes")
        position += 8
        if position + size > source.size:
            raise _fault(context, machine, f"ends within its storage '{shown(key, 40)}'")
        storage.source = RangeSource(source, position, size)
        position += size
    if position != source.size:
        raise _fault(context, machine, "goes on after its last storage")
    storages.place_views()


class _Storages:
    """The storages by the keys of persistent ids; their bytes come after the pickle that names them."""

    def __init__(self) -> None:
        self.roots: dict[str, Storage] = {}
        self._views: dict[tuple[str, str], tuple[Storage, int]] = {}

    def resolve(self, identity: Any) -> Storage | Global:
        """`("storage", type, key, location, count, view)`, or `("module", class, file, text)` of a container."""
        if type(identity) is not tuple or not identity:
            raise UnfitError("isn't what torch writes")
        if identity[0] == "module" and len(identity) == 4 and type(identity[1]) is Global:
            if not all(one is None or type(one) is str for one in identity[2:]):
                raise UnfitError("isn't what torch writes")
            return identity[1]  # its class; the source text is only compared by torch
        if len(identity) not in {5, 6} or identity[0] != "storage":
            raise UnfitError("isn't what torch writes")
        _, kind, key, location, count = identity[:5]
        dtype = storage_dtype(kind)
        if type(key) is not str or type(location) is not str or type(count) is not int or count < 0:
            raise UnfitError("isn't what torch writes")
        known = self.roots.setdefault(key, Storage(key, dtype, count * bytes_of(dtype), None, device=location))
        if (known.dtype, known.size_bytes) != (dtype, count * bytes_of(dtype)):
            lost = Storage(key, dtype, count * bytes_of(dtype), None, device=location)
            raise LieError(f"gives the storage '{shown(key, 40)}' two types or sizes", lost)
        view = identity[5] if len(identity) == 6 else None
        return known if view is None else self._view(known, view)

    def _view(self, root: Storage, view: Any) -> Storage:
        if type(view) is not tuple or len(view) != 3 or type(view[0]) is not str:
            raise UnfitError("isn't what torch writes")
        key, offset, count = view
        if type(offset) is not int or type(count) is not int or offset < 0 or count < 0:
            raise UnfitError("isn't what torch writes")
        size = bytes_of(root.dtype)
        if (offset + count) * size > root.size_bytes:
            lost = Storage(key, root.dtype, count * size, None, device=root.device)
            raise LieError("views more of a storage than there is", lost)
        made = Storage(key, root.dtype, count * size, None, device=root.device)
        return self._views.setdefault((root.key, key), (made, offset * size))[0]

    def place_views(self) -> None:
        """Give each view its part of its root's bytes."""
        for (key, _), (view, offset) in self._views.items():
            source = self.roots[key].source
            if source is not None:
                view.source = RangeSource(source, offset, view.size_bytes)
