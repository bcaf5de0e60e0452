/** Every view by its wire name. */

import type { Payload, SavedPayload } from "./messages";
import { view as modelCard } from "./model_card";
import { view as refusal } from "./refusal";
import { view as registry } from "./registry";
import { view as server } from "./server";
import type { View } from "./stage";
import { view as trainingRun } from "./training_run";

const VIEWS: readonly View<never>[] = [modelCard, trainingRun, registry, server, refusal];

/** We keep 150 kB of an object. Much more is a stranger's, who may mean to keep the page busy. */
const MOST_CHARACTERS = 1_000_000;

export function viewOf(name: unknown): View<never> | undefined {
  return VIEWS.find((view) => view.name === name);
}

/** A saved output's data is a stranger's until proven: enough shape to go on, or nothing. */
export function readPayload(value: unknown): Payload | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const saved = value as Partial<SavedPayload>;
  const strings = [saved._schema, saved.id, saved.nonce, saved.savedAt, saved.data];
  if (!strings.every((text) => typeof text === "string" && text.length <= MOST_CHARACTERS)) return undefined;
  const data = parsed(saved.data ?? "");
  return data === undefined ? undefined : ({ ...saved, data } as Payload);
}

function parsed(text: string): object | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null && !Array.isArray(data) ? data : undefined;
  } catch {
    return undefined; // not what we write
  }
}
