import { memory, openBackend, type Backend } from "trueup";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AdminKeys } from "./admin-keys.js";

let backend: Backend;
beforeEach(async () => {
  backend = await openBackend({ storage: memory(), log: "silent" });
});
afterEach(() => backend.close());

const invalid = expect.objectContaining({ code: "INVALID_ADMIN_KEY" });

test("a key holds from when it is made until it is revoked, and no other text does", async () => {
  const { keys } = backend;
  expect(await keys.hold("ci|guess")).toBe(false);
  const key = await keys.add("ci");
  const other = await keys.add("ops");
  expect(key).toMatch(/^ci\|[\w-]{43}$/);
  expect([await keys.hold(key), await keys.hold(other)]).toEqual([true, true]);
  for (const wrong of ["", "ci|", key.slice(0, -1), `${key}x`, key.toUpperCase()]) {
    expect(await keys.hold(wrong)).toBe(false);
  }
  await keys.revoke("ci");
  expect([await keys.hold(key), await keys.hold(other)]).toEqual([false, true]);
  expect(await keys.hold(await keys.add("ci"))).toBe(true);
});

test("keys are listed by name with their time, and are nowhere in the data", async () => {
  const key = await backend.keys.add("ops");
  await backend.keys.add("ci");
  const listed = await backend.keys.list();
  expect(listed.map(({ name }) => name)).toEqual(["ci", "ops"]);
  expect(Math.abs((listed[0]?.createdAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  const { value } = await backend.database.query(
    async (tx) => {
      const source = { type: "FullTableScan", tableName: "_admin_keys", order: "asc" } as const;
      return JSON.stringify(await tx.system("").stream({ source, operators: [] }).take(10));
    },
    { limits: null },
  );
  expect(value).toContain("ops");
  expect(value).not.toContain(key.split("|")[1]);
});

test("what another backend on the same data does to keys is known at once", async () => {
  const elsewhere = new AdminKeys(backend.database);
  const key = await elsewhere.add("ci");
  expect(await backend.keys.hold(key)).toBe(true);
  await elsewhere.revoke("ci");
  expect(await backend.keys.hold(key)).toBe(false);
});

test.each(["", "a b", "a|b", "ä", "x".repeat(41)])("%j is no name of a key", async (name) => {
  await expect(backend.keys.add(name)).rejects.toEqual(invalid);
  expect(await backend.keys.list()).toEqual([]);
});

test("a name is taken once, only what is there is revoked, and there are at most a hundred", async () => {
  await backend.keys.add("key");
  await expect(backend.keys.add("key")).rejects.toEqual(invalid);
  await expect(backend.keys.revoke("other")).rejects.toEqual(invalid);
  for (let i = 1; i < 100; i++) await backend.keys.add(`key${i}`);
  await expect(backend.keys.add("one-more")).rejects.toEqual(invalid);
  await backend.keys.revoke("key");
  await backend.keys.add("one-more");
});

test("keys are read again after a read that failed", async () => {
  const key = await backend.keys.add("ci");
  const keys = new AdminKeys(backend.database);
  const read = vi.spyOn(backend.database, "query").mockRejectedValueOnce(new Error("the storage is away"));
  await expect(keys.hold(key)).rejects.toThrow("the storage is away");
  read.mockRestore();
  expect(await keys.hold(key)).toBe(true);
});
