/**
 * How long batches are, on a clock of the test's own: a machine on which each batch costs something, each document costs
 * something to migrate and to commit, and live writers come and wait for their turn. The batches' own code decides how they end
 * and grow.
 */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fewest, Turn } from "../../src/components/migrations/client/batch/turn.js";
import { paceAfter } from "../../src/components/migrations/component/batches/pace.js";
import { sharedTurnMs } from "../../src/components/migrations/component/protocol.js";
import { nativeStore, type NativeStore } from "../../src/seams/index.js";
import { seededRandom } from "../setup/random.js";

interface Machine {
  /** What each batch costs, whatever is in it. */
  readonly batchMs: number;
  /** What a document costs to migrate, and to commit. */
  readonly documentMs: number;
  readonly commitMs: number;
}

let nowMs = 0;
const dateNow = Date.now;
beforeEach(() => {
  nowMs = 1_000_000;
  // No spy, which would remember millions of calls.
  Date.now = () => nowMs;
});
afterEach(() => {
  Date.now = dateNow;
});

interface Ran {
  readonly processed: number;
  /** How long the batch had the turn, its commit included. */
  readonly tookMs: number;
}

class Chain {
  readonly #machine: Machine;
  readonly #prescribed: number | undefined;
  #pace: Parameters<typeof paceAfter>[0] = {};
  #done = 0;
  readonly #random: () => number;
  /** When somebody was seen waiting last. */
  #awaitedAtMs = -Infinity;
  /** When the next live writer comes, and about how long after that another one does. */
  #nextMs = Infinity;
  #everyMs = Infinity;
  /** How many live writers got a turn, and how long one of them waited for it at most. */
  served = 0;
  longestWaitMs = 0;

  constructor(machine: Machine, prescribed?: number, seed = 1) {
    this.#machine = machine;
    this.#prescribed = prescribed;
    this.#random = seededRandom(seed);
  }

  /** From here on a writer comes about so often; Infinity: never. */
  writeEvery(everyMs: number): void {
    this.#everyMs = everyMs;
    this.#nextMs = nowMs + everyMs;
  }

  async run(batches: number): Promise<Ran[]> {
    const ran: Ran[] = [];
    for (let i = 0; i < batches; i++) ran.push(await this.#batch());
    return ran;
  }

  async #batch(): Promise<Ran> {
    const { batchMs, documentMs, commitMs } = this.#machine;
    const beganAtMs = nowMs;
    const size = Math.min(this.#prescribed ?? Infinity, this.#pace.batchSize ?? this.#prescribed ?? 100);
    this.#done = 0;
    const turn = new Turn(this.#database());
    nowMs += batchMs / 2;
    while (this.#done < size) {
      nowMs += documentMs;
      this.#done++;
      if (this.#done < size && turn.isDue(this.#done) && (await turn.breathe(this.#done))) break;
    }
    const { tookMs, isShared } = turn;
    this.#pace = paceAfter(
      this.#pace,
      {
        ...{ continueCursor: "", isDone: false, processed: this.#done, batchSize: size },
        ...{ adaptive: this.#prescribed === undefined, usedShare: 0.001, tookMs, isShared },
      },
      false,
    );
    nowMs += batchMs / 2 + commitMs * this.#done;
    const ran = { processed: this.#done, tookMs: nowMs - beganAtMs };
    this.#serve();
    return ran;
  }

  /** Writers get their turns; what they do costs nothing here. */
  #serve(): void {
    if (this.#nextMs > nowMs) return;
    this.longestWaitMs = Math.max(this.longestWaitMs, nowMs - this.#nextMs);
    this.served++;
    // Those that came behind the first waited less than that one did.
    this.#nextMs = nowMs + this.#everyMs * (0.5 + this.#random());
  }

  #database(): GenericDatabaseReader<GenericDataModel> {
    const store: Pick<NativeStore, "breathe" | "commitMs" | "processorMs"> & { cells: null } = {
      cells: null,
      processorMs: () => nowMs,
      breathe: () => {
        if (this.#nextMs <= nowMs) this.#awaitedAtMs = nowMs;
        return Promise.resolve(nowMs - this.#awaitedAtMs < sharedForMs);
      },
      commitMs: () => this.#machine.commitMs * this.#done,
    };
    return { [nativeStore]: store } as unknown as GenericDatabaseReader<GenericDataModel>;
  }
}

const cost = (max: number) => fc.double({ min: 0.002, max, noNaN: true });
const machines = fc
  .record({ batchMs: cost(4), documentMs: cost(2), commitShare: cost(1) })
  .map(({ batchMs, documentMs, commitShare }) => ({
    batchMs,
    documentMs,
    commitMs: documentMs * commitShare,
  }));
/** For how long a database remembers that somebody waited. */
const sharedForMs = 30_000;
const prescribed = fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined });
const warmUp = 20;

test("whoever writes while a migration runs waits for little more than a shared turn", async () => {
  await fc.assert(
    fc.asyncProperty(machines, prescribed, cost(30), fc.integer(), async (machine, size, everyMs, seed) => {
      const chain = new Chain(machine, size, seed);
      chain.writeEvery(everyMs + 1);
      await chain.run(warmUp);
      chain.longestWaitMs = 0;
      await chain.run(200);
      const { batchMs, documentMs, commitMs } = machine;
      // A batch has a few documents at least, and learns what a document costs only as it goes.
      const eachMs = documentMs + commitMs;
      const turnMs = Math.max(sharedTurnMs, fewest * eachMs);
      expect(chain.longestWaitMs).toBeLessThanOrEqual(turnMs + batchMs + eachMs);
    }),
  );
});

test("a turn that is shared is made use of: what a batch costs beside its documents is a fifth of it at most", async () => {
  await fc.assert(
    fc.asyncProperty(machines, cost(30), async (machine, everyMs) => {
      fc.pre(machine.batchMs <= sharedTurnMs / 5 && machine.documentMs + machine.commitMs <= 1);
      const chain = new Chain(machine);
      chain.writeEvery(everyMs + 1);
      await chain.run(warmUp);
      const ran = await chain.run(200);
      const tookMs = ran.reduce((sum, each) => sum + each.tookMs, 0);
      expect((ran.length * machine.batchMs) / tookMs).toBeLessThanOrEqual(0.23);
    }),
  );
});

test("while nobody else writes, batches grow until what each costs beside its documents is little", async () => {
  await fc.assert(
    fc.asyncProperty(machines, async (machine) => {
      const chain = new Chain(machine);
      await chain.run(warmUp);
      const ran = await chain.run(20);
      const tookMs = ran.reduce((sum, each) => sum + each.tookMs, 0);
      const isWhole = ran.every(({ processed }) => processed === 8_192);
      if (!isWhole) expect((ran.length * machine.batchMs) / tookMs).toBeLessThanOrEqual(0.1);
    }),
  );
});

test("a prescribed size holds while nobody waits, is cut while somebody does, and comes back", async () => {
  const chain = new Chain({ batchMs: 1, documentMs: 0.1, commitMs: 0.05 }, 1_000);
  expect((await chain.run(3)).map(({ processed }) => processed)).toEqual([1_000, 1_000, 1_000]);
  chain.writeEvery(4);
  await chain.run(warmUp);
  for (const { processed, tookMs } of await chain.run(50)) {
    expect(processed).toBeGreaterThan(40);
    expect(tookMs).toBeLessThan(sharedTurnMs + 1.5);
  }
  chain.writeEvery(Infinity);
  const calm = await chain.run(4_000);
  expect(calm[1_000]?.processed).toBeLessThan(100);
  expect(calm.at(-1)?.processed).toBe(1_000);
});

test("whoever comes now and then meets no long batch", async () => {
  const chain = new Chain({ batchMs: 1, documentMs: 0.1, commitMs: 0.05 }, 1_000);
  chain.writeEvery(3_000);
  await chain.run(1_000);
  [chain.served, chain.longestWaitMs] = [0, 0];
  await chain.run(20_000);
  expect(chain.served).toBeGreaterThan(5);
  expect(chain.longestWaitMs).toBeLessThan(sharedTurnMs + 1.5);
});
