"""The wire between the kernel and its views: one TypedDict for each interface of the front end's messages.ts."""

# No `from __future__ import annotations`: as text, NotRequired would not count.

from typing import Any, Literal, NotRequired, TypedDict

__all__ = ["COMM_TARGET", "MIME", "SCHEMA", "Payload", "SavedPayload", "ViewName"]

MIME = "application/vnd.modelcypher.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
COMM_TARGET = "modelcypher_nb.view"
SCHEMA = "mc.view.v1"

ViewName = Literal["model_card", "training_run", "registry", "server", "refusal"]


class Payload(TypedDict):
    """What a notebook keeps of a displayed object."""

    _schema: str
    view: ViewName
    id: str
    nonce: str
    savedAt: str
    data: dict[str, Any]


class SavedPayload(TypedDict):
    """A payload in a notebook's file: its data as JSON text, or each of its numbers would take a line there."""

    _schema: str
    view: ViewName
    id: str
    nonce: str
    savedAt: str
    data: str


class CommOpen(TypedDict):
    """A view of the JupyterLab extension asks for its object."""

    view: ViewName
    id: str
    nonce: str
    clientId: str


class OpenMessage(TypedDict):
    """An anywidget view was drawn."""

    type: Literal["open"]
    clientId: str


class AckMessage(TypedDict):
    """A view has drawn everything up to a sequence number."""

    type: Literal["ack"]
    seq: int


class AskMessage(TypedDict):
    """A view lacks something and wants a snapshot."""

    type: Literal["ask"]


class ActionMessage(TypedDict):
    """A button was pressed."""

    type: Literal["action"]
    token: str
    action: str
    arguments: dict[str, Any]


class SnapshotMessage(TypedDict):
    """The object as it is now, and what may be done to it."""

    type: Literal["snapshot"]
    seq: int
    data: dict[str, Any]
    actions: list[str]


class PointsEntry(TypedDict):
    """A series in a points message: `count` steps, then `count` values in the buffer."""

    name: str
    count: int


class PointsMessage(TypedDict):
    """Points that were added; they lie in one buffer of little-endian float64."""

    type: Literal["points"]
    seq: int
    series: list[PointsEntry]


class FactsMessage(TypedDict):
    """Keys of the data that changed."""

    type: Literal["facts"]
    seq: int
    data: dict[str, Any]
    actions: NotRequired[list[str]]


class ReplyMessage(TypedDict):
    """What came of an action."""

    type: Literal["reply"]
    token: str
    ok: bool
    text: NotRequired[str]
    problem: NotRequired[str]
    remedy: NotRequired[str]


class ReceivedMessage(TypedDict):
    """An action has arrived and is worked on."""

    type: Literal["received"]
    token: str


class RefusedMessage(TypedDict):
    """This kernel doesn't know the object: the view stays with what was saved."""

    type: Literal["refused"]


class Finding(TypedDict):
    """One reason of a verdict."""

    level: str
    what: str
    where: NotRequired[str]
    remedy: NotRequired[str]
    rule: NotRequired[str]
    member: NotRequired[str]
    offset: NotRequired[int]
    excerpt: NotRequired[str]
    name: NotRequired[str]


class Verdict(TypedDict):
    """What a file holds."""

    level: str
    findings: list[Finding]


class Source(TypedDict):
    """Where a model came from."""

    repo: NotRequired[str]
    revision: NotRequired[str]


class ModelFile(TypedDict):
    """A weight file."""

    name: str
    sizeBytes: int


class Tensor(TypedDict):
    """A stored tensor."""

    name: str
    dtype: str
    shape: list[int]
    sizeBytes: int
    file: NotRequired[str]
    layout: NotRequired[str]
    strides: NotRequired[list[int]]
    aliasOf: NotRequired[str]
    storageBytes: NotRequired[int]


class TreeNode(TypedDict):
    """One value of what a file holds beside and around its tensors."""

    key: str
    kind: str
    text: NotRequired[str]
    children: NotRequired["list[TreeNode]"]
    omitted: NotRequired[int]


class PickleNote(TypedDict):
    """What to tell of files that rely on pickle."""

    text: str
    command: str


class Work(TypedDict):
    """How far an action is; a total of 0 where nobody knows."""

    action: str
    done: int
    total: int


class ModelCardData(TypedDict):
    """A model's card."""

    name: str
    reference: NotRequired[str]
    path: NotRequired[str]
    format: str
    architecture: NotRequired[str]
    parameterCount: int
    dtypes: dict[str, int]
    sizeBytes: int
    digest: NotRequired[str]
    license: NotRequired[str]
    source: NotRequired[Source]
    provenance: NotRequired[str]
    verdict: Verdict
    version: NotRequired[int]
    aliases: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    state: NotRequired[str]
    stale: NotRequired[bool]
    bytes: NotRequired[str]
    files: NotRequired[list[ModelFile]]
    metadata: NotRequired[dict[str, Any]]
    tensorCount: int
    tensors: list[Tensor]
    lineage: NotRequired[dict[str, Any]]
    warning: NotRequired[PickleNote]
    tree: NotRequired[TreeNode]
    work: NotRequired[Work | None]


class JobError(TypedDict):
    """Why a run failed."""

    type: str
    message: str


class Job(TypedDict):
    """A run's row."""

    id: str
    name: str
    state: str
    step: int
    totalSteps: NotRequired[int]
    epoch: NotRequired[float]
    loss: NotRequired[float]
    evalLoss: NotRequired[float]
    learningRate: NotRequired[float]
    gradNorm: NotRequired[float]
    samplesPerSecond: NotRequired[float]
    etaSeconds: NotRequired[float]
    device: NotRequired[str]
    config: NotRequired[dict[str, Any]]
    error: NotRequired[JobError]
    owner: NotRequired[Any]
    createdAt: NotRequired[str]
    startedAt: NotRequired[str]
    endedAt: NotRequired[str]
    bestStep: NotRequired[int]
    inMainCell: NotRequired[bool]


class SupersededPoints(TypedDict):
    """What an earlier attempt logged for steps that a resumed one did again."""

    steps: list[float]
    values: list[float | None]


class Series(TypedDict):
    """A metric: `count` points were logged, fewer may be listed; low and high are the extremes behind each."""

    name: str
    count: int
    steps: list[float]
    values: list[float | None]
    low: NotRequired[list[float | None]]
    high: NotRequired[list[float | None]]
    superseded: NotRequired[SupersededPoints]


class RunEvent(TypedDict):
    """Something that happened in a run."""

    step: int
    time: NotRequired[str]
    kind: str
    text: str


class Checkpoint(TypedDict):
    """A saved state of a run."""

    step: int
    loss: NotRequired[float]
    sizeBytes: int
    state: str
    isBest: bool
    pinned: bool


class TrainingRunData(TypedDict):
    """A training run."""

    job: Job
    series: list[Series]
    events: list[RunEvent]
    checkpoints: list[Checkpoint]


class ModelRow(TypedDict):
    """A registered model in a list."""

    id: str
    version: NotRequired[int]
    aliases: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    kind: NotRequired[str]
    path: NotRequired[str]
    format: NotRequired[str]
    architecture: NotRequired[str]
    parameterCount: NotRequired[int]
    sizeBytes: NotRequired[int]
    state: NotRequired[str]
    verdict: NotRequired[Verdict]


class CheckpointRow(TypedDict):
    """A checkpoint of any run."""

    job: str
    step: int
    loss: NotRequired[float]
    sizeBytes: int
    state: str
    isBest: bool


class StorageRow(TypedDict):
    """What one item takes on the disk."""

    category: str
    id: str
    path: NotRequired[str]
    bytes: int
    reclaimable: bool
    reason: NotRequired[str]


class RegistryTotals(TypedDict):
    """How many of each there are, and their bytes."""

    models: int
    jobs: int
    checkpoints: int
    bytes: int
    reclaimableBytes: int


class Disk(TypedDict):
    """The disk that the home lies on."""

    totalBytes: int
    freeBytes: int


class RegistryData(TypedDict):
    """Everything that is kept."""

    models: list[ModelRow]
    jobs: list[Job]
    checkpoints: list[CheckpointRow]
    storage: list[StorageRow]
    totals: RegistryTotals
    disk: NotRequired[Disk]


class Tool(TypedDict):
    """What an assistant may call."""

    name: str
    description: str
    readOnly: bool
    destructive: bool


class Client(TypedDict):
    """A connected assistant's program."""

    name: str
    version: NotRequired[str]


class ToolCall(TypedDict):
    """One call of an assistant."""

    time: str
    principal: str
    tool: str
    outcome: str
    milliseconds: float


class ServerData(TypedDict):
    """The MCP server of a kernel; what follows the tools is never saved."""

    state: str
    profile: str
    tools: list[Tool]
    address: NotRequired[str]
    mode: NotRequired[str]
    clients: NotRequired[list[Client]]
    calls: NotRequired[list[ToolCall]]


class RefusalData(TypedDict):
    """A path outside the roots; what follows the remedy is never saved."""

    problem: str
    remedy: str
    path: NotRequired[str]
    folder: NotRequired[str]
    roots: NotRequired[list[str]]
