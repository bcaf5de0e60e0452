"""What a run writes to: the home folder, its catalog, and the folders of one run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import MissingFileError
from . import checkpoints
from .records import CheckpointRecord, check_id
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
        """Where a run's segments are."""
        with self.run_folder(job) as folder:
            return folder.folder("series")

    def checkpoints_folder(self, job: str) -> SafePath:
        """Where a run's checkpoints are."""
        with self.run_folder(job) as folder:
            return folder.folder("checkpoints")

    def series_writer(self, job: str, segment: int) -> SeriesWriter:
        """A writer of a new segment."""
        with self.series_folder(job) as folder:
            return SeriesWriter(folder, segment)

    def series(self, job: str) -> SeriesReader:
        """A reader of all segments; it holds the folder open."""
        return SeriesReader(self.series_folder(job))

    def checkpoint_location(self, job: str, step: int) -> str:
        """The folder of a checkpoint as text, for people."""
        return os.path.join(  # noqa: PTH118
            self.home.location, "runs", check_id(job, "job id"), "checkpoints", checkpoints.folder_name(step)
        )

    def verify_checkpoint(self, record: CheckpointRecord) -> bool:
        """Whether a checkpoint's files still are what was written; the catalog keeps the answer."""
        try:
            with self.checkpoints_folder(record.job) as folder:
                found: str | None = checkpoints.digest(folder, record.step)
        except MissingFileError:
            found = None
        intact = found is not None and found == record.digest
        state = "complete" if intact else "corrupt"
        if record.state != state:
            self.catalog.update_checkpoint(record.job, record.step, state=state)
        return intact

    def log_tail(self, job: str) -> tuple[str, int]:
        """The end of what a run's process wrote, and how many bytes there are in all."""
        with self.run_folder(job) as folder:
            if not any(entry.name == LOG_NAME for entry in folder.list()):
                return "", 0
            with folder / LOG_NAME as safe:
                source = safe.source()
                begin = max(0, source.size - LOG_TAIL_BYTES)
                text = source.read_at(begin, source.size - begin).decode("utf-8", "replace")
                return text if begin == 0 else text.partition("\n")[2], source.size
