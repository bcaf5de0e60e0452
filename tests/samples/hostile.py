"""Every hostile sample: the ways past a scanner, one small generator each."""

from __future__ import annotations

from . import hostile_calls, hostile_containers, hostile_folders, hostile_readings, hostile_streams
from .sample import Sample

__all__ = ["SAMPLES"]

SAMPLES: tuple[Sample, ...] = (
    *hostile_calls.SAMPLES,
    *hostile_streams.SAMPLES,
    *hostile_containers.SAMPLES,
    *hostile_readings.SAMPLES,
    *hostile_folders.SAMPLES,
)
