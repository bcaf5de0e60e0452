"""What is measured while a network learns, as pure functions: formula, shape, unit and source stand in each docstring.

Shape letters: n = number of tensors, k = number of values in a window.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = [
    "SPIKE_SCORE",
    "WINDOW",
    "accuracy",
    "grad_norms",
    "is_spike",
    "loss_verdict",
    "robust_score",
    "samples_in",
    "seconds_left",
    "total_norm",
]

WINDOW = 64  # values that a new loss is compared with
FEWEST = 16  # below this many the median says too little
SPIKE_SCORE = 6.0
NORMAL_SCALE = 1.4826  # makes the median absolute deviation estimate a normal distribution's standard deviation
FLAT = 1e-3  # of the median: a deviation that a flat curve is granted, or rounding would count as a spike


def robust_score(value: float, window: Sequence[float]) -> float:
    """How far a value lies above what came before, in robust standard deviations.

    score = (value - median) / (1.4826 * MAD), MAD = median(|x - median|) over the window; the denominator is at
    least 0.001 * |median|, so that a curve that has gone flat doesn't turn rounding into spikes.

    Args:
        value: the new loss.
        window: the finite losses before it, (k,), the newest last.

    Returns:
        A number without unit; 0 where fewer than 16 values came before.

    Source:
        Iglewicz, Hoaglin: How to Detect and Handle Outliers (1993): the modified z-score by the median absolute
        deviation; 1.4826 is 1 over the standard normal's third quartile. 64 and 6 are this project's choice.
    """
    if len(window) < FEWEST:
        return 0.0
    middle = statistics.median(window)
    deviation = statistics.median(abs(item - middle) for item in window)
    scale = max(NORMAL_SCALE * deviation, FLAT * abs(middle), 1e-12)
    return (value - middle) / scale


def is_spike(value: float, window: Sequence[float]) -> bool:
    """Whether a loss stands out above the 64 before it: its robust score is over 6."""
    if not math.isfinite(value) or len(window) < FEWEST:
        return False
    ordered = sorted(window)  # the median, without what statistics.median adds: this runs at every step
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    if value - middle <= SPIKE_SCORE * FLAT * abs(middle):
        return False  # most steps end here: below any score that counts, without the deviations
    return robust_score(value, window) > SPIKE_SCORE


def loss_verdict(
    value: float, step: int, window: Sequence[float], grad_norm: float | None, learning_rate: float | None
) -> tuple[str, str] | None:
    """What is wrong with a loss, in plain words with its numbers.

    Args:
        value: the loss of this step.
        step: its number.
        window: the finite losses before it, (k,), the newest last.
        grad_norm: the gradient norm of this step, where known.
        learning_rate: the learning rate of this step, where known.

    Returns:
        The kind of event (`nan` or `spike`) and its text, or None where nothing is wrong.
    """
    if not math.isfinite(value):
        word = "NaN" if math.isnan(value) else "infinite"
        before = f"the last finite loss was {window[-1]:.4g}" if window else "no finite loss came before"
        return "nan", (
            f"The loss is {word} at step {step}: {before}{_beside(grad_norm, learning_rate)}. "
            "Resume from a checkpoint before it with a lower learning rate or clipped gradients."
        )
    if not is_spike(value, window):
        return None
    middle, score = statistics.median(window), robust_score(value, window)
    return "spike", (
        f"The loss jumped to {value:.4g} at step {step}: the median of the {len(window)} before is {middle:.4g}, "
        f"{score:.0f} robust deviations below{_beside(grad_norm, learning_rate)}."
    )


def _beside(grad_norm: float | None, learning_rate: float | None) -> str:
    known = []
    if grad_norm is not None:
        known.append(f"the gradient norm is {grad_norm:.4g}")
    if learning_rate is not None:
        known.append(f"the learning rate {learning_rate:.4g}")
    return f", {' and '.join(known)}" if known else ""


def grad_norms(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    """The Euclidean norm of each tensor's gradient, on the gradients' own device.

    norm_i = sqrt(sum_j g_ij^2), one fused call for all tensors (`torch._foreach_norm`).

    Args:
        gradients: n dense tensors on one device, any shapes.

    Returns:
        (n,) float32 or wider, in the gradients' unit (loss per unit of the parameter).
    """
    import torch

    norms: list[torch.Tensor] = list(torch._foreach_norm(list(gradients)))  # noqa: SLF001 - as torch's clipping does
    if any(norm.dtype is not torch.float32 for norm in norms):
        norms = [norm if norm.dtype is torch.float64 else norm.float() for norm in norms]
    return torch.stack(norms)


def total_norm(gradients: Iterable[torch.Tensor | None]) -> torch.Tensor | None:
    """The Euclidean norm of all gradients as one vector: sqrt(sum_i norm_i^2).

    Sparse gradients count by their coalesced values. Tensors may lie on several devices; the sum is made on the first.

    Returns:
        A tensor without dimensions that nothing has waited for yet, or None where there is no gradient.

    Source:
        Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks (2013), the norm that
        clipping compares; the same number that `torch.nn.utils.clip_grad_norm_` returns.
    """
    import torch

    dense = [one.coalesce().values() if one.is_sparse else one for one in gradients if one is not None]
    if not dense:
        return None
    by_device: dict[torch.device, list[torch.Tensor]] = {}
    for gradient in dense:
        by_device.setdefault(gradient.device, []).append(gradient)
    parts = [torch.linalg.vector_norm(grad_norms(group)) for group in by_device.values()]
    total: torch.Tensor = parts[0]
    if len(parts) > 1:
        total = torch.linalg.vector_norm(torch.stack([part.to(total.device) for part in parts]))
    return total


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The share of samples whose largest output is the target class.

    accuracy = mean(argmax_c outputs[i, c] == targets[i])

    Args:
        outputs: scores, (batch, classes) or (batch, classes, ...) as `cross_entropy` takes them.
        targets: class indices, integers, (batch,) or (batch, ...).

    Returns:
        A tensor without dimensions, from 0 to 1.
    """
    return (outputs.detach().argmax(dim=1) == targets).float().mean()


def samples_in(batch: object) -> int:
    """How many samples a batch holds: the length of the first tensor or array in it, else 1."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    parts: Iterable[object] = ()
    if isinstance(batch, dict):
        parts = batch.values()
    elif isinstance(batch, list | tuple):
        parts = batch
    for part in parts:
        if getattr(part, "shape", None) or isinstance(part, dict | list | tuple):
            return samples_in(part)
    return len(batch) if isinstance(batch, list) else 1


def seconds_left(step: int, total_steps: int | None, steps_per_second: float | None) -> float | None:
    """The time to the end at the pace of the last steps: (total - step) / pace, in seconds; None where unknown."""
    if total_steps is None or not steps_per_second:
        return None
    return max(0.0, (total_steps - step) / steps_per_second)
