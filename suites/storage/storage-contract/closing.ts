/** Holds a storage to what is left of it once it is closed. */
import { expect, test } from "vitest";
import { abc, put, readAll } from "../storage-calls.js";
import type { NewStorage, Open } from "./subject.js";

export function closing(open: Open, newStorage: NewStorage): void {
  const closed = expect.objectContaining({ code: "STORAGE_CLOSED" });

  test("a closed storage refuses everything with STORAGE_CLOSED, and closes twice", async () => {
    const storage = await open();
    await put(storage, abc);
    const snapshot = await storage.snapshot();
    await Promise.all([storage.close(), storage.close()]);
    await storage.close();
    await expect((async () => storage.begin())()).rejects.toThrow(closed);
    await expect((async () => storage.snapshot())()).rejects.toThrow(closed);
    await expect((async () => snapshot.get("a"))()).rejects.toThrow(closed);
    await expect((async () => snapshot.scan({ start: "" }))()).rejects.toThrow(closed);
    snapshot.release();
  });

  test("closing waits for the transaction under way, and refuses those that wait", async () => {
    const storage = await open();
    const active = await storage.begin();
    const waiting = storage.begin();
    const refusal = waiting.catch((error: Error) => error);
    const closing = storage.close();
    expect(await active.get("a")).toBeUndefined();
    await active.commit({ writes: [["a", "1"]] });
    const other = await refusal;
    // Without turns nobody waits, so it may have begun too.
    if ("rollback" in other) other.rollback();
    else expect(other).toEqual(closed);
    await closing;
    await expect((async () => storage.begin())()).rejects.toThrow(closed);
  });

  test("a persistent storage has its data and its versions after it was closed and opened", async () => {
    const openStorage = await newStorage();
    const first = await open(openStorage);
    if (!first.capabilities.persistent) return;
    const version = await put(first, abc);
    await first.close();
    const second = await open(openStorage);
    expect(second.version).toBe(version);
    expect(await readAll(second)).toEqual(abc);
    expect(await put(second, [["d", "4"]])).toBeGreaterThan(version);
  });
}
