/**
 * Tests the `details` of the errors of reads and writes, because code that handles an error has nothing else to go by.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, mutate, openDatabase, setSchema } from "../../../suites/setup/open-database.js";
import { isTrueupError } from "../../errors/index.js";
import type { DatabaseWriter, MutationTransaction } from "./types.js";

/** Code, details and message of what a write in a database with a document throws. */
async function refusalOf(
  write: (app: DatabaseWriter, id: string, tx: MutationTransaction) => Promise<unknown>,
): Promise<{ code: string; details: unknown; message: string }> {
  const database = await openDatabase();
  return await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", { a: 1 });
    try {
      await write(app, id, tx);
    } catch (error) {
      if (isTrueupError(error)) return { code: error.code, details: error.details, message: error.message };
      throw error;
    }
    throw new Error("nothing was refused");
  });
}

const methods: readonly (readonly [string, (app: DatabaseWriter, id: string) => Promise<unknown>])[] = [
  ["get", (app, id) => app.get(id)],
  ["patch", (app, id) => app.patch(id, {})],
  ["replace", (app, id) => app.replace(id, {})],
  ["delete", (app, id) => app.delete(id)],
  ["insert", (app, id) => app.insert("t", {}, { id })],
];

test.each(methods)("what is no id is told with the method: %s", async (method, run) => {
  for (const id of ["nonsense", 5, true, {}] as string[]) {
    expect(await refusalOf((app) => run(app, id))).toMatchObject({ code: "INVALID_ID", details: { method } });
  }
  const long = await refusalOf((app) => run(app, "x".repeat(500)));
  expect(long.message).toContain(`\`db.${method}\``);
  expect(long.message.length).toBeLessThan(260);
});

test.each(methods.filter(([method]) => method !== "insert"))(
  "an id of another table is told with both tables: %s",
  async (method) => {
    const refusal = await refusalOf(async (app, id) => {
      if (method === "get") await app.get(id, "u");
      if (method === "patch") await app.patch(id, {}, "u");
      if (method === "replace") await app.replace(id, {}, "u");
      if (method === "delete") await app.delete(id, "u");
    });
    expect(refusal).toMatchObject({
      code: "WRONG_TABLE",
      details: { id: expect.any(String), expected: "u", actual: "t" },
      message: expect.stringContaining(`\`db.${method}\``),
    });
  },
);

test.each([
  ["Update", "patch", (app: DatabaseWriter, id: string) => app.patch(id, {})],
  ["Update", "replace", (app: DatabaseWriter, id: string) => app.replace(id, {})],
  ["Delete", "delete", (app: DatabaseWriter, id: string) => app.delete(id)],
] as const)(
  "a document that is not there any more is told by its id: %s of %s",
  async (action, method, run) => {
    let gone = "";
    const refusal = await refusalOf(async (app, id) => {
      gone = id;
      await app.delete(id);
      await run(app, id);
    });
    expect(refusal).toEqual({
      code: "DOCUMENT_NOT_FOUND",
      details: { id: gone, method },
      message: `${action} on nonexistent document ID ${gone}`,
    });
  },
);

test("an id of no table is told in the same way", async () => {
  const foreign = await mutate(await openDatabase(), async (tx) => {
    await tx.component("").insert("first", {});
    return await tx.component("").insert("second", {});
  });
  for (const [method, run] of methods.slice(1)) {
    expect(await refusalOf((app) => run(app, foreign))).toMatchObject({
      code: "DOCUMENT_NOT_FOUND",
      details: { id: foreign },
      message: expect.stringContaining(method === "delete" ? "Delete on" : "Update on"),
    });
  }
});

test.each([
  ["null", null],
  ["an array", []],
  ["5", 5],
  ["undefined", undefined],
])("what is no object of fields is told by what it is: %s", async (found, value) => {
  for (const method of ["insert", "patch", "replace"] as const) {
    const refusal = await refusalOf(async (app, id) => {
      if (method === "insert") await app.insert("t", value as never);
      else await app[method](id, value as never);
    });
    expect(refusal).toMatchObject({
      code: "INVALID_VALUE",
      details: { method },
      message: `Invalid argument \`value\` for \`db.${method}\`: expected an object of fields, got ${found}.`,
    });
  }
});

test.each(["_id", "_creationTime"] as const)(
  "a system field that is changed, taken away or given is told: %s",
  async (field) => {
    const changed = await refusalOf((app, id) => app.patch(id, { [field]: "other" }));
    expect(changed).toMatchObject({
      code: "SYSTEM_FIELD_CHANGED",
      details: { field, id: expect.any(String) },
    });
    expect(await refusalOf((app, id) => app.patch(id, { [field]: undefined }))).toMatchObject({
      code: "SYSTEM_FIELD_CHANGED",
      details: { field },
    });
    expect(await refusalOf((app) => app.insert("t", { [field]: "given" }))).toMatchObject({
      code: "SYSTEM_FIELD_CHANGED",
      details: { field },
    });
  },
);

test("an id that is taken is told, and a time that is none", async () => {
  let taken = "";
  expect(
    await refusalOf((app, id) => {
      taken = id;
      return app.insert("t", {}, { id });
    }),
  ).toMatchObject({ code: "ID_TAKEN", details: { id: taken } });
  for (const creationTime of [NaN, Infinity]) {
    expect(await refusalOf((app) => app.insert("t", {}, { creationTime }))).toMatchObject({
      code: "INVALID_VALUE",
    });
  }
});

test("a table of the system, or one that the schema does not have, is told by its name", async () => {
  expect(await refusalOf((app) => app.count("_jobs"))).toMatchObject({
    code: "SYSTEM_TABLE",
    details: { table: "_jobs" },
  });
  const database = await openDatabase();
  await setSchema(database, defineSchema({ t: defineTable({ n: v.number() }) }));
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const details = { table: "u", componentPath: "" };
    await expect(app.insert("u", {})).rejects.toMatchObject({ code: "TABLE_NOT_IN_SCHEMA", details });
    await expect(app.count("u")).rejects.toMatchObject({ code: "TABLE_NOT_IN_SCHEMA", details });
    expect(() => app.stream(fullScan("u"))).toThrow(
      expect.objectContaining({ code: "TABLE_NOT_IN_SCHEMA", details }),
    );
    const violation = app.insert("t", { n: "a" });
    await expect(violation).rejects.toMatchObject({
      code: "SCHEMA_VIOLATION",
      details: { table: "t", componentPath: "", violations: [expect.anything()] },
    });
  });
});
