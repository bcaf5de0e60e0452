/** What data must look like to be drawn. A saved output is a stranger's: whatever isn't of this shape is refused before a view sees it. */

import type {
  Checkpoint,
  CheckpointRow,
  Client,
  Disk,
  Finding,
  Job,
  JobError,
  ModelCardData,
  ModelFile,
  ModelRow,
  PickleNote,
  RefusalData,
  RegistryData,
  RegistryTotals,
  RunEvent,
  Series,
  ServerData,
  Source,
  StorageRow,
  SupersededPoints,
  Tensor,
  Tool,
  ToolCall,
  TrainingRunData,
  TreeNode,
  Verdict,
  Work,
} from "./messages";

/** Gives the value as it may be drawn, or throws a sentence that names the place. */
export type Check<T> = (value: unknown, place: string) => T;

interface Optional<T> {
  optional: Check<T>;
}

type Fields<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? Optional<Exclude<T[K], null | undefined>> : Check<T[K]> };

/** Far more than a person opens, far less than what a stack of calls can't take. */
const DEEPEST = 200;

function wrong(place: string, what: string): never {
  throw new TypeError(`${place} isn't ${what}`);
}

const text: Check<string> = (value, place) => (typeof value === "string" ? value : wrong(place, "a text"));
const flag: Check<boolean> = (value, place) => (typeof value === "boolean" ? value : wrong(place, "true or false"));
// JSON spells no infinity, but 1e999 is read as one.
const number: Check<number> = (value, place) => (typeof value === "number" && Number.isFinite(value) ? value : wrong(place, "a number"));
const gap: Check<number | null> = (value, place) => (value === null ? null : number(value, place));
/** An axis is divided by adding: a step that adding one doesn't change would divide it for ever. */
const step: Check<number> = (value, place) => (Math.abs(number(value, place)) <= Number.MAX_SAFE_INTEGER ? (value as number) : wrong(place, "a step"));
const anything: Check<unknown> = (value) => value;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list<T>(item: Check<T>): Check<T[]> {
  return (value, place) => (Array.isArray(value) ? value.map((one, index) => item(one, `${place}[${index}]`)) : wrong(place, "a list"));
}

function map<T>(item: Check<T>): Check<Record<string, T>> {
  return (value, place) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, item(one, `a value of ${place}`)])) : wrong(place, "a map");
}

/** Only what is named here gets through; an absent value may be null as well, which is how Python spells it. */
function record<T>(fields: Fields<T>): Check<T> {
  return (value, place) => {
    if (!isObject(value)) return wrong(place || "the data", "an object");
    const made: Record<string, unknown> = {};
    for (const [name, check] of Object.entries<Check<unknown> | Optional<unknown>>(fields)) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      const inner = place ? `${place}.${name}` : name;
      if (typeof check === "function") made[name] = check(given, inner);
      else if (given !== undefined && given !== null) made[name] = check.optional(given, inner);
    }
    return made as T;
  };
}

function optional<T>(check: Check<T>): Optional<T> {
  return { optional: check };
}

const texts = optional(list(text));
const finding = record<Finding>({
  level: text, what: text, where: optional(text), remedy: optional(text), rule: optional(text),
  member: optional(text), offset: optional(number), excerpt: optional(text), name: optional(text),
});
const verdict = record<Verdict>({ level: text, findings: list(finding) });
const tensor = record<Tensor>({
  name: text, dtype: text, shape: list(number), sizeBytes: number, file: optional(text), layout: optional(text),
  strides: optional(list(number)), aliasOf: optional(text), storageBytes: optional(number),
});

function node(depth: number): Check<TreeNode> {
  const inner: Check<TreeNode> = (value, place) => (depth < DEEPEST ? node(depth + 1)(value, place) : wrong("tree", `at most ${DEEPEST} levels deep`));
  const check = record<TreeNode>({ key: text, kind: text, text: optional(text), children: optional(list(inner)), omitted: optional(number) });
  return (value) => check(value, "a value of the tree");
}

const job = record<Job>({
  id: text, name: text, state: text, step, totalSteps: optional(step), epoch: optional(number), loss: optional(number),
  evalLoss: optional(number), learningRate: optional(number), gradNorm: optional(number), samplesPerSecond: optional(number),
  etaSeconds: optional(number), device: optional(text), config: optional(map(anything)), owner: optional(anything),
  error: optional(record<JobError>({ type: text, message: text })), createdAt: optional(text), startedAt: optional(text),
  endedAt: optional(text), bestStep: optional(step), inMainCell: optional(flag),
});
const series = record<Series>({
  name: text, count: number, steps: list(step), values: list(gap), low: optional(list(gap)), high: optional(list(gap)),
  superseded: optional(record<SupersededPoints>({ steps: list(step), values: list(gap) })),
});

export const modelCardData = record<ModelCardData>({
  name: text, reference: optional(text), path: optional(text), format: text, architecture: optional(text), parameterCount: number,
  dtypes: map(number), sizeBytes: number, digest: optional(text), license: optional(text),
  source: optional(record<Source>({ repo: optional(text), revision: optional(text) })), provenance: optional(text), verdict,
  version: optional(number), aliases: texts, tags: texts, state: optional(text), stale: optional(flag), bytes: optional(text),
  files: optional(list(record<ModelFile>({ name: text, sizeBytes: number }))), metadata: optional(map(anything)),
  tensorCount: number, tensors: list(tensor), lineage: optional(map(anything)),
  warning: optional(record<PickleNote>({ text, command: text })), tree: optional(node(0)),
  work: optional(record<Work>({ action: text, done: number, total: number })),
});

export const trainingRunData = record<TrainingRunData>({
  job,
  series: list(series),
  events: list(record<RunEvent>({ step, time: optional(text), kind: text, text })),
  checkpoints: list(record<Checkpoint>({ step, loss: optional(number), sizeBytes: number, state: text, isBest: flag, pinned: flag })),
});

export const registryData = record<RegistryData>({
  models: list(
    record<ModelRow>({
      id: text, version: optional(number), aliases: texts, tags: texts, kind: optional(text), path: optional(text), format: optional(text),
      architecture: optional(text), parameterCount: optional(number), sizeBytes: optional(number), state: optional(text), verdict: optional(verdict),
    }),
  ),
  jobs: list(job),
  checkpoints: list(record<CheckpointRow>({ job: text, step, loss: optional(number), sizeBytes: number, state: text, isBest: flag })),
  storage: list(record<StorageRow>({ category: text, id: text, path: optional(text), bytes: number, reclaimable: flag, reason: optional(text) })),
  totals: record<RegistryTotals>({ models: number, jobs: number, checkpoints: number, bytes: number, reclaimableBytes: number }),
  disk: optional(record<Disk>({ totalBytes: number, freeBytes: number })),
});

export const serverData = record<ServerData>({
  state: text, profile: text, tools: list(record<Tool>({ name: text, description: text, readOnly: flag, destructive: flag })),
  address: optional(text), mode: optional(text), clients: optional(list(record<Client>({ name: text, version: optional(text) }))),
  calls: optional(list(record<ToolCall>({ time: text, principal: text, tool: text, outcome: text, milliseconds: number }))),
});

export const refusalData = record<RefusalData>({ problem: text, remedy: text, path: optional(text), folder: optional(text), roots: texts });
