import { expect, test } from "vitest";
import { put, readAll } from "../../../suites/storage/storage-calls.js";
import { storageContract } from "../../../suites/storage/storage-contract.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { sqlite } from "./index.js";

const inFolder = temporaryFolder();
let files = 0;
const newFile = (): string => inFolder(`${files++}.sqlite`);

storageContract("sqlite", () => sqlite(newFile()));
storageContract("relaxed sqlite", () => sqlite(newFile(), { durability: "relaxed" }));

test("versions rise across a restart when the clock has jumped back meanwhile", async () => {
  const file = newFile();
  const before = await sqlite(file, { clock: () => 5000 })();
  const version = await put(before, [["a", "1"]]);
  await before.close();
  const after = await sqlite(file, { clock: () => 1000 })();
  expect(after.version).toBe(version);
  expect(await put(after, [["a", "2"]])).toBe(version + 1);
  await after.close();
});

test("a snapshot that outlives the age limit while others commit is too old to read", async () => {
  const storage = await sqlite(newFile(), { snapshotMaxAgeMs: 0 })();
  const snapshot = await storage.snapshot();
  await put(storage, [["a", "1"]]);
  expect(snapshot.getMany(["a"])).toEqual([undefined]);
  await put(storage, [["a", "2"]]);
  const tooOld = expect.objectContaining({ code: "SNAPSHOT_TOO_OLD", retryable: true });
  expect(() => snapshot.get("a")).toThrow(tooOld);
  expect(() => snapshot.scan({ start: "" })).toThrow(tooOld);
  snapshot.release();
  expect(await readAll(storage)).toEqual([["a", "2"]]);
  await storage.close();
});

test("past the limit of pinned versions, snapshots wait for one to be released", async () => {
  const storage = await sqlite(newFile(), { durability: "relaxed" })();
  const held = [];
  for (let count = 0; count < 64; count++) {
    await put(storage, [["count", String(count)]]);
    held.push(await storage.snapshot());
  }
  await put(storage, [["count", "last"]]);
  const waiting = Promise.all([storage.snapshot(), storage.snapshot()]);
  for (const snapshot of held) snapshot.release();
  expect((await waiting).map((snapshot) => snapshot.get("count"))).toEqual(["last", "last"]);
  for (const snapshot of await waiting) snapshot.release();
  await storage.close();
});

test("who waits for a snapshot is told when the storage closes", async () => {
  const storage = await sqlite(newFile(), { durability: "relaxed" })();
  for (let count = 0; count < 64; count++) {
    await put(storage, [["count", String(count)]]);
    await storage.snapshot();
  }
  await put(storage, [["count", "last"]]);
  const refusal = (async () => storage.snapshot())().catch((error: unknown) => error);
  await storage.close();
  expect(await refusal).toMatchObject({ code: "STORAGE_CLOSED" });
});

test("it says what it can do: transactions one by one, kept on disk, in one process", async () => {
  const storage = await sqlite(newFile())();
  expect(storage.capabilities).toEqual({ serialTransactions: true, persistent: true, shared: false });
  await storage.close();
});
