/** Steps of pushes that reach another process than the one that deploys, which may die meanwhile. */
import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { proposePush } from "../../src/deploy/code/proposed-pushes.js";
import { plainApp } from "../../src/deploy/definitions/convex-config.js";
import { PushRelay, type PushSteps } from "../../src/deploy/push/push-relay.js";
import { TrueupError } from "../../src/errors/index.js";
import { sharedMemory } from "../../src/storage/memory/index.js";

/** A process, whether it holds the lease, and what it was asked to carry out. */
class Process implements PushSteps {
  readonly did: string[] = [];
  readonly relay: PushRelay;
  isHolder = false;
  refusal: TrueupError | null = null;

  constructor(database: Database) {
    this.relay = new PushRelay(database, { holds: () => this.isHolder }, this);
    onTestFinished(async () => {
      await this.relay.close();
      await database.close();
    });
  }

  /** As whoever gains the lease is told. */
  hold(): void {
    this.isHolder = true;
    this.relay.start();
  }

  wait(): ReturnType<PushSteps["wait"]> {
    this.did.push("wait");
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return Promise.resolve({ type: "complete" });
  }

  finish(_pushId: string, { dryRun }: { dryRun: boolean }): ReturnType<PushSteps["finish"]> {
    this.did.push(dryRun ? "dry run" : "finish");
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return Promise.resolve({
      authDiff: { added: ["a"], removed: [] },
      definitionDiffs: {},
      componentDiffs: {},
    });
  }

  isAtWork(): boolean {
    return true;
  }

  leaveOff(): Promise<void> {
    return Promise.resolve();
  }
}

async function processes(count: number): Promise<Process[]> {
  const { open } = sharedMemory({ before: () => setImmediate() });
  const made: Process[] = [];
  for (let n = 0; n < count; n++) {
    const database = await Database.open(await open());
    if (n === 0) await database.mutate((tx) => proposePush(tx, proposed), { limits: null });
    made.push(new Process(database));
  }
  return made;
}

const code = {
  pushId: "p",
  functionsFolder: "convex/",
  nodeVersion: null,
  message: null,
  auth: [],
  crons: {},
  definitions: new Map([["", { definition: plainApp, serverVersion: "1", schema: null, modules: [] }]]),
};
const proposed = { code, env: {}, dryRun: false, base: null, before: new Map() };
const finish = { message: null, dryRun: false };

test("steps that reach any process are carried out by the one that holds the lease", async () => {
  const [holder, other] = (await processes(2)) as [Process, Process];
  holder.hold();
  other.relay.start();
  expect(await other.relay.wait("p", 60_000)).toEqual({ type: "complete" });
  expect(await other.relay.finish("p", finish)).toMatchObject({ authDiff: { added: ["a"] } });
  expect([holder.did, other.did]).toEqual([["wait", "finish"], []]);
});

test("what the step throws is thrown where it was asked for, and it may be asked for again", async () => {
  const [holder, other] = (await processes(2)) as [Process, Process];
  holder.hold();
  holder.refusal = new TrueupError("SCHEMA_NOT_SATISFIED", "two documents", { count: 2 });
  await expect(other.relay.wait("p", 60_000)).rejects.toMatchObject({ code: "SCHEMA_NOT_SATISFIED" });
  const refused = { code: "SCHEMA_NOT_SATISFIED", message: "two documents", details: { count: 2 } };
  await expect(other.relay.finish("p", finish)).rejects.toMatchObject(refused);
  // Although whoever pushes may try again.
  holder.refusal = new TrueupError("PUSH_OUTDATED");
  await expect(other.relay.finish("p", finish)).rejects.toMatchObject({ code: "PUSH_OUTDATED" });
  holder.refusal = null;
  expect(await other.relay.wait("p", 60_000)).toEqual({ type: "complete" });
  expect(await other.relay.finish("p", finish)).toMatchObject({ authDiff: { added: ["a"] } });
});

test("whoever gets the lease does what was asked of a process that is gone", async () => {
  const [other, next] = (await processes(2)) as [Process, Process];
  expect(await other.relay.wait("p", 0)).toEqual({ type: "inProgress", components: {} });
  const finishing = other.relay.finish("p", { message: null, dryRun: true });
  next.hold();
  await finishing;
  expect(next.did.at(-1)).toBe("dry run");
});

test("a push that nobody knows is outdated", async () => {
  const [, other] = (await processes(2)) as [Process, Process];
  await expect(other.relay.wait("unknown", 1_000)).rejects.toMatchObject({ code: "PUSH_OUTDATED" });
  await expect(other.relay.finish("unknown", finish)).rejects.toMatchObject({ code: "PUSH_OUTDATED" });
});
