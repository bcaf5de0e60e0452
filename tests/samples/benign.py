"""Every benign sample: what torch, numpy, joblib, scikit-learn and the Hub's models write."""

from __future__ import annotations

from . import benign_arrays, benign_folders, benign_programs, benign_tensors, benign_trainers
from .sample import Sample

__all__ = ["SAMPLES"]

SAMPLES: tuple[Sample, ...] = (
    *benign_tensors.SAMPLES,
    *benign_trainers.SAMPLES,
    *benign_arrays.SAMPLES,
    *benign_programs.SAMPLES,
    *benign_folders.SAMPLES,
)
