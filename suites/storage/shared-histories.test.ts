/** Several openings of one storage at once, with late news and lost answers; and that the checker finds what it is there for. */
import { expect, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { TrueupError } from "../../src/errors/index.js";
import { sharedMemory } from "../../src/storage/memory/index.js";
import type {
  Commit,
  CommitRequest,
  Storage,
  StorageTransaction,
  Version,
} from "../../src/storage/storage.js";
import { SharedHistory } from "../database/shared-histories.js";
import { seededRandom } from "../setup/random.js";
import { SharedClients } from "./shared-clients.js";
import { differencesOf } from "./shared-histories.js";

/** What a defect changes in an opening. */
interface Defect {
  readonly commit?: (
    transaction: StorageTransaction,
    request: CommitRequest,
    beginAnother: () => Promise<StorageTransaction>,
  ) => Promise<Version>;
  readonly hear?: (commit: Commit, listener: (commit: Commit) => void) => void;
}

/**
 * Three openings of one storage. News and answers come late by turns of the event loop, and some answers are lost.
 * @param failures Share of batches that do not reach the storage.
 */
async function openThree(random: () => number, failures: number, defect: Defect = {}): Promise<Storage[]> {
  const { open } = sharedMemory({
    before: async (step) => {
      for (let turn = Math.floor(random() * 4); turn > 0; turn--) {
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
      }
      if (step === "answer" && random() < 0.2) throw new TrueupError("STORAGE_UNAVAILABLE");
      if (step === "commit" && random() < failures) throw new TrueupError("STORAGE_UNAVAILABLE");
    },
  });
  const all = [await open(), await open(), await open()];
  return all.map((storage) => withDefect(storage, defect));
}

function withDefect(storage: Storage, { commit, hear }: Defect): Storage {
  const begin = storage.begin.bind(storage);
  const onCommit = storage.onCommit.bind(storage);
  if (commit !== undefined) {
    storage.begin = async () => {
      const transaction = await begin();
      return { ...transaction, commit: (request) => commit(transaction, request, begin) };
    };
  }
  if (hear !== undefined) storage.onCommit = (listener) => onCommit((told) => hear(told, listener));
  return storage;
}

async function differencesOfRun(random: () => number, openings: readonly Storage[]): Promise<string[]> {
  const clients = new SharedClients(openings, random);
  await clients.run(9, 40);
  const history = await clients.history();
  await Promise.all(openings.map((storage) => storage.close()));
  expect(history.marks.length).toBeGreaterThan(200);
  return differencesOf(history);
}

test.each([1, 2, 3, 4])(
  "whatever three openings do at once, commits explain all that was found, seed %i",
  async (seed) => {
    const random = seededRandom(seed);
    expect(await differencesOfRun(random, await openThree(random, 0.02))).toEqual([]);
  },
);

/** One run mostly shows a defect; a few have to. */
async function isSeenSoon(shows: (seed: number) => Promise<boolean>): Promise<boolean> {
  for (const seed of [7, 8, 9, 10, 11]) if (await shows(seed)) return true;
  return false;
}

const withoutReads = (request: CommitRequest): CommitRequest => ({
  ...request,
  reads: { keys: new Set(), ranges: [] },
});

test.each<[string, (random: () => number) => Defect]>([
  [
    "nobody validates",
    () => ({ commit: (transaction, request) => transaction.commit(withoutReads(request)) }),
  ],
  [
    "reads have no ranges",
    () => ({
      commit: (transaction, { reads, ...request }) =>
        transaction.commit(reads === undefined ? request : { ...request, reads: { ...reads, ranges: [] } }),
    }),
  ],
  [
    "a batch that is sent again is done again",
    (random) => ({
      commit: async (transaction, request, beginAnother) => {
        const version = await transaction.commit(request);
        if (random() < 0.8) return version;
        return await (await beginAnother()).commit(withoutReads(request));
      },
    }),
  ],
])("it shows when %s", async (_, defectOf) => {
  const shows = async (seed: number): Promise<boolean> => {
    const random = seededRandom(seed);
    const openings = await openThree(random, 0.02, defectOf(random));
    return (await differencesOfRun(random, openings)).length > 0;
  };
  expect(await isSeenSoon(shows)).toBe(true);
});

/** Through the caches of databases, which go by what the feed tells. */
async function differencesOfDatabases(random: () => number, defect: Defect): Promise<string[]> {
  const databases: Database[] = [];
  for (const storage of await openThree(random, 0, defect)) databases.push(await Database.open(storage));
  const history = new SharedHistory(databases, random);
  const failure = await history.run(9, 20).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  return failure === undefined ? history.check() : [failure];
}

test.each([5, 8, 9])(
  "databases without a defect explain what they found, with their caches, seed %i",
  async (seed) => {
    expect(await differencesOfDatabases(seededRandom(seed), {})).toEqual([]);
  },
);

test.each<[string, (random: () => number) => Defect]>([
  [
    "the feed skips a commit",
    (random) => ({
      hear: (commit, listener) => {
        if (commit.isOwn || random() < 0.9) listener(commit);
      },
    }),
  ],
  [
    "a cache is kept over a key that was touched",
    (random) => ({
      hear: (commit, listener) => {
        const isOverlooked = !commit.isOwn && random() < 0.2;
        listener(isOverlooked ? { ...commit, writes: commit.writes.slice(0, -1) } : commit);
      },
    }),
  ],
])("it shows when %s", async (_, defectOf) => {
  const shows = async (seed: number): Promise<boolean> => {
    const random = seededRandom(seed);
    return (await differencesOfDatabases(random, defectOf(random))).length > 0;
  };
  expect(await isSeenSoon(shows)).toBe(true);
});
