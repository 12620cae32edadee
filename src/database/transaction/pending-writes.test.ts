/** What a write may leave undone while a schema is pending, and what is said where it is refused. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { mutate, openDatabase } from "../../../suites/setup/open-database.js";
import { parseSchema } from "../../schema/index.js";
import type { Database } from "../database.js";

const schema = parseSchema(
  defineSchema({
    t: defineTable({ n: v.number(), m: v.optional(v.number()) }),
    u: defineTable({ n: v.number() }),
  }),
);

const awaited = ["m:first", "m:other", "m:last"];

/** A database whose schema awaits two migrations of `t` and one of `u`, with a document from before it. */
async function openPending(): Promise<{ database: Database; old: string; fitting: string }> {
  const database = await openDatabase();
  const [old, fitting] = await mutate(database, async (tx) => [
    await tx.component("").insert("t", { n: "old" }),
    await tx.component("").insert("t", { n: 1 }),
  ]);
  await database.mutate((tx) =>
    tx.applySchema("", schema, { pending: { migrations: awaited, tables: ["t", "u", "t"] } }),
  );
  return { database, old: old ?? "", fitting: fitting ?? "" };
}

const refused = { code: "SCHEMA_VIOLATION", details: { table: "t", componentPath: "" } };

test("a document from before the schema is held to it by every writer but the migrations that one of its table comes after", async () => {
  const { database, old } = await openPending();
  const write = (writtenBy?: string): Promise<unknown> =>
    database.mutate((tx) =>
      tx.component("").patch(old, { m: 5 }, undefined, writtenBy === undefined ? {} : { writtenBy }),
    );
  for (const writer of [undefined, "m:last", "m:unknown"]) {
    const writing = write(writer);
    await expect(writing).rejects.toMatchObject({ ...refused, details: { awaitedMigrations: awaited } });
    await expect(writing).rejects.toThrow("m:first, m:other, m:last has not brought it into the schema yet");
  }
  // A migration of another table may write to this one, as long as one of this table comes after it.
  for (const writer of ["m:other", "m:first"]) await write(writer);
  await database.mutate((tx) =>
    tx.component("").replace(old, { n: "still old" }, undefined, { writtenBy: "m:first" }),
  );
  await database.mutate((tx) => tx.component("").patch(old, { n: 2 }));
});

test("what fits already, or is new, is held to the schema whoever writes it, and no migration is blamed", async () => {
  const { database, fitting } = await openPending();
  const writes = [
    database.mutate((tx) =>
      tx.component("").patch(fitting, { n: "no" }, undefined, { writtenBy: "m:first" }),
    ),
    database.mutate((tx) => tx.component("").insert("t", { n: "no" })),
  ];
  for (const writing of writes) {
    const error: unknown = await writing.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused);
    expect(error).not.toHaveProperty("details.awaitedMigrations");
    expect(String(error)).not.toContain("pending");
  }
});

test("once the schema is narrow, nobody may leave a document as it was", async () => {
  const { database, old } = await openPending();
  await database.mutate(async (tx) => tx.setNarrowed(""));
  const writing = database.mutate((tx) =>
    tx.component("").patch(old, { m: 5 }, undefined, { writtenBy: "m:first" }),
  );
  const error: unknown = await writing.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject(refused);
  expect(error).not.toHaveProperty("details.awaitedMigrations");
});
