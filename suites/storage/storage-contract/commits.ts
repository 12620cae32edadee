/** Commits are whole, ordered, announced and visible. */
import { expect, test } from "vitest";
import type { Entry } from "../../../src/storage/storage.js";
import { abc, mutate, put, readAll } from "../storage-calls.js";
import type { Open } from "./subject.js";

export function commits(open: Open): void {
  test("a commit applies all of its writes in their order, deletes of absent keys included", async () => {
    const storage = await open();
    await put(storage, abc);
    await mutate(storage, () => [
      ["a", undefined],
      ["a", "again"],
      ["b", "twice"],
      ["b", undefined],
      ["absent", undefined],
    ]);
    expect(await readAll(storage)).toEqual([
      ["a", "again"],
      ["c", "3"],
    ]);
  });

  test("a commit of many writes is one commit", async () => {
    const storage = await open();
    const many = Array.from({ length: 5000 }, (_, index): Entry => [
      `k${String(index).padStart(5, "0")}`,
      "v",
    ]);
    const seen: number[] = [];
    storage.onCommit((commit) => seen.push(commit.writes.length));
    await put(storage, many);
    expect(seen).toEqual([5000]);
    expect(await readAll(storage)).toEqual(many);
    await mutate(storage, () => many.map(([key]) => [key, undefined]));
    expect(await readAll(storage)).toEqual([]);
  });

  test("versions rise with every commit, and are the microseconds of the wall clock or more", async () => {
    const storage = await open();
    expect(storage.version).toBe(0);
    const before = Date.now() * 1000;
    const versions: number[] = [];
    for (let count = 0; count < 20; count++) versions.push(await put(storage, [["a", String(count)]]));
    expect(versions[0]).toBeGreaterThanOrEqual(before);
    expect(
      versions.every(
        (version, index) => Number.isSafeInteger(version) && version > (versions[index - 1] ?? 0),
      ),
    ).toBe(true);
    expect(storage.version).toBe(versions.at(-1));
    const snapshot = await storage.snapshot();
    expect(snapshot.version).toBe(versions.at(-1));
    snapshot.release();
  });

  test("an empty commit is no commit: no version, no call of a listener", async () => {
    const storage = await open();
    const version = await put(storage, abc);
    let calls = 0;
    storage.onCommit(() => calls++);
    expect(await mutate(storage, () => [])).toBe(version);
    expect([storage.version, calls]).toEqual([version, 0]);
  });

  test("listeners hear of each commit in order, once it is visible, until they stop", async () => {
    const storage = await open();
    const heard: [number, unknown][] = [];
    const stop = storage.onCommit(({ version, writes }) => {
      expect(storage.version).toBeGreaterThanOrEqual(version);
      heard.push([version, writes]);
    });
    const values = Array.from({ length: 30 }, (_, index) => String(index));
    const versions = await Promise.all(values.map((value) => put(storage, [["a", value]])));
    const inOrder = versions.map((version, index) => [version, [["a", values[index]]]] as const);
    expect(heard).toEqual(inOrder.toSorted(([one], [other]) => one - other));
    stop();
    await put(storage, abc);
    expect(heard.length).toBe(30);
  });

  test("what a resolved commit wrote is in every later snapshot", async () => {
    const storage = await open();
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const version = await put(storage, [[`k${index}`, "v"]]);
        const snapshot = await storage.snapshot();
        expect(snapshot.version).toBeGreaterThanOrEqual(version);
        expect(await snapshot.get(`k${index}`)).toBe("v");
        snapshot.release();
      }),
    );
  });
}
