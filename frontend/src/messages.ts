/** The wire: every shape that crosses between the kernel and a view. A Python test reads this file and compares it with the TypedDicts. */

export const MIME = "application/vnd.modelcypher.v1+json";
export const COMM_TARGET = "modelcypher_nb.view";
export const SCHEMA = "mc.view.v1";

export type ViewName = "model_card" | "training_run" | "registry" | "server" | "refusal";

export interface Payload {
  _schema: string;
  view: ViewName;
  id: string;
  nonce: string;
  savedAt: string;
  data: object;
}

/** A payload in a notebook's file: its data as JSON text, or each of its numbers would take a line there. */
export interface SavedPayload {
  _schema: string;
  view: ViewName;
  id: string;
  nonce: string;
  savedAt: string;
  data: string;
}

// view -> kernel

export interface CommOpen {
  view: ViewName;
  id: string;
  nonce: string;
  clientId: string;
}

export interface OpenMessage {
  type: "open";
  clientId: string;
}

export interface AckMessage {
  type: "ack";
  seq: number;
}

export interface AskMessage {
  type: "ask";
}

export interface ActionMessage {
  type: "action";
  token: string;
  action: string;
  arguments: Record<string, unknown>;
}

// kernel -> view

export interface SnapshotMessage {
  type: "snapshot";
  seq: number;
  data: object;
  actions: string[];
}

export interface PointsEntry {
  name: string;
  count: number;
}

export interface PointsMessage {
  type: "points";
  seq: number;
  series: PointsEntry[];
}

export interface FactsMessage {
  type: "facts";
  seq: number;
  data: object;
  actions?: string[];
}

export interface ReplyMessage {
  type: "reply";
  token: string;
  ok: boolean;
  text?: string;
  problem?: string;
  remedy?: string;
}

export interface ReceivedMessage {
  type: "received";
  token: string;
}

export interface RefusedMessage {
  type: "refused";
}

// model_card

export interface Finding {
  level: string;
  what: string;
  where?: string;
  remedy?: string;
  rule?: string;
  member?: string;
  offset?: number;
  excerpt?: string;
  name?: string;
}

export interface Verdict {
  level: string;
  findings: Finding[];
}

export interface Source {
  repo?: string;
  revision?: string;
}

export interface ModelFile {
  name: string;
  sizeBytes: number;
}

export interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  sizeBytes: number;
  file?: string;
  layout?: string;
  strides?: number[];
  aliasOf?: string;
  storageBytes?: number;
}

/** One value of what a file holds beside and around its tensors. */
export interface TreeNode {
  key: string;
  kind: string;
  text?: string;
  children?: TreeNode[];
  omitted?: number;
}

export interface PickleNote {
  text: string;
  command: string;
}

/** How far an action is; a total of 0 where nobody knows. */
export interface Work {
  action: string;
  done: number;
  total: number;
}

export interface ModelCardData {
  name: string;
  reference?: string;
  path?: string;
  format: string;
  architecture?: string;
  parameterCount: number;
  dtypes: Record<string, number>;
  sizeBytes: number;
  digest?: string;
  license?: string;
  source?: Source;
  provenance?: string;
  verdict: Verdict;
  version?: number;
  aliases?: string[];
  tags?: string[];
  state?: string;
  stale?: boolean;
  bytes?: string;
  files?: ModelFile[];
  metadata?: Record<string, unknown>;
  tensorCount: number;
  tensors: Tensor[];
  lineage?: Record<string, unknown>;
  /** What to tell of files that rely on pickle, and the command that converts them. */
  warning?: PickleNote;
  tree?: TreeNode;
  /** What a button set going and isn't done yet; null again once it is. */
  work?: Work | null;
}

// training_run

export interface JobError {
  type: string;
  message: string;
}

export interface Job {
  id: string;
  name: string;
  state: string;
  step: number;
  totalSteps?: number;
  epoch?: number;
  loss?: number;
  evalLoss?: number;
  learningRate?: number;
  gradNorm?: number;
  samplesPerSecond?: number;
  etaSeconds?: number;
  device?: string;
  config?: Record<string, unknown>;
  error?: JobError;
  owner?: unknown;
  createdAt?: string;
  startedAt?: string;
  endedAt?: string;
  bestStep?: number;
  inMainCell?: boolean;
}

export interface SupersededPoints {
  steps: number[];
  values: (number | null)[];
}

export interface Series {
  name: string;
  count: number;
  steps: number[];
  values: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
  superseded?: SupersededPoints;
}

export interface RunEvent {
  step: number;
  time?: string;
  kind: string;
  text: string;
}

export interface Checkpoint {
  step: number;
  loss?: number;
  sizeBytes: number;
  state: string;
  isBest: boolean;
  pinned: boolean;
}

export interface TrainingRunData {
  job: Job;
  series: Series[];
  events: RunEvent[];
  checkpoints: Checkpoint[];
}

// registry

export interface ModelRow {
  id: string;
  version?: number;
  aliases?: string[];
  tags?: string[];
  kind?: string;
  path?: string;
  format?: string;
  architecture?: string;
  parameterCount?: number;
  sizeBytes?: number;
  state?: string;
  verdict?: Verdict;
}

export interface CheckpointRow {
  job: string;
  step: number;
  loss?: number;
  sizeBytes: number;
  state: string;
  isBest: boolean;
}

export interface StorageRow {
  category: string;
  id: string;
  path?: string;
  bytes: number;
  reclaimable: boolean;
  reason?: string;
}

export interface RegistryTotals {
  models: number;
  jobs: number;
  checkpoints: number;
  bytes: number;
  reclaimableBytes: number;
}

export interface Disk {
  totalBytes: number;
  freeBytes: number;
}

export interface RegistryData {
  models: ModelRow[];
  jobs: Job[];
  checkpoints: CheckpointRow[];
  storage: StorageRow[];
  totals: RegistryTotals;
  disk?: Disk;
}

// server

export interface Tool {
  name: string;
  description: string;
  readOnly: boolean;
  destructive: boolean;
}

export interface Client {
  name: string;
  version?: string;
}

export interface ToolCall {
  time: string;
  principal: string;
  tool: string;
  outcome: string;
  milliseconds: number;
}

export interface ServerData {
  state: string;
  profile: string;
  tools: Tool[];
  address?: string;
  mode?: string;
  clients?: Client[];
  calls?: ToolCall[];
}

// refusal

export interface RefusalData {
  problem: string;
  remedy: string;
  path?: string;
  folder?: string;
  roots?: string[];
}

export type KernelMessage =
  | SnapshotMessage
  | PointsMessage
  | FactsMessage
  | ReplyMessage
  | ReceivedMessage
  | RefusedMessage;

export type ViewMessage = OpenMessage | AckMessage | AskMessage | ActionMessage;
