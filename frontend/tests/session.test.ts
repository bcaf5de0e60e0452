import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelMessage } from "../src/messages";
import { type Clock, Session } from "../src/session";

/** A clock that rings only when the test says so. */
class Bell implements Clock {
  private readonly calls: { at: number; call: () => void }[] = [];
  private now = 0;

  after(milliseconds: number, call: () => void): () => void {
    const entry = { at: this.now + milliseconds, call };
    this.calls.push(entry);
    return () => void this.calls.splice(this.calls.indexOf(entry) >>> 0, 1);
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const entry of [...this.calls]) {
      if (entry.at > this.now || !this.calls.includes(entry)) continue;
      this.calls.splice(this.calls.indexOf(entry), 1);
      entry.call();
    }
  }
}

function opened() {
  const sent: Record<string, unknown>[] = [];
  const seen: string[] = [];
  const bell = new Bell();
  const session = new Session(
    { send: (message) => void sent.push(message as Record<string, unknown>) },
    {
      snapshot: (_data, actions) => void seen.push(`snapshot ${actions.join()}`),
      facts: (data) => void seen.push(`facts ${JSON.stringify(data)}`),
      points: (deltas) => void seen.push(`points ${deltas.map((delta) => `${delta.name}:${delta.values.join()}`).join()}`),
      lost: () => void seen.push("lost"),
    },
    bell,
  );
  return { session, sent, seen, bell };
}

function snapshot(seq: number): KernelMessage {
  return { type: "snapshot", seq, data: {}, actions: ["pause"] };
}

function points(seq: number, value: number): [KernelMessage, ArrayBuffer[]] {
  return [{ type: "points", seq, series: [{ name: "loss", count: 1 }] }, [Float64Array.of(1, value).buffer]];
}

test("nothing is live and no action leaves before a snapshot came", async () => {
  const { session, sent, seen } = opened();
  session.receive(...points(1, 9));
  const outcome = await session.act("pause", {});
  assert.deepEqual([session.live, outcome.ok, sent, seen], [false, false, [], []]);
});

test("deltas in order are drawn, a gap asks once for a snapshot and draws nothing until it came", () => {
  const { session, sent, seen } = opened();
  session.receive(snapshot(4));
  session.receive(...points(5, 0.5));
  session.receive(...points(7, 0.7));
  session.receive(...points(8, 0.8));
  assert.deepEqual(sent, [{ type: "ask" }]);
  session.receive(snapshot(8));
  session.receive(...points(8, 0.8));
  session.receive(...points(9, 0.9));
  assert.deepEqual(seen, ["snapshot pause", "points loss:0.5", "snapshot pause", "points loss:0.9"]);
});

test("a delta that doesn't add up asks for a snapshot", () => {
  const { session, sent } = opened();
  session.receive(snapshot(0));
  session.receive({ type: "points", seq: 1, series: [{ name: "loss", count: 2 }] }, [new ArrayBuffer(8)]);
  assert.deepEqual(sent, [{ type: "ask" }]);
});

test("ten deltas a second are acknowledged once a second, with the newest number", () => {
  const { session, sent, bell } = opened();
  session.receive(snapshot(0));
  for (let seq = 1; seq <= 5; seq += 1) session.receive(...points(seq, 1));
  assert.deepEqual(sent, []);
  bell.pass(1000);
  assert.deepEqual(sent, [{ type: "ack", seq: 5 }]);
});

test("an action ends with its reply, and a refusal keeps both sentences", async () => {
  const { session, sent } = opened();
  session.receive(snapshot(0));
  const asked = session.act("pause", { now: true });
  const { token, ...rest } = sent[0]!;
  assert.deepEqual(rest, { type: "action", action: "pause", arguments: { now: true } });
  session.receive({ type: "reply", token: token as string, ok: false, problem: "It ended.", remedy: "mc job show x" });
  const outcome = await asked;
  assert.deepEqual([outcome.ok, outcome.problem, outcome.remedy], [false, "It ended.", "mc job show x"]);
});

test("an action that is never answered ends with words, not with a hanging button", async () => {
  const { session, bell } = opened();
  session.receive(snapshot(0));
  const asked = session.act("pause", {});
  bell.pass(15_000);
  assert.equal((await asked).ok, false);
});

test("a stop that nobody takes notice of is told within a second, one that was received is not", () => {
  const { session, sent, bell } = opened();
  session.receive(snapshot(0));
  let unheard = 0;
  void session.act("cancel", {}, () => (unheard += 1));
  void session.act("cancel", {}, () => (unheard += 10));
  session.receive({ type: "received", token: sent[1]!["token"] as string });
  bell.pass(1000);
  assert.equal(unheard, 1);
});

test("a refusal or a lost wire ends everything, once", async () => {
  const { session, seen } = opened();
  session.receive(snapshot(0));
  const asked = session.act("pause", {});
  session.receive({ type: "refused" });
  session.end();
  session.receive(snapshot(1));
  assert.deepEqual([(await asked).ok, session.live, seen], [false, false, ["snapshot pause", "lost"]]);
});

test("an action that the kernel works on is waited for, however long it takes", async () => {
  const { session, sent, bell } = opened();
  session.receive(snapshot(0));
  const asked = session.act("convert", {});
  const { token } = sent[0]! as { token: string };
  session.receive({ type: "received", token });
  bell.pass(3_600_000);
  session.receive({ type: "reply", token, ok: true, text: "Written." });
  assert.deepEqual((await asked).text, "Written.");
});
