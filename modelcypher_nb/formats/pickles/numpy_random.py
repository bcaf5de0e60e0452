"""numpy's random generators, described: their kind and the numbers of their state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .arguments import a_name, a_number, exactly
from .numpy_arrays import Array, Scalar
from .trust import Trusted
from .values import Global, Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES", "Generator"]

GENERATORS = {
    "numpy.random._mt19937.MT19937": "MT19937",
    "numpy.random._pcg64.PCG64": "PCG64",
    "numpy.random._pcg64.PCG64DXSM": "PCG64DXSM",
    "numpy.random._philox.Philox": "Philox",
    "numpy.random._sfc64.SFC64": "SFC64",
}
CONSTRUCTOR = "numpy.random._pickle.__bit_generator_ctor"
SEED_SEQUENCE = "numpy.random.bit_generator.SeedSequence"
MOST_NESTING = 4
MOST_VALUES = 2_000  # the longest state, without its arrays, has some dozen


@dataclass(slots=True, eq=False)
class Generator(Shell):
    """A random generator or a seed; its value is its state.

    Attributes:
        source: the generator of bits that it draws from, where it is one that does.
        is_built: whether its state was given.
    """

    source: Generator | None = None
    is_built: bool = False

    def parts(self) -> tuple[Any, ...]:
        """Its state and the generator of bits."""
        return (self.value,) if self.source is None else (self.value, {"bit_generator": self.source})

    def build(self, state: Any) -> None:
        """Take its state: numbers, texts and arrays of numbers in dicts and tuples."""
        if self.is_built:
            raise UnfitError("is given a second state")
        self.is_built = True
        _prove(state, [MOST_VALUES], 0)
        self.value = state


def _prove(state: Any, room: list[int], nesting: int) -> None:
    room[0] -= 1
    if room[0] < 0:
        raise UnfitError("is given a state that is longer than any generator's")
    if state is None or type(state) in {int, bool, float, str, bytes}:
        return
    if (type(state) is Array and state.tensor is not None) or (type(state) is Scalar and not state.dtype.has_object):
        return
    if type(state) is Generator and state.kind == SEED_SEQUENCE:
        return
    if nesting >= MOST_NESTING or type(state) not in {dict, tuple, list}:
        raise UnfitError("is given a state that is no generator's")
    if type(state) is dict and not all(type(key) is str for key in state):
        raise UnfitError("is given a state that is no generator's")
    for one in state.values() if type(state) is dict else state:
        _prove(one, room, nesting + 1)


def _bit_generator(context: Context, arguments: tuple[Any, ...]) -> Generator:
    del context
    exactly(arguments, 0, 1)
    which = arguments[0] if arguments else "MT19937"
    name = GENERATORS.get(which.text) if type(which) is Global else which
    if type(name) is not str or name not in GENERATORS.values():
        raise UnfitError("is given a generator that isn't one of numpy's")
    return Generator(f"numpy.random.{name}")


def _drawing_from(kind: str, arguments: tuple[Any, ...]) -> Generator:
    exactly(arguments, 0, 1, 2)
    if len(arguments) == 2:
        a_name(arguments[1], CONSTRUCTOR)
    which = arguments[0] if arguments else "MT19937"
    if type(which) is str and which in GENERATORS.values():
        return Generator(kind, source=Generator(f"numpy.random.{which}"))
    if len(arguments) == 2 or type(which) is not Generator or which.kind in {kind, SEED_SEQUENCE} or which.source:
        raise UnfitError("is given a generator that isn't one of numpy's")
    return Generator(kind, source=which)


def _generator(context: Context, arguments: tuple[Any, ...]) -> Generator:
    del context
    return _drawing_from("numpy.random.Generator", arguments)


def _random_state(context: Context, arguments: tuple[Any, ...]) -> Generator:
    del context
    return _drawing_from("numpy.random.RandomState", arguments)


def _seed_sequence(context: Context, arguments: tuple[Any, ...]) -> Generator:
    del context
    exactly(arguments, 3)
    a_name(arguments[0], SEED_SEQUENCE)
    a_number(arguments[1], "checksum", 0)
    made = Generator(SEED_SEQUENCE)
    if arguments[2] is not None:
        made.build(arguments[2])
    return made


def _class(name: str) -> tuple[tuple[str, str], Trusted]:
    module, _, bare = name.rpartition(".")
    return (module, bare), Trusted("a kind of random generator, as a value only", is_value=True)


_STATE = "the state of a random generator, which is numbers"
NAMES: dict[tuple[str, str], Trusted] = {
    ("numpy.random._pickle", "__bit_generator_ctor"): Trusted(_STATE, _bit_generator, is_value=True, level="data"),
    ("numpy.random._pickle", "__generator_ctor"): Trusted(_STATE, _generator, level="data"),
    ("numpy.random._pickle", "__randomstate_ctor"): Trusted(_STATE, _random_state, level="data"),
    # numpy before 1.17
    ("numpy.random", "__RandomState_ctor"): Trusted(_STATE, _random_state, level="data"),
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): Trusted(
        "the seed of a random generator, which is numbers", _seed_sequence, level="data"
    ),
    **dict(_class(name) for name in (*GENERATORS, SEED_SEQUENCE)),
}
