import { expect, test } from "vitest";
import { seededRandom } from "../../../suites/setup/random.js";
import { begin, put, readAll } from "../../../suites/storage/storage-calls.js";
import { storageContract } from "../../../suites/storage/storage-contract.js";
import { TrueupError } from "../../errors/index.js";
import type { Storage, Version } from "../storage.js";
import { sharedMemory, type SharedStep } from "./index.js";

storageContract("shared memory", () => sharedMemory().open);

const random = seededRandom(7);
storageContract(
  "shared memory with late news",
  () =>
    sharedMemory({
      before: () =>
        random() < 0.5
          ? undefined
          : new Promise((resolve) => {
              setImmediate(resolve);
            }),
    }).open,
);

const conflict = expect.objectContaining({ code: "STORAGE_CONFLICT" });

/** Steps that wait until they are let go on, each of an opening: "0 feed". */
class Holds {
  readonly #held = new Map<string, { until: Promise<void>; release: () => void }>();

  readonly before = (step: SharedStep, opening: number): Promise<void> | undefined =>
    this.#held.get(`${opening} ${step}`)?.until;

  hold(step: string): () => void {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(step, { until, release });
    return () => {
      this.#held.delete(step);
      release();
    };
  }
}

test.each([
  ["by the storage, in one batch", "0 answer"],
  ["by what is heard before it is sent", "0 commit"],
] as const)("who read what is refused %s is refused with it, also without writes", async (_, step) => {
  const holds = new Holds();
  const { open } = sharedMemory({ before: holds.before });
  const [first, second] = [await open(), await open()];
  await put(first, [["a", "1"]]);
  const send = holds.hold(step);
  const sentBefore = blind(first, "x");
  if (step === "0 answer") await sentBefore;
  const overtaken = await begin(first);
  expect(await overtaken.get("a")).toBe("1");
  const handedOver = [sentBefore, overtaken.commit({ writes: [["b", "lost"]] })];
  for (const writes of [[["c", "1"] as const], []]) {
    const reader = await begin(first);
    expect(await reader.get("b")).toBe("lost");
    handedOver.push(reader.commit({ writes }));
  }
  handedOver.push(blind(first, "y"));
  const outcomes = Promise.allSettled(handedOver);
  const hear = holds.hold("0 feed");
  await put(second, [["a", "2"]]);
  send();
  const late = await begin(first);
  expect(await late.get("c")).toBe("1");
  hear();
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  await expect(late.commit({ writes: [["d", "1"]] })).rejects.toEqual(conflict);
  await Promise.all([first, second].map(async (storage) => storage.reached(await storage.latest())));
  expect((await readAll(first)).map(([key]) => key)).toEqual(["a", "x", "y"]);
  expect(await readAll(second)).toEqual(await readAll(first));
  await Promise.all([first.close(), second.close()]);
});

test("an answer that is lost is asked for again, and nothing is done twice", async () => {
  const random = seededRandom(11);
  const { open } = sharedMemory({
    before: (step) => {
      if (step === "answer" && random() < 0.7) throw new TrueupError("STORAGE_UNAVAILABLE");
    },
  });
  const storage = await open();
  let calls = 0;
  storage.onCommit(() => calls++);
  for (let count = 0; count < 20; count++) {
    const transaction = await storage.begin();
    await transaction.commit({ writes: [], adds: [["n", [1]]] });
  }
  expect(await readAll(storage)).toEqual([["n", "20"]]);
  expect(calls).toBe(20);
  await storage.close();
});

test("an opening that is cut off says so, and goes on once it is back", async () => {
  let isCut = false;
  const holds = new Holds();
  const { open } = sharedMemory({
    before: (step, opening) => {
      if (isCut && opening === 0 && step !== "feed") throw new TrueupError("STORAGE_UNAVAILABLE");
      return holds.before(step, opening);
    },
  });
  const [first, second] = [await open(), await open()];
  await put(first, [["a", "1"]]);
  isCut = true;
  const hear = holds.hold("0 feed");
  const unavailable = expect.objectContaining({ code: "STORAGE_UNAVAILABLE" });
  await expect((async () => first.latest())()).rejects.toEqual(unavailable);
  await expect(readAll(first)).rejects.toEqual(unavailable);
  await expect(blind(first, "lost")).rejects.toEqual(unavailable);
  await second.reached(await second.latest());
  await put(second, [["b", "2"]]);
  isCut = false;
  hear();
  await first.reached(await first.latest());
  await put(first, [["c", "3"]]);
  expect((await readAll(first)).map(([key]) => key)).toEqual(["a", "b", "c"]);
  await Promise.all([first.close(), second.close()]);
});

test("what is older than the versions that are kept can be neither read nor committed upon", async () => {
  const { open } = sharedMemory({ keptVersions: 5 });
  const storage = await open();
  const version = await put(storage, [["a", "0"]]);
  const snapshot = await storage.snapshot();
  const transaction = await begin(storage);
  for (let count = 1; count <= 5; count++) await put(storage, [["a", String(count)]]);
  const tooOld = expect.objectContaining({ code: "SNAPSHOT_TOO_OLD" });
  await expect((async () => snapshot.get("a"))()).rejects.toEqual(tooOld);
  await expect((async () => storage.snapshotAt?.(version))()).rejects.toEqual(tooOld);
  await expect((async () => transaction.get("a"))()).rejects.toEqual(tooOld);
  snapshot.release();
  transaction.rollback();
  await storage.close();
});

test("an opening that hears late hears of everything, however little is kept", async () => {
  const holds = new Holds();
  const { open } = sharedMemory({ keptVersions: 5, before: (step, opening) => holds.before(step, opening) });
  const [first, second] = [await open(), await open()];
  const heard: Version[] = [];
  second.onCommit(({ version }) => heard.push(version));
  const hear = holds.hold("1 feed");
  const versions: Version[] = [];
  for (let count = 1; count <= 20; count++) versions.push(await put(first, [["a", String(count)]]));
  hear();
  await second.reached(await second.latest());
  expect(heard).toEqual(versions);
  await Promise.all([first.close(), second.close()]);
});

async function blind(storage: Storage, key: string): Promise<Version> {
  const transaction = await storage.begin();
  return await transaction.commit({ writes: [[key, "1"]] });
}
