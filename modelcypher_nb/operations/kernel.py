"""The verb of the kernel: bounded summaries of live objects that never call a user's code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

from ..errors import UnknownIdError, UsageError
from ..guard.secrets import shown
from .facts import KernelFacts, LiveObject
from .operation import Param, operation
from .paging import Cursor, page
from .session import Call, Session

__all__ = ["summary"]

# What IPython itself puts into the namespace.
IPYTHONS_OWN = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})

# Imported modules, functions and classes are the notebook's tools, not its state.
TOOLS = (type(sys), type(lambda: None), type(len), type)


def _loaded(module: str, name: str) -> Any:
    """A class of a module that is imported already; nothing is imported to look at an object."""
    return getattr(sys.modules.get(module), name, None)


def _one_of(kind: type, known: tuple[type, ...]) -> bool:
    """Whether it is one of these very classes; a set or `==` would call the metaclass's own `__hash__` or `__eq__`."""
    return any(kind is one for one in known)


def _is_exactly(value: Any, module: str, name: str) -> bool:
    """Whether `type(value)` is that very class or a plain subclass, asked without the value's own `__class__`."""
    kind = _loaded(module, name)
    return isinstance(kind, type) and issubclass(type(value), kind)


def _tensor(name: str, value: Any) -> LiveObject | None:
    """A torch tensor, read through torch's own descriptors, never through a subclass's overrides."""
    if not _is_exactly(value, "torch", "Tensor"):
        return None
    torch = sys.modules["torch"]
    base: Any = torch._C.TensorBase  # noqa: SLF001 - the C class whose attributes a subclass can't replace
    if not _one_of(type(value), (torch.Tensor, torch.nn.Parameter)):
        return LiveObject(name, _type_name(value))
    shape = tuple(int(size) for size in base.shape.__get__(value))
    return LiveObject(
        name,
        _type_name(value),
        shape=shape,
        dtype=str(base.dtype.__get__(value)).removeprefix("torch."),
        device=str(base.device.__get__(value)),
        bytes=int(base.nbytes.__get__(value)),
    )


def _array(name: str, value: Any) -> LiveObject | None:
    ndarray = _loaded("numpy", "ndarray")
    if ndarray is None or type(value) is not ndarray:
        return None
    return LiveObject(
        name, "numpy.ndarray", shape=tuple(value.shape), dtype=str(value.dtype), device="cpu", bytes=value.nbytes
    )


def _frame(name: str, value: Any) -> LiveObject | None:
    frame = _loaded("pandas", "DataFrame")
    if frame is None or type(value) is not frame:
        return None
    return LiveObject(name, "pandas.DataFrame", shape=tuple(value.shape))


def _module(name: str, value: Any) -> LiveObject | None:
    """A network: its parameters counted in the dictionaries of `nn.Module`, not by its own methods."""
    if not _is_exactly(value, "torch.nn", "Module"):
        return None
    seen: set[int] = set()
    stack: list[Any] = [value]
    count: int | None = 0
    while stack and len(seen) < 100_000:
        module = stack.pop()
        if id(module) in seen or not _is_exactly(module, "torch.nn", "Module"):
            continue
        seen.add(id(module))
        state = object.__getattribute__(module, "__dict__")
        own = _numbers(state.get("_parameters"))
        count = None if own is None or count is None else count + own
        children = state.get("_modules")
        if type(children) is dict:
            stack.extend(children.values())
    return LiveObject(name, _type_name(value), details=None if count is None else {"parameterCount": count})


def _numbers(parameters: Any) -> int | None:
    """How many numbers parameters hold; None where one is of a class whose own code would have to be asked."""
    torch = sys.modules["torch"]
    known = [item for item in parameters.values() if item is not None] if type(parameters) is dict else []
    if not all(_one_of(type(item), (torch.nn.Parameter, torch.Tensor)) for item in known):
        return None
    return sum(int(torch._C.TensorBase.numel(item)) for item in known)  # noqa: SLF001 - as above


def _plain(name: str, value: Any) -> LiveObject | None:
    kind = type(value)
    if _one_of(kind, (bool, int, float)):
        number = value if kind is not int or abs(value) < 1 << 53 else float("inf")
        return LiveObject(name, kind.__name__, value=number)
    if _one_of(kind, (str, bytes, list, tuple, dict, set, frozenset)):
        return LiveObject(name, kind.__name__, length=len(value))
    return None


def _ours(name: str, value: Any) -> LiveObject | None:
    """Our own objects say which entity they stand for; a class that only says that it is ours isn't asked."""
    kind = type(value)
    module = type.__getattribute__(kind, "__module__")
    if not isinstance(module, str) or not module.startswith("modelcypher_nb."):
        return None
    known = _loaded(module, type.__getattribute__(kind, "__qualname__"))
    if known is not kind or not hasattr(kind, "summary"):
        return None
    return LiveObject(name, kind.__name__, details=value.summary())


def _type_name(value: Any) -> str:
    kind = type(value)
    module = type.__getattribute__(kind, "__module__")
    name = type.__getattribute__(kind, "__qualname__")
    return shown(f"{module}.{name}" if isinstance(module, str) and module != "builtins" else name, 120)


def summary(name: str, value: Any) -> LiveObject:
    """What may be told of an object: numbers by value, a text only by its length, arrays by shape."""
    for look in (_plain, _tensor, _array, _frame, _module, _ours):
        found = look(name, value)
        if found is not None:
            return found
    return LiveObject(name, _type_name(value))


def _namespace(session: Session) -> dict[str, Any]:
    shell = getattr(session.kernel, "shell", None)
    if shell is None:
        raise UsageError("This process has no notebook namespace.", "Run it in a notebook cell: %mc kernel show")
    hidden: Mapping[str, Any] = shell.user_ns_hidden
    names = list(shell.user_ns)  # a snapshot: cells may add names meanwhile
    return {
        name: shell.user_ns[name]
        for name in sorted(name for name in names if isinstance(name, str))
        if not name.startswith("_") and name not in IPYTHONS_OWN and name not in hidden and name in shell.user_ns
    }


@operation(effect="read", place="kernel", profiles=("assistant", "training", "inference", "monitoring"))
def kernel_show(
    call: Call,
    name: Annotated[str | None, Param("Only this variable.", kind="variable")] = None,
    limit: Annotated[int, Param("How many at most.", ge=1, le=1000)] = 50,
    cursor: Cursor = None,
) -> KernelFacts:
    """Show the kernel's live objects: type, shape, dtype, device and bytes, never a text's content.

    No code of the objects is called.
    """
    found = _namespace(call.session)
    if name is not None:
        if name not in found:
            raise UnknownIdError(
                f"There is no variable '{shown(name, 60)}' in the kernel.", "List them: %mc kernel show"
            )
        found = {name: found[name]}
    values = [(key, value) for key, value in found.items() if not issubclass(type(value), TOOLS)]
    taken, following = page(values, limit, cursor)
    objects = tuple(summary(key, value) for key, value in taken)
    return KernelFacts(objects, len(values), _main_thread_runs_a_cell(), following)


def _main_thread_runs_a_cell() -> bool:
    """Whether the main thread's stack holds `run_code`: true exactly while a cell's code runs."""
    import threading

    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - the documented way
    while frame is not None:
        if frame.f_code.co_name == "run_code" and "interactiveshell" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False
