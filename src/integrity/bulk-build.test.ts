import { expect, test } from "vitest";
import type { BulkBuild } from "../seams/index.js";
import { pause } from "../work/index.js";
import { TableBulkBuild, type BulkAccess, type BulkOutcome } from "./bulk-build.js";

const total = 5000;
const ctx = {};

/** A table of numbered documents, and an aggregate that packs their numbers into a list. */
class Bench {
  readonly packed: string[] = [];
  readonly processed: number[] = [];
  /** The documents that no entry can be made of. */
  readonly refused = new Set<string>();
  waiting = 500;
  isRight = true;
  isWanted = true;
  commits = 0;
  readonly work: TableBulkBuild;

  constructor() {
    this.work = new TableBulkBuild(this.#build());
  }

  readonly access: BulkAccess = {
    read: async (behind, limit) => {
      await pause(0);
      const first = behind === null ? 0 : Number(behind) + 1;
      const places = Array.from({ length: Math.min(limit, total - first) }, (_, at) => String(first + at));
      const documents = places.map((place) => ({ _id: place, _creationTime: Number(place) }));
      return { part: { documents, places }, total };
    },
    write: async (run) => {
      const result = await run(ctx);
      this.commits += 1;
      await pause(0);
      return result;
    },
  };

  #build(): BulkBuild {
    return {
      generation: 1,
      entryOf: (document) => {
        const id = String(Reflect.get(document, "_id"));
        if (this.refused.has(id)) throw new Error(`no ${id}`);
        return String((Number(id) * 7919) % 10_007).padStart(5, "0");
      },
      pack: (entries) => ({
        run: () => Promise.resolve(this.isWanted ? () => this.packed.push(...entries) : null),
      }),
      isRight: () => this.isRight,
      merge: (_ctx, limit) => {
        this.waiting = Math.max(0, this.waiting - limit);
        return Promise.resolve(this.isWanted ? this.waiting > 0 : null);
      },
      note: (_ctx, { processed }) => {
        this.processed.push(processed);
        return Promise.resolve(this.isWanted);
      },
      fail: (_ctx, error, documentId) =>
        Promise.resolve({ due: true, state: "failed", hasFailed: true, waitMs: 1, ...{ error, documentId } }),
    };
  }

  async outcome(): Promise<BulkOutcome> {
    let outcome: BulkOutcome = "again";
    while (outcome === "again") outcome = await this.work.step(this.access);
    return outcome;
  }
}

test("every entry is packed once, in order, then what waits is merged, and progress ends at the total", async () => {
  const bench = new Bench();
  expect(await bench.outcome()).toBe("ready");
  const numbers = Array.from({ length: total }, (_, id) => String((id * 7919) % 10_007).padStart(5, "0"));
  expect(bench.packed).toEqual(numbers.toSorted());
  expect(bench.waiting).toBe(0);
  expect(bench.processed.at(-1)).toBe(total);
  expect(bench.processed).toEqual(bench.processed.toSorted((a, b) => a - b));
  await bench.work.close();
});

test("it stops before a document that is refused, and goes on there when that is mended", async () => {
  const bench = new Bench();
  bench.refused.add("0").add("1234");
  expect(await bench.outcome()).toMatchObject({ hasFailed: true, documentId: "0" });
  bench.refused.delete("0");
  expect(await bench.outcome()).toMatchObject({ hasFailed: true, documentId: "1234" });
  expect(bench.work.isOver).toBe(false);
  bench.refused.clear();
  expect(await bench.outcome()).toBe("ready");
  expect(bench.packed).toHaveLength(total);
});

test("what was packed and is not what was read ends it", async () => {
  const bench = new Bench();
  bench.isRight = false;
  expect(await bench.outcome()).toMatchObject({ hasFailed: true });
  expect(bench.work.isOver).toBe(true);
  expect(bench.waiting).toBe(500);
});

test("it ends when nobody wants it any more, whatever it is at", async () => {
  const bench = new Bench();
  bench.isWanted = false;
  expect(await bench.outcome()).toBe("gone");
});

test("an error of a transaction is the step's, and no later one is left unheard", async () => {
  const bench = new Bench();
  const { access } = bench;
  const failing: BulkAccess = {
    ...access,
    write: async (run) => {
      await access.write(run);
      throw new Error("disk full");
    },
  };
  const steps = async (): Promise<void> => {
    for (;;) await bench.work.step(failing);
  };
  await expect(steps()).rejects.toThrow("disk full");
  await bench.work.close();
});

test("the event loop turns between the parts", async () => {
  const bench = new Bench();
  let turns = 0;
  let isOver = false;
  const turning = (async (): Promise<void> => {
    for (; !isOver; turns += 1) await pause(0);
  })();
  await bench.outcome();
  isOver = true;
  await turning;
  expect(turns).toBeGreaterThanOrEqual(bench.commits);
});
