"""The second list: what may stand in a file judged `objects` though its package is closed, and with which arguments.

A listed class is only made and filled, a listed value only held, a listed call has exactly the arguments and the state
that its own library writes. Nothing here is ever imported or called by us.
"""

from __future__ import annotations

from . import sklearn_calls, torch_calls
from .object_shapes import Key, ObjectCall
from .object_tables import CLASSES, EARLIER_CLASSES, EARLIER_VALUES, VALUES

__all__ = ["OBJECT_CALLS", "OBJECT_CLASSES", "OBJECT_VALUES"]


def _keys(*tables: dict[str, str]) -> frozenset[Key]:
    return frozenset((module, name) for table in tables for module, names in table.items() for name in names.split())


OBJECT_CALLS: dict[Key, ObjectCall] = {**torch_calls.CALLS, **sklearn_calls.CALLS}
OBJECT_CLASSES: frozenset[Key] = _keys(CLASSES, EARLIER_CLASSES) - OBJECT_CALLS.keys()
OBJECT_VALUES: frozenset[Key] = _keys(VALUES, EARLIER_VALUES) | torch_calls.METHODS.keys() | sklearn_calls.HELD
