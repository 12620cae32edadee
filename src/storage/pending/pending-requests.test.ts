/** What transactions of one opening see of each other before the database has answered, and what they are refused for. */
import { expect, test } from "vitest";
import type { Commit, CommitRequest, Entry, Reads, Touched, Write } from "../storage.js";
import { PendingRequests, type BaseReader, type Seen } from "./index.js";

/** What is committed, at whatever version. */
const base = (entries: readonly Entry[]): BaseReader => ({
  getMany: (keys) => keys.map((key) => new Map(entries).get(key)),
  scan: ({ start, end }, { reverse = false, limit } = {}) => {
    const found = entries.filter(([key]) => key >= start && (end === undefined || key < end));
    return (reverse ? found.toReversed() : found).slice(0, limit);
  },
});

const abc = base([
  ["a", "1"],
  ["b", "2"],
  ["c", "3"],
]);

function reads(keys: readonly string[], ...ranges: [start: string, end: string][]): Reads {
  return { keys: new Set(keys), ranges: ranges.map(([start, end]) => ({ start, end })) };
}

function foreign(version: number, writes: readonly Write[], touched: Partial<Touched> = {}): Commit {
  return {
    version,
    isOwn: false,
    writes,
    adds: [],
    touched: () => ({ keys: [], prefixes: [], isQuiet: false, ...touched }),
  };
}

/** Takes what waits, and commits it from this version on. */
function commitAll(pending: PendingRequests, first: number): Commit[] {
  return pending.take(100, 1e6).map((request, index) => {
    const commit = pending.commit(request, first + index);
    request.acknowledge();
    return commit;
  });
}

function handOver(
  pending: PendingRequests,
  request: CommitRequest,
  seen: Seen = pending.begin(),
): Promise<number> {
  const answer = pending.handOver(seen, request);
  answer.catch(() => undefined);
  return answer;
}

const conflict = (keys: readonly string[], isLocal = true): object =>
  expect.objectContaining({
    code: "STORAGE_CONFLICT",
    details: {
      keys: keys.map((key) => Buffer.from(key, "latin1").toString("hex")),
      ...(isLocal ? { isLocal } : {}),
    },
  });

test("a transaction sees what was handed over before it began, in that order, and nothing later", async () => {
  const pending = new PendingRequests(10);
  void handOver(pending, {
    writes: [
      ["b", "20"],
      ["d", "4"],
    ],
  });
  void handOver(pending, {
    writes: [
      ["b", "21"],
      ["a", undefined],
    ],
    adds: [["n", [1, 40]]],
  });
  const seen = pending.begin();
  void handOver(pending, { writes: [["b", "22"]] });
  expect(await pending.getMany(seen, ["a", "b", "c", "d", "n"], abc)).toEqual([
    undefined,
    "21",
    "3",
    "4",
    "1,40",
  ]);
  const range = { start: "a", end: "n" };
  const all = [
    ["b", "21"],
    ["c", "3"],
    ["d", "4"],
  ];
  expect(await pending.scan(seen, range, undefined, abc)).toEqual(all);
  expect(await pending.scan(seen, range, { limit: 1 }, abc)).toEqual(all.slice(0, 1));
  expect(await pending.scan(seen, range, { limit: 2, reverse: true }, abc)).toEqual(
    all.toReversed().slice(0, 2),
  );
  commitAll(pending, 11);
  expect(await pending.getMany(seen, ["a", "b", "n"], abc)).toEqual([undefined, "21", "1,40"]);
  expect(await pending.getMany(pending.begin(), ["a", "b"], abc)).toEqual(["1", "2"]);
});

test("a sum is over what the transaction sees beneath it", async () => {
  const pending = new PendingRequests(10);
  void handOver(pending, { writes: [], adds: [["n", [1, 40]]] });
  void handOver(pending, { writes: [], adds: [["n", [-2, 0]]] });
  expect(await pending.getMany(pending.begin(), ["n"], base([["n", "3,120"]]))).toEqual(["2,160"]);
  void handOver(pending, { writes: [["n", "7"]], adds: [["n", [1]]] });
  expect(await pending.getMany(pending.begin(), ["n"], base([["n", "3,120"]]))).toEqual(["8"]);
});

test("who reads what was handed over after it began, or was overtaken by others, is refused at once", async () => {
  const pending = new PendingRequests(10);
  const [one, two, three, four] = [pending.begin(), pending.begin(), pending.begin(), pending.begin()];
  void handOver(pending, { writes: [["b", "20"]] });
  await expect(handOver(pending, { writes: [["x", ""]], reads: reads(["b"]) }, one)).rejects.toEqual(
    conflict(["b"]),
  );
  await expect(handOver(pending, { writes: [["x", ""]], reads: reads([], ["a", "c"]) }, two)).rejects.toEqual(
    conflict(["b"]),
  );
  pending.hear(foreign(11, [["c", "30"]], { keys: ["i1"], prefixes: ["t"] }));
  await expect(
    handOver(pending, { writes: [["x", ""]], reads: reads([], ["i", "j"]) }, three),
  ).rejects.toEqual(conflict(["i1"]));
  await expect(
    handOver(pending, { writes: [["x", ""]], reads: reads([], ["t3", "t4"]) }, four),
  ).rejects.toEqual(conflict(["t"]));
});

test("what waits is refused when others overtake it, and what read of it with it", async () => {
  const pending = new PendingRequests(10);
  const first = handOver(pending, { writes: [["b", "20"]], reads: reads(["a"]) });
  const second = handOver(pending, { writes: [["c", "30"]], reads: reads(["b"]) });
  const third = handOver(pending, { writes: [["d", "40"]] });
  const begun = pending.begin();
  pending.hear(foreign(11, [["a", "10"]]));
  expect(commitAll(pending, 12).map(({ writes }) => writes)).toEqual([[["d", "40"]]]);
  await expect(first).rejects.toEqual(conflict(["a"]));
  await expect(second).rejects.toEqual(conflict(["b"]));
  expect(await third).toBe(12);
  // It could have seen what was refused.
  await expect(handOver(pending, { writes: [["e", ""]], reads: reads(["c"]) }, begun)).rejects.toEqual(
    conflict(["c"]),
  );
  expect(await pending.getMany(pending.begin(), ["b", "c"], abc)).toEqual(["2", "3"]);
});

test("what the database refuses names what was overtaken, once this opening has heard of it", async () => {
  const pending = new PendingRequests(10);
  const first = handOver(pending, { writes: [["b", "20"]], reads: reads(["a"]) });
  const second = handOver(pending, { writes: [["c", "30"]], reads: reads(["b"]) });
  const taken = pending.take(100, 1e6);
  expect(taken.map(({ dependsOn }) => dependsOn)).toEqual([[], [taken[0]]]);
  pending.hear(foreign(11, [["a", "10"]]));
  pending.refuse(taken);
  await expect(first).rejects.toEqual(conflict(["a"], false));
  await expect(second).rejects.toEqual(conflict(["b"]));
});

test("nobody is refused by what it saw, also when it is committed meanwhile", async () => {
  const pending = new PendingRequests(10);
  void handOver(pending, { writes: [["b", "20"]] });
  const seen = pending.begin();
  commitAll(pending, 11);
  const answer = handOver(pending, { writes: [["c", "30"]], reads: reads(["b"]) }, seen);
  expect(commitAll(pending, 12).map(({ version }) => version)).toEqual([12]);
  expect(await answer).toBe(12);
});

test("who only reads is told when all of it was true at once, or that it never was", async () => {
  const pending = new PendingRequests(10);
  void handOver(pending, { writes: [["b", "20"]] });
  const [alone, after, overtaken, lost] = [
    pending.begin(),
    pending.begin(),
    pending.begin(),
    pending.begin(),
  ];
  expect(await handOver(pending, { writes: [], reads: reads(["a"]) }, alone)).toBe(10);
  const answers = [
    handOver(pending, { writes: [], reads: reads(["b", "a"]) }, after),
    handOver(pending, { writes: [], reads: reads(["b", "c"]) }, overtaken),
  ];
  const [taken] = pending.take(100, 1e6);
  pending.hear(foreign(11, [["c", "30"]]));
  if (taken !== undefined) pending.commit(taken, 12);
  expect(await answers[0]).toBe(12);
  await expect(answers[1]).rejects.toEqual(conflict(["c"]));
  const failed = handOver(pending, { writes: [["e", ""]], reads: reads(["b"]) }, lost);
  pending.fail(pending.take(100, 1e6), new Error("no answer"));
  await expect(failed).rejects.toThrow("no answer");
});

test("timestamps are waited for by those who read where they stand, and by nobody else", async () => {
  const pending = new PendingRequests(10);
  void handOver(pending, {
    writes: [
      ["k12345678", "v"],
      ["v", "[123456789012]"],
      ["x", "1"],
    ],
    stamps: [
      { write: 0, part: "key", offset: 1 },
      { write: 1, part: "value", offset: 1 },
    ],
  });
  const seen = pending.begin();
  expect(await pending.getMany(seen, ["x"], abc)).toEqual(["1"]);
  const later = Promise.all([
    pending.scan(seen, { start: "k", end: "l" }, undefined, abc),
    pending.getMany(seen, ["v"], abc),
  ]);
  const [commit] = commitAll(pending, 11);
  const [key, value] = [commit?.writes[0]?.[0], commit?.writes[1]?.[1]];
  expect(key).toBe(`k${Buffer.from([0, 0, 0, 0, 0, 0, 0x2a, 0xf8]).toString("latin1")}`);
  expect(await later).toEqual([[[key, "v"]], [value]]);
});

test("a batch ends before it would add to what it writes, and is no larger than it may be", () => {
  const pending = new PendingRequests(10);
  void handOver(pending, { writes: [["n", "5"]] });
  void handOver(pending, { writes: [], adds: [["n", [1]]] });
  void handOver(pending, { writes: [["m", "x".repeat(1000)]] });
  void handOver(pending, { writes: [["m", "x".repeat(1000)]] });
  const sizes: number[] = [];
  while (pending.isWaiting) sizes.push(pending.take(100, 1500).length);
  expect(sizes).toEqual([1, 2, 1]);
});
