/** What a transaction read has to be true when it commits; whoever only writes or adds is never refused. */
import { expect } from "vitest";
import { keyToHex } from "../../../src/values/index.js";
import type { CommitRequest, Storage, StorageReader } from "../../../src/storage/storage.js";
import { abc, begin, mutate, put, readAll } from "../storage-calls.js";
import type { ClaimOfOpenings } from "./subject.js";

const touchingB = (): { keys: string[]; prefixes: string[]; isQuiet: boolean } => ({
  keys: ["b"],
  prefixes: [],
  isQuiet: false,
});

const conflict = expect.objectContaining({ code: "STORAGE_CONFLICT", retryable: true });

interface Overlap {
  readonly read: (reader: StorageReader) => unknown;
  readonly by: CommitRequest;
  /** The key that the conflict names. */
  readonly key: string;
}

/** Over a to c: what one reads, and what another commits meanwhile. */
const refused: Readonly<Record<string, Overlap>> = {
  "a key that is overwritten": { read: (on) => on.get("b"), by: { writes: [["b", "20"]] }, key: "b" },
  "a key that is deleted": {
    read: (on) => on.getMany(["a", "b"]),
    by: { writes: [["b", undefined]] },
    key: "b",
  },
  "an absent key that is put": { read: (on) => on.get("bb"), by: { writes: [["bb", ""]] }, key: "bb" },
  "a number that is added to": {
    read: (on) => on.get("n"),
    by: { writes: [], adds: [["n", [1]]] },
    key: "n",
  },
  "a range that gets one more": {
    read: (on) => on.scan({ start: "a", end: "c" }),
    by: { writes: [["bb", ""]] },
    key: "bb",
  },
  "a range that loses one": {
    read: (on) => on.scan({ start: "a" }),
    by: { writes: [["c", undefined]] },
    key: "c",
  },
  "an empty range that gets one": {
    read: (on) => on.scan({ start: "d", end: "e" }),
    by: { writes: [["d\u0000", "\u0000"]] },
    key: "d\u0000",
  },
  "a gap before the last of a limited range": {
    read: (on) => on.scan({ start: "a" }, { limit: 2 }),
    by: { writes: [["aa", ""]] },
    key: "aa",
  },
  "a gap after the last of a limited range in reverse": {
    read: (on) => on.scan({ start: "a" }, { limit: 2, reverse: true }),
    by: { writes: [["bb", ""]] },
    key: "bb",
  },
  "a range that is added to": {
    read: (on) => on.scan({ start: "m", end: "o" }),
    by: { writes: [], adds: [["n", [1, 2]]] },
    key: "n",
  },
  "a key that is touched": {
    read: (on) => on.get("b"),
    by: { writes: [["other", ""]], touched: touchingB },
    key: "b",
  },
  "a range in which a key is touched": {
    read: (on) => on.scan({ start: "", end: "c" }),
    by: { writes: [["other", ""]], touched: touchingB },
    key: "b",
  },
  "a long key that is put": {
    read: (on) => on.get("k".repeat(3000)),
    by: { writes: [["k".repeat(3000), ""]] },
    key: "k".repeat(3000),
  },
  "a range of long keys that gets one more": {
    read: (on) => on.scan({ start: `${"k".repeat(2600)}a`, end: `${"k".repeat(2600)}c` }),
    by: { writes: [[`${"k".repeat(2600)}b`, ""]] },
    key: `${"k".repeat(2600)}b`,
  },
};

const allowed: Readonly<Record<string, Omit<Overlap, "key">>> = {
  "its own key, which it did not read": { read: () => undefined, by: { writes: [["mine", "2"]] } },
  "the end of a range that was read": {
    read: (on) => on.scan({ start: "a", end: "c" }),
    by: { writes: [["c", "30"]] },
  },
  "what comes before a range that was read": {
    read: (on) => on.scan({ start: "b" }),
    by: { writes: [["aaa", ""]] },
  },
  "what comes after a limit was reached": {
    read: (on) => on.scan({ start: "a" }, { limit: 2 }),
    by: { writes: [["bb", ""]] },
  },
  "a key that begins with one that was read": {
    read: (on) => on.get("b"),
    by: { writes: [["b\u0000", ""]] },
  },
  "a long key that differs late from one that was read": {
    read: (on) => on.get(`${"k".repeat(3000)}a`),
    by: { writes: [[`${"k".repeat(3000)}b`, ""]] },
  },
};

export function conflicts(claim: ClaimOfOpenings): void {
  for (const [name, { read, by, key }] of Object.entries(refused)) {
    claim(`who read ${name} is refused, and told so`, async (first, second) => {
      await put(first, abc);
      await caughtUp(first, second);
      const reader = await begin(first);
      await read(reader);
      const version = await commitBlind(second, by);
      const refusal = await reader.commit({ writes: [["mine", "1"]] }).catch((error: unknown) => error);
      expect(refusal).toEqual(conflict);
      expect(refusal).toMatchObject({ details: { keys: expect.arrayContaining([keyToHex(key)]) } });
      expect(first.version).toBeGreaterThanOrEqual(version);
      expect(await valueOf(first, "mine")).toBeUndefined();
    });
  }

  for (const [name, { read, by }] of Object.entries(allowed)) {
    claim(`another may write ${name}`, async (first, second) => {
      await put(first, abc);
      await caughtUp(first, second);
      const reader = await begin(first);
      await read(reader);
      const version = await commitBlind(second, by);
      expect(await reader.commit({ writes: [["mine", "1"]] })).toBeGreaterThan(version);
      expect(await valueOf(first, "mine")).toBe("1");
    });
  }

  claim("of two who read what the other writes, one is refused", async (first, second) => {
    await put(first, abc);
    await caughtUp(first, second);
    for (let round = 0; round < 10; round++) {
      const [one, other] = [await begin(first), await begin(second)];
      const seen = await Promise.all([one.getMany(["a", "b"]), other.getMany(["a", "b"])]);
      const outcomes = await Promise.allSettled([
        one.commit({ writes: [["a", `${round}`]] }),
        other.commit({ writes: [["b", `${round}`]] }),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      expect(seen[0].length).toBe(2);
      await caughtUp(first, second);
    }
  });

  claim("adds of many writers sum up, and nobody is refused for them", async (first, second, third) => {
    const all = [first, second, third];
    await Promise.all(
      Array.from({ length: 90 }, async (_, index) => {
        const storage = all[index % 3] ?? first;
        await commitBlind(storage, { writes: [[`by${index}`, ""]], adds: [["n", [1, index, -index]]] });
      }),
    );
    await caughtUp(first, second, third);
    for (const storage of all) expect(await valueOf(storage, "n")).toBe("90,4005,-4005");
  });

  claim("no increment of many writers is lost", async (first, second, third) => {
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        mutate([first, second, third][index % 3] ?? first, async (reader) => [
          ["n", String(Number((await reader.get("n")) ?? 0) + 1)],
        ]),
      ),
    );
    await caughtUp(first, second, third);
    expect(await valueOf(second, "n")).toBe("30");
  });

  claim("who read what was refused is refused, also without writes of its own", async (first, second) => {
    for (let round = 0; round < 10; round++) {
      await caughtUp(first, second);
      const overtaken = await begin(first);
      await overtaken.get("a");
      const overtaking = commitBlind(second, { writes: [["a", `${round}`]] });
      if (round % 2 === 0) await overtaking;
      const answer = overtaken.commit({ writes: [["b", `refused ${round}`]] });
      const isRefused = answer.then(
        () => false,
        () => true,
      );
      const reader = await begin(first);
      const seen = await reader.get("b");
      const confirmed = await reader.commit({ writes: [] }).then(
        () => true,
        () => false,
      );
      await overtaking;
      if ((await isRefused) && seen === `refused ${round}`) expect(confirmed).toBe(false);
    }
  });
}

/** Has the openings see what was acknowledged in any of them. */
async function caughtUp(...storages: readonly Storage[]): Promise<void> {
  for (const storage of storages) await storage.reached(await storage.latest());
}

async function commitBlind(storage: Storage, request: CommitRequest): Promise<number> {
  const transaction = await storage.begin();
  return await transaction.commit(request);
}

async function valueOf(storage: Storage, key: string): Promise<string | undefined> {
  await caughtUp(storage);
  return new Map(await readAll(storage)).get(key);
}
