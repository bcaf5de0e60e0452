"""The program of a torch export: which parts of its JSON torch evaluates as Python, or imports, or calls.

Source: `torch/_export/serde/serialize.py` and `torch/utils/_pytree.py` of torch 2.13. Sizes go through sympy, which
evaluates text; guards are compiled; the shape of the arguments may name modules to import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..guard.secrets import shown
from .strict_json import parse

if TYPE_CHECKING:
    from .pickles.context import Context

__all__ = ["judge_program"]

# Operators that compute on tensors and numbers alone.
NAMESPACES = "aten|prim|prims|higher_order|quantized|_quantized|quantized_decomposed|sparse|mkldnn|onednn|torchvision"
OPERATOR = re.compile(rf"torch\.ops\.({NAMESPACES})\.(\w+)(?:\.\w+)?")
# Those that call graphs of the program itself, or one operator.
HIGHER_ORDER = frozenset({
    "associative_scan", "auto_functionalized", "auto_functionalized_v2", "cond", "flex_attention", "invoke_subgraph",
    "map", "map_impl", "out_dtype", "scan", "strict_mode", "tag_activation_checkpoint", "while_loop", "with_effects",
    "wrap", "wrap_activation_checkpoint", "wrap_with_autocast", "wrap_with_set_grad_enabled",
})  # fmt: skip
NUMERIC = re.compile(
    r"_operator\.(?:add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|invert|and_|or_|xor|lshift|rshift|not_|truth|eq|ne|"
    r"lt|le|gt|ge|getitem|index|is_|is_not)|math\.[a-z]\w*|torch\.(?:_?sym_\w+|_check|_check_is_size)"
)
REACHING = frozenset({"from_file", "save", "load"})
# sympy's and torch's own functions of numbers, as sympy writes a size down.
FUNCTIONS = (
    "Abs|Add|And|BooleanFalse|BooleanTrue|CeilDiv|CeilToInt|CleanDiv|Eq|Equality|Float|FloatPow|FloatTrueDiv|FloorDiv|"
    "FloorToInt|Ge|GreaterThan|Gt|Identity|IntTrueDiv|Integer|IsNonOverlappingAndDenseIndicator|LShift|Le|LessThan|Lt|"
    "Max|Min|Mod|ModularIndexing|Mul|Ne|Not|Or|Piecewise|Pow|PowByNatural|PythonMod|RShift|Rational|RoundDecimal|"
    "RoundToInt|StrictGreaterThan|StrictLessThan|ToFloat|TruncToFloat|TruncToInt|Unequality|Where|false|oo|true|zoo|"
    r"OpaqueUnaryFn_\w+|BitwiseFn_\w+|ExprCondPair|Tuple|int_oo"
)
SIZE = re.compile(
    rf"(?:Symbol\('\w+'|Float\('[0-9.e+-]+'|Dummy\('\w+', dummy_index=[0-9]+|\b(?:{FUNCTIONS})\b|"
    r"\b(?:integer|positive|nonnegative|negative|nonzero|real|finite|precision|evaluate)=|\b(?:True|False|None)\b|"
    r"\b[0-9][0-9.]*(?:e[+-]?[0-9]+)?|\b[a-z]{1,2}[0-9]+\b|[-\s+*/%(),<>=&|~])*"
)
LONGEST_GUARD = 20_000
GUARD_CALLS = frozenset({
    "size", "stride", "storage_offset", "dim", "numel", "isinstance", "len", "abs", "min", "max", "int", "float",
    "bool", "cast_symbool_to_symint_guardless", "sym_int", "sym_float", "sym_max", "sym_min", "ceil", "floor", "sqrt",
    "trunc",
})  # fmt: skip
# No name begins with an underscore, no text holds more than a name, and nothing but a name is called.
GUARD_TOKEN = re.compile(r"([A-Za-z]\w*)( *\()?|'[\w.]*'|\"[\w.]*\"|[0-9][0-9.]*|[-+*/%()\[\],.<>=! ]", re.ASCII)
COMPUTED_CALL = re.compile(r"[)\]'\"0-9] *\(")
KEYWORDS = frozenset({"async", "await", "for", "import", "lambda", "yield"})
IMPORTED = frozenset({"builtins", "collections"})
DEEPEST_SPEC = 4


def judge_program(data: bytes, label: str, context: Context) -> None:
    """Judge what loading a program evaluates, and what running it calls; findings go to the context.

    Raises:
        MalformedError: it is no JSON.
    """
    for key, value in _entries(parse(data, label, constants=True)):
        if key in {"target", "as_operator"} and type(value) is str:
            if not _is_computing(value):
                _tell(context, f"The program calls {shown(value, 120)}, which is no operator of torch's own.", value)
        elif key == "expr_str":
            if type(value) is not str or SIZE.fullmatch(value) is None:
                _tell(context, "A size of the program is a text that is evaluated as Python.", str(value))
        elif key == "guards_code":
            for guard in value if type(value) is list else [value]:
                if type(guard) is not str or not _is_comparison(guard):
                    _tell(context, "A guard of the program is a text that is executed as Python.", str(guard))
        elif key in {"in_spec", "out_spec", "treespec"} and type(value) is str:
            _judge_spec(value, label, context, 0)


def _tell(context: Context, what: str, excerpt: str) -> None:
    context.tell("code", "torch-export-program", what, 0, name=shown(excerpt, 120), excerpt=shown(excerpt, 200))


def _entries(root: Any) -> Iterator[tuple[str, Any]]:
    """Every key of every object, with its value."""
    todo = [root]
    while todo:
        value = todo.pop()
        if type(value) is dict:
            yield from value.items()
            todo.extend(value.values())
        elif type(value) is list:
            todo.extend(value)


def _is_computing(target: str) -> bool:
    match = OPERATOR.fullmatch(target)
    if match is not None:
        return match[2] in HIGHER_ORDER if match[1] == "higher_order" else match[2] not in REACHING
    return NUMERIC.fullmatch(target) is not None


def _is_comparison(guard: str) -> bool:
    """Whether a guard only compares sizes and numbers."""
    if len(guard) > LONGEST_GUARD or COMPUTED_CALL.search(guard):
        return False
    at = 0
    while at < len(guard):
        match = GUARD_TOKEN.match(guard, at)
        if match is None or match[1] in KEYWORDS or (match[2] and match[1] not in GUARD_CALLS):
            return False
        at = match.end()
    return True


def _judge_spec(text: str, label: str, context: Context, nesting: int) -> None:
    """The shape of the arguments: JSON within JSON, where a default dict and an enumeration name what to import."""
    if nesting > DEEPEST_SPEC or text.lstrip()[:1] not in {"{", "["}:
        return
    for key, value in _entries(parse(text.encode("utf-8", "surrogatepass"), f"A part of {label}", constants=True)):
        names_module = key in {"default_factory_module", "fqn"}
        if names_module and (type(value) is not str or value.partition(":")[0] not in IMPORTED):
            _tell(context, f"Loading the program imports {shown(str(value), 120)}.", str(value))
        elif type(value) is str:
            _judge_spec(value, label, context, nesting + 1)
