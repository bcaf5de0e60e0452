"""A file's described content made into values: plain data, tensors, arrays, and inert descriptions of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import MalformedError, UnsafeFileError
from ..guard.secrets import shown
from .live_numpy import made_array, made_scalar, numpy_dtype
from .live_shells import EXACT, empty_namespace, made_shell
from .pickles.builtin_names import Growing
from .pickles.library_names import Attributes
from .pickles.numpy_arrays import Array, Scalar
from .pickles.numpy_dtypes import DType
from .pickles.values import Composite, Described, Global, LazyBytes, Opaque, PlainDict, Shell, Tensor
from .remedies import FETCH_AGAIN
from .tensors_numpy import NUMPY_NAMES, NumpyMaker
from .tensors_torch import TorchMaker
from .torch_dtypes import DTYPES, dtype_named, has_torch

__all__ = ["Live", "tensors_in"]

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})


def tensors_in(root: Any) -> Iterator[Tensor | Composite]:
    """Every tensor of a content, each once, in no particular order."""
    seen: set[int] = set()
    todo: list[Any] = [root]
    while todo:
        value = todo.pop()
        if type(value) in ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor | Composite):
            yield value
        elif isinstance(value, dict):
            todo.extend(value.keys())
            todo.extend(value.values())
            todo.extend(getattr(value, "attributes", {}).values())
        elif isinstance(value, list | tuple | set | frozenset):
            todo.extend(value)
        elif isinstance(value, Described):
            todo.extend(value.parts())


class Live:
    """Makes values of descriptions, each once: what is shared stays shared.

    What can hold itself (dicts, lists, objects) is made empty at first and filled later, so that nothing here recurses.

    Args:
        mapped: as `arrays.to_torch` has it.
        rescue: whether content that would run code in another loader is given too.
    """

    def __init__(self, *, mapped: bool | None = None, rescue: bool = False) -> None:
        is_installed = has_torch()
        self._torch = TorchMaker(mapped=mapped, is_whole=True) if is_installed else None
        self._numpy = NumpyMaker()
        self._rescue = rescue
        self._made: dict[int, Any] = {}
        self._fills: list[tuple[Iterable[Any], Callable[[], None]]] = []
        # The first that fits; what none fits stays as it is described.
        self._makers: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
            (Tensor | Composite, self._tensor),
            (Array, self._array),
            (Scalar, self._scalar),
            (DType, numpy_dtype),
            (LazyBytes, LazyBytes.read),
            (Opaque, self._opaque),
            (Shell, self._shell),
            (Global, self._name),
        )

    def prepare(self, tensors: Iterable[Tensor | Composite]) -> None:
        """Read what torch's tensors need, before the first is made."""
        if self._torch is not None:
            self._torch.prepare([one for one in tensors if self._is_torch_s(one)])

    def value(self, root: Any) -> Any:
        """The content of a description, which must stay alive meanwhile."""
        self._make(root)
        while self._fills:
            children, fill = self._fills.pop()
            for child in children:
                self._make(child)
            fill()
        return self._of(root)

    def _is_torch_s(self, value: Tensor | Composite) -> bool:
        return isinstance(value, Composite) or value.library != "numpy" or value.dtype not in NUMPY_NAMES

    def _of(self, value: Any) -> Any:
        return value if type(value) in ATOMS else self._made[id(value)]

    def _key(self, value: Any) -> Any:
        """A dict's key or a set's member; torch's tensors can be one, numpy's arrays can't and stay described."""
        made = self._of(value)
        try:
            hash(made)
        except TypeError:
            return value
        return made

    def _is_made(self, value: Any) -> bool:
        return type(value) in ATOMS or id(value) in self._made

    def _make(self, root: Any) -> None:
        """Make a value and what it can't be without: a tuple's items."""
        begun: set[int] = set()
        todo = [root]
        while todo:
            value = todo[-1]
            if not self._is_made(value):
                needed = value if isinstance(value, tuple | frozenset) else ()
                missing = [one for one in needed if not self._is_made(one)]
                if missing:
                    if id(value) in begun:
                        raise MalformedError("The content holds a tuple that holds itself.", FETCH_AGAIN)
                    begun.add(id(value))
                    todo.extend(missing)
                    continue
                self._made[id(value)] = self._one(value)
            todo.pop()

    def _one(self, value: Any) -> Any:
        if isinstance(value, tuple | frozenset):
            return type(value)(self._of(one) for one in value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list):
            items: list[Any] = []
            return self._later(value, items, lambda: items.extend(self._of(one) for one in value))
        if isinstance(value, set):
            members: set[Any] = set()
            return self._later(list(value), members, lambda: members.update(self._key(one) for one in value))
        return self._described(value) if isinstance(value, Described) else value

    def _later(self, children: Iterable[Any], made: Any, fill: Callable[[], None]) -> Any:
        self._fills.append((children, fill))
        return made

    def _dict(self, value: dict[Any, Any]) -> Any:
        from collections import OrderedDict

        made: Any = OrderedDict() if getattr(value, "kind", "") == "collections.OrderedDict" else {}
        attributes = value.attributes if isinstance(value, PlainDict) else {}
        metadata = attributes.get("_metadata")

        def fill() -> None:
            made.update((self._key(key), self._of(item)) for key, item in value.items())
            if metadata is not None and isinstance(made, OrderedDict):
                made._metadata = self._of(metadata)  # type: ignore[attr-defined] # noqa: SLF001 - where torch keeps it

        return self._later([*value.keys(), *value.values(), metadata], made, fill)

    def _described(self, value: Described) -> Any:
        return next((make(value) for kind, make in self._makers if isinstance(value, kind)), value)

    def _scalar(self, value: Scalar) -> Any:
        return self._shell(value) if value.dtype.has_object else made_scalar(value)

    def _name(self, value: Global) -> Any:
        """A dtype of torch's that stands as a value; any other name stays a name."""
        if self._torch is None or value.module != "torch" or value.name not in DTYPES:
            return value
        return dtype_named(self._torch.torch, DTYPES[value.name], value.text)

    def _tensor(self, value: Tensor | Composite) -> Any:
        name = "data" if isinstance(value, Composite) else f"of storage {value.storage.key}"
        if self._torch is None or not self._is_torch_s(value):
            return self._numpy.make(name, value)
        self._torch.prepare((value,))
        return self._torch.make(name, value)

    def _array(self, value: Array) -> Any:
        if value.tensor is not None:
            return made_array(value, self._tensor(value.tensor))
        made = made_array(value, None)
        items = value.items
        if items is None:
            return made

        def fill() -> None:
            flat = made.reshape(-1)  # of a new array in row-major order: a view
            for index, one in enumerate(items):
                flat[index] = self._of(one)

        return self._later(items, made, fill)

    def _opaque(self, value: Opaque) -> Any:
        if value.is_code and not self._rescue:
            raise UnsafeFileError(
                f"The content would call {shown(value.kind, 120)} in another loader.",
                "Take its tensors and inert descriptions alone, with rescue=True: nothing of it runs.",
            )
        made = Opaque(value.kind, (), None, value.offset, value.is_code, value.is_built)

        def fill() -> None:
            made.arguments = tuple(self._of(one) for one in value.arguments)
            made.state = self._of(value.state)
            made.items.extend(self._of(one) for one in value.items)

        return self._later((*value.arguments, value.state, *value.items), made, fill)

    def _shell(self, value: Shell) -> Any:
        if isinstance(value, Attributes):
            made_of_it = empty_namespace(value.kind)
            attributes: dict[str, Any] = {} if made_of_it is None else vars(made_of_it)
            return self._later(
                value.value.values(),
                attributes if made_of_it is None else made_of_it,
                lambda: attributes.update((key, self._of(one)) for key, one in value.value.items()),
            )
        if isinstance(value, Growing):
            from collections import deque

            queue: deque[Any] = deque(maxlen=value.longest)
            return self._later(value.value, queue, lambda: queue.extend(self._of(one) for one in value.value))
        if value.kind in EXACT:
            return made_shell(value)
        made = Shell(value.kind)

        def fill() -> None:
            made.value = self._of(value.value)

        return self._later((value.value,), made, fill)
