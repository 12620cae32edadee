/**
 * Compares random histories of a storage with a model: a plain record that is sorted when it is read. Commands commit,
 * roll back, take and release snapshots, and read from any of them; each answer must be the model's. fast-check shrinks
 * a failure to the shortest history.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { Entry, Storage, StorageReader, StorageSnapshot, Write } from "../../src/storage/storage.js";
import { mutate } from "./storage-calls.js";

type Model = ReadonlyMap<string, string>;

type Step =
  | { type: "commit"; writes: Write[]; together: number }
  | { type: "rollback" }
  | { type: "snapshot" }
  | { type: "release"; which: number }
  | {
      type: "read";
      which: number;
      start: string;
      end: string | undefined;
      reverse: boolean;
      limit: number | undefined;
      keys: string[];
    };

const key = fc.string({
  unit: fc.constantFrom("\u0000", "\u0001", "a", "b", "\u0080", "\u00ff"),
  maxLength: 4,
});
const write: fc.Arbitrary<Write> = fc.tuple(
  key,
  fc.option(fc.string({ maxLength: 6, unit: "grapheme" }), { nil: undefined }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("commit" as const),
      writes: fc.array(write, { maxLength: 8 }),
      together: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("rollback" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("snapshot" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("release" as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("read" as const),
      which: fc.nat(),
      start: key,
      end: fc.option(key, { nil: undefined }),
      reverse: fc.boolean(),
      limit: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      keys: fc.array(key, { maxLength: 5 }),
    }),
  },
);

/** Fails with the shortest history found in which the storage's answers differ from the model's. */
export async function checkRandomHistories(open: () => Promise<Storage>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const storage = await open();
      try {
        await runHistory(storage, steps);
      } finally {
        await storage.close();
      }
    }),
    { numRuns: 25 },
  );
}

interface Pinned {
  readonly snapshot: StorageSnapshot;
  readonly model: Model;
}

async function runHistory(storage: Storage, steps: readonly Step[]): Promise<void> {
  let model: Model = new Map();
  const pinned: Pinned[] = [];
  for (const current of steps) {
    switch (current.type) {
      case "commit": {
        model = await commitTogether(storage, model, current.writes, current.together);
        break;
      }
      case "rollback": {
        (await storage.begin()).rollback();
        break;
      }
      case "snapshot": {
        pinned.push({ snapshot: await storage.snapshot(), model });
        break;
      }
      case "release": {
        const [released] = pinned.splice(current.which % Math.max(1, pinned.length), 1);
        released?.snapshot.release();
        break;
      }
      case "read": {
        await readSomewhere(storage, model, pinned, current);
        break;
      }
    }
  }
  for (const { snapshot } of pinned) snapshot.release();
}

/** Splits the writes over several transactions that are begun at once, so that they wait for each other. */
async function commitTogether(
  storage: Storage,
  model: Model,
  writes: readonly Write[],
  parts: number,
): Promise<Model> {
  const next = new Map(model);
  const size = Math.ceil(writes.length / parts);
  await Promise.all(
    Array.from({ length: parts }, (_, part) => {
      const own = writes.slice(part * size, (part + 1) * size);
      return mutate(storage, async (reader) => {
        // Who read everything commits as it ran last: so the model takes the writes in the order of the commits.
        await reader.scan({ start: "" });
        for (const [name, value] of own) {
          if (value === undefined) next.delete(name);
          else next.set(name, value);
        }
        return own;
      });
    }),
  );
  return next;
}

async function readSomewhere(
  storage: Storage,
  model: Model,
  pinned: readonly Pinned[],
  read: Step & { type: "read" },
): Promise<void> {
  const chosen = pinned[read.which % (pinned.length + 2)];
  if (chosen !== undefined) {
    await compare(chosen.snapshot, chosen.model, read);
    return;
  }
  const reader = read.which % 2 === 0 ? await storage.snapshot() : await storage.begin();
  await compare(reader, model, read);
  if ("release" in reader) reader.release();
  else reader.rollback();
}

async function compare(reader: StorageReader, model: Model, read: Step & { type: "read" }): Promise<void> {
  const { start, end, reverse, limit, keys } = read;
  const options = { reverse, ...(limit === undefined ? {} : { limit }) };
  expect(await reader.scan({ start, end }, options)).toEqual(modelScan(model, read));
  expect(await reader.getMany(keys)).toEqual(keys.map((name) => model.get(name)));
  for (const name of keys) expect(await reader.get(name)).toBe(model.get(name));
}

function modelScan(model: Model, { start, end, reverse, limit }: Step & { type: "read" }): Entry[] {
  const inRange = [...model]
    .filter(([name]) => name >= start && (end === undefined || name < end))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return (reverse ? inRange.toReversed() : inRange).slice(0, limit ?? inRange.length);
}
