"""Summaries of live objects: bounded, and no code of the objects is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from modelcypher_nb.operations.kernel import summary


class Trap:
    """An object whose every method is a trap."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __repr__(self) -> str:
        raise AssertionError("asked for its text")

    def __len__(self) -> int:
        raise AssertionError("asked for its length")


class SlyTensor(torch.Tensor):
    @property
    def shape(self) -> Any:  # type: ignore[override]
        raise AssertionError("asked for its shape")


class SlyNetwork(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)

    def parameters(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("asked for its parameters")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


class SlyText(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise AssertionError("asked for its length")


@pytest.mark.parametrize("kind", [Trap, SlyText, SlyTensor])
def test_no_code_of_an_object_is_called(kind: type) -> None:
    found = summary("x", kind())
    assert (found.name, found.type.rpartition(".")[2]) == ("x", kind.__name__)


def test_a_network_is_counted_without_its_methods() -> None:
    assert summary("x", SlyNetwork()).details == {"parameterCount": 8}
    looped = torch.nn.Sequential(torch.nn.Linear(2, 2))
    looped._modules["itself"] = looped
    assert summary("x", looped).details == {"parameterCount": 6}


def test_arrays_are_told_by_shape() -> None:
    tensor = summary("x", torch.zeros(2, 3, dtype=torch.float16))
    assert (tensor.shape, tensor.dtype, tensor.device, tensor.bytes) == ((2, 3), "float16", "cpu", 12)
    array = summary("x", np.zeros((4, 5), dtype="int8"))
    assert (array.shape, array.dtype, array.bytes) == ((4, 5), "int8", 20)


@pytest.mark.parametrize(("value", "shown"), [(3, 3), (0.5, 0.5), (True, True), (1 << 60, float("inf"))])
def test_numbers_are_told_by_value(value: object, shown: object) -> None:
    assert summary("x", value).value == shown


@pytest.mark.parametrize("value", ["a secret text", b"bytes", ["a", "b"], {"password": "x"}])
def test_texts_and_containers_are_told_only_by_their_length(value: Any) -> None:
    found = summary("x", value)
    assert found.length == len(value)
    assert found.value is None
    assert "secret" not in repr(found)
    assert "password" not in repr(found)
