"""torch's tensors that are made of several, described from what their builders are given: sparse, nested, quantized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import a_size, exactly
from .strided import dense
from .torch_arguments import a_boolean, a_named_value, a_storage, a_tensor, no_hooks, sizes
from .values import COMPRESSED, Composite, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["LAYOUTS", "SCHEMES", "rebuild_nested", "rebuild_quantized", "rebuild_sparse"]

LAYOUTS = ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "_mkldnn", "jagged")
SCHEMES = ("per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric",
           "per_channel_affine_float_qparams")  # fmt: skip


def rebuild_sparse(context: Context, arguments: tuple[Any, ...]) -> Composite:
    """`_rebuild_sparse_tensor(layout, parts)`, of every sparse layout."""
    del context
    exactly(arguments, 2)
    layout = a_named_value(arguments[0], LAYOUTS, "layout")
    data = arguments[1]
    if type(data) is not tuple:
        raise UnfitError("is given what are no parts")
    if layout == "sparse_coo":
        exactly(data, 3, 4)
        indices, values = a_tensor(data[0]), a_tensor(data[1])
        facts = {"is_coalesced": a_boolean(data[3], "is_coalesced")} if len(data) == 4 and data[3] is not None else {}
        parts = {"indices": indices, "values": values}
        return Composite(layout, sizes(data[2], "shape"), values.dtype, parts, facts)
    if layout in COMPRESSED:
        exactly(data, 4)
        first, second = COMPRESSED[layout]
        parts = {first: a_tensor(data[0]), second: a_tensor(data[1]), "values": a_tensor(data[2])}
        return Composite(layout, sizes(data[3], "shape"), parts["values"].dtype, parts)
    raise UnfitError(f"is given the layout {layout}")


def rebuild_nested(context: Context, arguments: tuple[Any, ...]) -> Composite:
    """`_rebuild_nested_tensor(buffer, sizes, strides, offsets)`."""
    del context
    exactly(arguments, 4)
    names = ("buffer", "sizes", "strides", "offsets")
    parts = {name: a_tensor(value) for name, value in zip(names, arguments, strict=True)}
    return Composite("nested", (), parts["buffer"].dtype, parts)


def rebuild_quantized(context: Context, arguments: tuple[Any, ...]) -> Composite:
    """`_rebuild_qtensor(storage, offset, shape, stride, quantizer, requires_grad, hooks)`."""
    exactly(arguments, 7)
    storage, offset, shape, stride, quantizer, _, hooks = arguments
    a_boolean(arguments[5], "requires_grad")
    no_hooks(hooks)
    storage = a_storage(storage)
    values = dense(
        context, storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"), offset=a_size(offset, "offset")
    )
    if type(quantizer) is not tuple or not quantizer:
        raise UnfitError("is given what is no quantizer")
    scheme = a_named_value(quantizer[0], SCHEMES, "qscheme")
    facts: dict[str, Any] = {"qscheme": scheme}
    parts = {"int_repr": values}
    if scheme == "per_tensor_affine":
        exactly(quantizer, 3)
        if type(quantizer[1]) is not float or type(quantizer[2]) is not int:
            raise UnfitError("is given a scale or zero point that is no number")
        facts |= {"scale": quantizer[1], "zero_point": quantizer[2]}
    else:
        exactly(quantizer, 4)
        parts |= {"scales": a_tensor(quantizer[1]), "zero_points": a_tensor(quantizer[2])}
        facts["axis"] = a_size(quantizer[3], "axis")
    return Composite("quantized", values.shape, values.dtype, parts, facts)
