/** Every view by its wire name. */

import type { Payload } from "./messages";
import { view as modelCard } from "./model_card";
import { view as refusal } from "./refusal";
import { view as registry } from "./registry";
import { view as server } from "./server";
import type { View } from "./stage";
import { view as trainingRun } from "./training_run";

const VIEWS: readonly View<never>[] = [modelCard, trainingRun, registry, server, refusal];

export function viewOf(name: unknown): View<never> | undefined {
  return VIEWS.find((view) => view.name === name);
}

/** A saved output's data is a stranger's until proven: enough shape to go on, or nothing. */
export function readPayload(value: unknown): Payload | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const payload = value as Partial<Payload>;
  const strings = [payload._schema, payload.id, payload.nonce];
  if (!strings.every((text) => typeof text === "string") || typeof payload.data !== "object" || payload.data === null) return undefined;
  return payload as Payload;
}
