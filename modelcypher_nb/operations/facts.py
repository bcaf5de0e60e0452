"""What operations give: frozen facts, never text and never widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..formats.report import FileInfo, ModelReport, TensorInfo, Verdict
from ..store.records import AuditRecord, CheckpointRecord, CommandRecord, JobRecord, ModelRecord, ModelSource

__all__ = [
    "AuditList",
    "Check",
    "CheckpointFacts",
    "CheckpointList",
    "DeviceFacts",
    "DoctorFacts",
    "InventoryFacts",
    "JobEvent",
    "JobFacts",
    "JobList",
    "JobLog",
    "JobMetrics",
    "KernelFacts",
    "LiveObject",
    "ModelFacts",
    "ModelList",
    "ModelRow",
    "ScanFacts",
    "ScanResult",
    "SeriesFacts",
    "ServerConfig",
    "ServerFacts",
    "SettingFacts",
    "SettingsFacts",
    "StatusFacts",
    "StorageFacts",
    "StorageRow",
    "VerifyFacts",
]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model: what its files say, and what the registry knows.

    Attributes:
        reference: `name@version` where it is registered.
        tensors: one page of its tensors; `tensor_count` counts all.
        placement: where the bytes are, in words.
        report: everything that was read; stays in the process.
    """

    name: str
    path: str
    format: str
    verdict: Verdict
    parameter_count: int
    dtypes: dict[str, int]
    size_bytes: int
    placement: str
    tensor_count: int
    tensors: tuple[TensorInfo, ...]
    files: tuple[FileInfo, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    cursor: str | None = None
    reference: str | None = None
    version: int | None = None
    kind: str | None = None
    state: str | None = None
    managed: bool | None = None
    aliases: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    architecture: str | None = None
    digest: str | None = None
    license: str | None = None
    source: ModelSource | None = None
    lineage: dict[str, Any] | None = None
    report: ModelReport | None = field(default=None, repr=False, compare=False, metadata={"wire": False})


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in a list."""

    id: str
    version: int
    kind: str
    path: str
    state: str
    format: str
    verdict: str
    parameter_count: int
    size_bytes: int
    registered_at: float
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    architecture: str | None = None

    @classmethod
    def of(cls, record: ModelRecord) -> ModelRow:
        """The row of a record."""
        return cls(
            id=record.id,
            version=record.version,
            kind=record.kind,
            path=record.path,
            state=record.state,
            format=record.format,
            verdict=record.verdict.level,
            parameter_count=record.parameter_count,
            size_bytes=record.size_bytes,
            registered_at=record.registered_at,
            aliases=record.aliases,
            tags=record.tags,
            architecture=record.architecture,
        )


@dataclass(frozen=True, slots=True)
class ModelList:
    """A page of models; `total` counts all."""

    items: tuple[ModelRow, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The verdict on one file or model folder."""

    path: str
    format: str
    verdict: Verdict
    size_bytes: int
    parameter_count: int
    tensor_count: int


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """The verdicts on what was scanned; `exit_code` is what a shell gives for the worst of them."""

    results: tuple[ScanResult, ...]
    worst: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class VerifyFacts:
    """Whether a registered model's files still are what was registered."""

    reference: str
    path: str
    intact: bool
    expected: str | None
    found: str | None
    state: str


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened in a run: pause, resume, checkpoint, nan, spike, learning_rate, error, ..."""

    step: int
    time: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A run.

    Attributes:
        outcome: of the command that was given: done, received (the owner has it), requested (it waits for its owner).
        moves: what may be done to it now.
    """

    job: JobRecord
    moves: tuple[str, ...]
    checkpoints: tuple[CheckpointRecord, ...] = ()
    events: tuple[JobEvent, ...] = ()
    outcome: str | None = None
    command: CommandRecord | None = None


@dataclass(frozen=True, slots=True)
class JobList:
    """A page of runs, the newest first."""

    items: tuple[JobRecord, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """One metric: `count` points were logged, `steps` and `values` are at most as many as asked for."""

    name: str
    count: int
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    last: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """The metrics of a run."""

    job: str
    state: str
    step: int
    series: tuple[SeriesFacts, ...]
    events: tuple[JobEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class JobLog:
    """The last lines that a run's process wrote."""

    job: str
    lines: tuple[str, ...]
    total_bytes: int


@dataclass(frozen=True, slots=True)
class CheckpointList:
    """A page of checkpoints, the newest first."""

    items: tuple[CheckpointRecord, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """One checkpoint, and after `verify` whether its files are what was written."""

    checkpoint: CheckpointRecord
    path: str
    intact: bool | None = None


@dataclass(frozen=True, slots=True)
class StorageRow:
    """What one item takes on the disk."""

    category: str
    id: str
    bytes: int
    reclaimable: bool
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """What the toolkit's home and the registered models take."""

    rows: tuple[StorageRow, ...]
    total_bytes: int
    reclaimable_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    cursor: str | None = None
    total: int = 0


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A processor or accelerator that a run could use."""

    kind: str
    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class InventoryFacts:
    """What this machine has."""

    system: str
    python: str
    cpu_count: int
    memory_bytes: int
    memory_available_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    devices: tuple[DeviceFacts, ...]
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What is going on: live runs, registry, server, and the security posture."""

    version: str
    home: str
    start: str
    roots: tuple[str, ...]
    in_kernel: bool
    models: int
    jobs: int
    live_jobs: tuple[str, ...]
    server: str
    posture: dict[str, str]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looked at; a fault names the command that mends it."""

    name: str
    ok: bool
    found: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """Every part that was looked at."""

    checks: tuple[Check, ...]
    healthy: bool


@dataclass(frozen=True, slots=True)
class LiveObject:
    """A bounded summary of an object in the kernel, made without calling its code."""

    name: str
    type: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    device: str | None = None
    bytes: int | None = None
    length: int | None = None
    value: float | int | bool | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """The kernel's live objects."""

    objects: tuple[LiveObject, ...]
    total: int
    busy: bool
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """A setting's value, a secret's only as set or not, and where it came from."""

    key: str
    variable: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """Settings in force."""

    settings: tuple[SettingFacts, ...]
    notices: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The MCP server of this kernel; the address is known only while it runs, the token is never among the facts."""

    state: str
    profile: str
    mode: str
    tools: tuple[str, ...]
    address: str | None = None
    clients: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Ready snippets for MCP clients, by client name."""

    snippets: dict[str, str]
    note: str


@dataclass(frozen=True, slots=True)
class AuditList:
    """The newest audit rows, the newest first."""

    items: tuple[AuditRecord, ...]
    total: int
