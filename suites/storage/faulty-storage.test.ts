import { expect, test } from "vitest";
import { memory, sharedMemory } from "../../src/storage/memory/index.js";
import type { Write } from "../../src/storage/storage.js";
import { FaultyDisk } from "./faulty-storage.js";
import { mutate, put, readAll } from "./storage-calls.js";
import { storageContract } from "./storage-contract.js";

storageContract("faultless faulty", () => new FaultyDisk(memory()).open);
storageContract("slow faulty", () => new FaultyDisk(memory(), { delayTurns: 3 }).open);
storageContract("conflicting faulty", () => new FaultyDisk(memory(), { conflicts: 0.5, delayTurns: 1 }).open);
storageContract("slow faulty shared", () => new FaultyDisk(sharedMemory().open, { delayTurns: 3 }).open);

const a1: Write[] = [["a", "1"]];

test("injected failures come in the order they were asked for, and write nothing", async () => {
  const disk = new FaultyDisk(memory());
  const storage = await disk.open();
  disk.failNextCommits("STORAGE_FULL", undefined, "STORAGE_CONFLICT");
  await expect(mutate(storage, () => a1)).rejects.toMatchObject({ code: "STORAGE_FULL" });
  expect(await readAll(storage)).toEqual([]);
  await put(storage, [["b", "2"]]);
  const conflicting = await storage.begin();
  await expect(conflicting.commit({ writes: a1 })).rejects.toMatchObject({
    code: "STORAGE_CONFLICT",
    retryable: true,
  });
  await put(storage, [["c", "3"]]);
  expect(await readAll(storage)).toEqual([
    ["b", "2"],
    ["c", "3"],
  ]);
  await disk.close();
});

test("a crash loses what is not acknowledged and keeps the rest", async () => {
  const disk = new FaultyDisk(memory(), { delayTurns: 2, seed: 7 });
  const storage = await disk.open();
  await put(storage, [["kept", "1"]]);
  const snapshot = await storage.snapshot();
  const open = await storage.begin();
  const lost = open.commit({ writes: [["lost", "1"]] });
  const waiting = storage.begin();
  disk.crash();
  const closed = { status: "rejected", reason: expect.objectContaining({ code: "STORAGE_CLOSED" }) };
  expect(await Promise.allSettled([lost, waiting, snapshot.get("kept"), storage.begin()])).toEqual([
    closed,
    closed,
    closed,
    closed,
  ]);
  const reopened = await disk.open();
  expect(await readAll(reopened)).toEqual([["kept", "1"]]);
  await put(reopened, [["more", "2"]]);
  await disk.close();
});

test("a planned crash is before or after the commit it was planned for", async () => {
  for (const [point, expected] of [
    ["before commit", ["1"]],
    ["after commit", ["1", "2"]],
  ] as const) {
    const disk = new FaultyDisk(memory());
    const storage = await disk.open();
    disk.crashAtCommit(2, point);
    await put(storage, [["1", ""]]);
    await expect(put(storage, [["2", ""]])).rejects.toMatchObject({ code: "STORAGE_CLOSED" });
    await expect(put(storage, [["3", ""]])).rejects.toMatchObject({ code: "STORAGE_CLOSED" });
    expect((await readAll(await disk.open())).map(([key]) => key)).toEqual(expected);
    await disk.close();
  }
});

test("the same seed gives the same faults", async () => {
  async function outcomes(seed: number): Promise<string[]> {
    const disk = new FaultyDisk(memory(), { fullDisk: 0.5, conflicts: 0.2, seed });
    const storage = await disk.open();
    const codes: string[] = [];
    for (let count = 0; count < 40; count++) {
      const transaction = await storage.begin();
      codes.push(
        await transaction.commit({ writes: a1 }).then(
          () => "ok",
          (error: { code: string }) => error.code,
        ),
      );
    }
    await disk.close();
    return codes;
  }
  expect(await outcomes(5)).toEqual(await outcomes(5));
  expect(await outcomes(5)).not.toEqual(await outcomes(6));
  expect(new Set(await outcomes(5))).toEqual(new Set(["ok", "STORAGE_FULL", "STORAGE_CONFLICT"]));
});
