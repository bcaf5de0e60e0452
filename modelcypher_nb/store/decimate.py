"""Fewer points that show the same curve: each stretch keeps its lowest and its highest point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["extremes"]


def extremes(values: Array, points: int) -> tuple[Array, Array, Array]:
    """Choose points so that no spike is lost, as taking every n-th would.

    Args:
        values: (count,) float64, in order; NaN where a value was none.
        points: how many at most, at least 4.

    Returns:
        Indices of the chosen points in order, with the first and the last; the lowest and the highest value of the
        stretch that each stands for (NaN where it has none).
    """
    import numpy as np

    count = len(values)
    holes = np.isnan(values)
    kept = 3 if holes.any() else 2  # a stretch with a NaN shows it beside its extremes
    stretches = max(1, (points - 2) // kept)
    width = -(-count // stretches)
    padded = np.full(width * -(-count // width), np.nan)
    padded[:count] = values
    table = padded.reshape(-1, width)  # (stretch, place)
    missing = np.isnan(table)
    low_at = np.where(missing, np.inf, table).argmin(axis=1)
    high_at = np.where(missing, -np.inf, table).argmax(axis=1)
    rows = np.arange(len(table))
    chosen = [np.array([0, count - 1]), rows * width + low_at, rows * width + high_at]
    if kept == 3:
        real = missing & (np.arange(padded.size).reshape(table.shape) < count)
        chosen.append((rows * width + real.argmax(axis=1))[real.any(axis=1)])
    indices = np.unique(np.concatenate(chosen))
    stretch = indices // width
    return indices, table[rows, low_at][stretch], table[rows, high_at][stretch]
