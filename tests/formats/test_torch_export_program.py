"""Which texts of an exported program torch evaluates, and which of them only compute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.torch_export_program import judge_program


def levels(**program: Any) -> set[str]:
    context = Context("a.pt2")
    judge_program(json.dumps(program).encode(), "a.pt2", context)
    return {finding.level for finding in context.findings}


@pytest.mark.parametrize(
    "guard",
    ["x.size()[0] >= 2", "isinstance(x, torch.Tensor)", "L['x'].size()[0] % 4 == 0 and y.shape[1] != 3",
     "torch.sym_max(x.size()[0], 2) <= 100"],
)  # fmt: skip
def test_a_guard_that_compares_is_no_danger(guard: str) -> None:
    assert levels(guards_code=[guard]) == set()


@pytest.mark.parametrize(
    "guard",
    ["eval('x')", "x.__class__", "L['f'](1)", "(x.size)(1)", "f(1)", "x == 1\nimport os", "[x for x in y]", "lambda: 1",
     "'a'.join(x)", "f'{x}'", "getattr(x, 'y')", "x" * 30_000, 5],
)  # fmt: skip
def test_a_guard_that_could_do_more_is_code(guard: Any) -> None:
    assert levels(guards_code=[guard]) == {"code"}


@pytest.mark.parametrize(
    "size",
    ["Symbol('s77', positive=True, integer=True)", "2*s0 + 1", "Max(1, s0)", "FloorDiv(Symbol('u1', integer=True), 2)",
     "Add(Integer(1), Mul(Integer(-1), Symbol('s1', integer=True)))", "s0 <= 4"],
)  # fmt: skip
def test_a_size_that_computes_is_no_danger(size: str) -> None:
    assert levels(sizes=[{"as_expr": {"expr_str": size}}]) == set()


@pytest.mark.parametrize(
    "size", ["__import__('os')", "s0.free_symbols", "eval(s0)", "Symbol('a b')", "Max('exit()')", "preview(s0)", 7]
)
def test_a_size_that_could_do_more_is_code(size: Any) -> None:
    assert levels(sizes=[{"as_expr": {"expr_str": size}}]) == {"code"}


@pytest.mark.parametrize(
    "target",
    ["torch.ops.aten.add.Tensor", "_operator.mul", "torch.sym_float", "math.ceil", "torch.ops.higher_order.cond"],
)
def test_an_operator_that_computes_is_no_danger(target: str) -> None:
    assert levels(nodes=[{"target": target}]) == set()


@pytest.mark.parametrize(
    "target",
    ["torch.os.system", "torch.hub.load", "torch.ops.mine.anything", "torch.ops.aten.from_file.default", "#custom",
     "torch.ops.higher_order.flat_apply", "_operator.methodcaller", "_operator.attrgetter", "math.__loader__"],
)  # fmt: skip
def test_an_operator_that_could_do_more_is_code(target: str) -> None:
    assert levels(nodes=[{"target": target}]) == {"code"}
