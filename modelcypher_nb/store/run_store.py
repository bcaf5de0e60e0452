"""What a run writes to: the home folder, its catalog, and the folders of one run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import MissingFileError
from . import checkpoints
from .records import CheckpointRecord, CheckpointState, check_id
from .series import SeriesReader, SeriesWriter

if TYPE_CHECKING:
    from ..guard.paths import Guard
    from ..guard.safe_path import SafePath
    from .catalog import Catalog

__all__ = ["LOG_NAME", "RunStore"]

LOG_NAME = "log.txt"
LOG_TAIL_BYTES = 256 << 10


@dataclass(frozen=True)
class RunStore:
    """The home, its catalog, and the guard of whoever trains.

    Layout: runs/JOB_ID/series/segment-0001.mcs, runs/JOB_ID/checkpoints/step-00000042/, runs/JOB_ID/log.txt.
    """

    home: SafePath
    catalog: Catalog
    guard: Guard

    def run_folder(self, job: str) -> SafePath:
        """The folder of a run, made where it is missing."""
        with self.home.folder("runs") as runs:
            return runs.folder(check_id(job, "job id"))

    def series_folder(self, job: str) -> SafePath:
        """Where a run's segments are, made where it is missing."""
        with self.run_folder(job) as folder:
            return folder.folder("series")

    def checkpoints_folder(self, job: str) -> SafePath:
        """Where a run's checkpoints are, made where it is missing."""
        with self.run_folder(job) as folder:
            return folder.folder("checkpoints")

    def existing(self, job: str, name: str) -> SafePath | None:
        """A file or folder of a run, or None where there is none: whoever only looks makes nothing."""
        try:
            return self.home / f"runs/{check_id(job, 'job id')}/{name}"
        except MissingFileError:
            return None

    def series_writer(self, job: str, segment: int) -> SeriesWriter:
        """A writer of a new segment."""
        with self.series_folder(job) as folder:
            return SeriesWriter(folder, segment)

    def series(self, job: str) -> SeriesReader:
        """A reader of what a run logged, which is nothing for one that hasn't begun."""
        return SeriesReader(self.existing(job, "series"))

    def checkpoint_location(self, job: str, step: int) -> str:
        """The folder of a checkpoint as text, for people."""
        return os.path.join(  # noqa: PTH118
            self.home.location, "runs", check_id(job, "job id"), "checkpoints", checkpoints.folder_name(step)
        )

    def verify_checkpoint(self, record: CheckpointRecord) -> bool:
        """Whether a checkpoint's files still are what was written; the catalog keeps the answer."""
        intact = self._digest(record) == record.digest
        state: CheckpointState = "complete" if intact else "corrupt"
        if record.state != state:
            self.catalog.update_checkpoint(record.job, record.step, state=state)
        return intact

    def _digest(self, record: CheckpointRecord) -> str:
        """The digest of a checkpoint's files as they are; an empty text where they are gone."""
        folder = self.existing(record.job, "checkpoints")
        if folder is None:
            return ""
        with folder:
            try:
                return checkpoints.digest(folder, record.step)
            except MissingFileError:
                return ""

    def log_tail(self, job: str) -> tuple[str, int]:
        """The end of what a run's process wrote, and how many bytes there are in all."""
        safe = self.existing(job, LOG_NAME)
        if safe is None:
            return "", 0
        with safe:
            source = safe.source()
            begin = max(0, source.size - LOG_TAIL_BYTES)
            text = source.read_at(begin, source.size - begin).decode("utf-8", "replace")
        return text if begin == 0 else text.partition("\n")[2], source.size
