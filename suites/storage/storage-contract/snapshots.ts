/** Snapshots stay as they were, whatever is committed after them, until they are released. */
import { expect, test } from "vitest";
import { abc, mutate, put } from "../storage-calls.js";
import type { Open } from "./subject.js";

export function snapshots(open: Open): void {
  test("a snapshot stays as it was while transactions commit", async () => {
    const storage = await open();
    await put(storage, abc);
    const before = await storage.snapshot();
    await mutate(storage, () => [
      ["a", "new"],
      ["b", undefined],
      ["d", "4"],
    ]);
    const after = await storage.snapshot();
    expect(await before.scan({ start: "" })).toEqual(abc);
    expect(await before.getMany(["a", "d"])).toEqual(["1", undefined]);
    expect(await after.scan({ start: "" })).toEqual([
      ["a", "new"],
      ["c", "3"],
      ["d", "4"],
    ]);
    expect(after.version).toBeGreaterThan(before.version);
    before.release();
    after.release();
  });

  test("a snapshot does not see a transaction that has not committed", async () => {
    const storage = await open();
    const transaction = await storage.begin();
    const snapshot = await storage.snapshot();
    await transaction.commit({ writes: [["a", "1"]] });
    expect(await snapshot.get("a")).toBeUndefined();
    snapshot.release();
  });

  test("snapshots of one version are independent of each other's release", async () => {
    const storage = await open();
    await put(storage, abc);
    const [one, other] = [await storage.snapshot(), await storage.snapshot()];
    expect(one.version).toBe(other.version);
    one.release();
    one.release();
    await put(storage, [["a", "new"]]);
    expect(await other.get("a")).toBe("1");
    await expect((async () => one.get("a"))()).rejects.toThrow("release");
    other.release();
  });

  test("many snapshots of many versions live at once", async () => {
    const storage = await open();
    const all = [];
    for (let count = 0; count < 40; count++) {
      await put(storage, [["count", String(count)]]);
      all.push(await storage.snapshot());
    }
    expect(await Promise.all(all.map(async (snapshot) => snapshot.get("count")))).toEqual(
      all.map((_, index) => String(index)),
    );
    for (const snapshot of all) snapshot.release();
  });
}
