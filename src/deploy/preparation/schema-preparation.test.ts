import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { beforeEach, expect, test } from "vitest";
import { Database, type MutationTransaction } from "../../database/index.js";
import { Runtime, type ComponentProgram } from "../../functions/index.js";
import { JobTable } from "../../scheduler/index.js";
import { parseSchema } from "../../schema/index.js";
import { memory } from "../../storage/memory/index.js";
import type { Schemas } from "../code/program-code.js";
import { TransformFunctions } from "../steps/transform-functions.js";
import { activate as activateAll } from "../activation.js";
import { SchemaPreparation } from "./schema-preparation.js";

const none: Schemas = new Map();

function schemas(tables: Parameters<typeof defineSchema>[0], path = ""): Schemas {
  return new Map([[path, parseSchema(defineSchema(tables))]]);
}

const users = schemas({ users: defineTable({ name: v.string() }).index("by_name", ["name"]) });

let database: Database;
let runtime: Runtime;
beforeEach(async () => {
  database = await Database.open(await memory()());
  runtime = new Runtime(database, { jobs: new JobTable(database), log: "silent" });
});

/** Begins to prepare a program that has these schemas and no code. */
async function prepare(before: Schemas, after: Schemas, isDryRun = false): Promise<SchemaPreparation> {
  const programAt = (path: string): ComponentProgram => {
    const below = [...after.keys()].filter((each) => each !== path && each.startsWith(path));
    const names = new Set(
      below.map((each) => each.slice(path === "" ? 0 : path.length + 1).split("/")[0] ?? ""),
    );
    const children = [...names].map((name) => [name, programAt(path === "" ? name : `${path}/${name}`)]);
    return { path, modules: {}, schema: after.get(path) ?? null, children: Object.fromEntries(children) };
  };
  return new SchemaPreparation({
    database,
    functions: new TransformFunctions(database),
    runtime,
    before,
    after,
    next: { program: await runtime.load(programAt("")), origin: { kind: "modules" } },
    running: null,
    migrations: { standing: () => Promise.resolve(new Map()) },
    isDryRun,
  });
}

/** Puts the schemas in place as a deploy does. */
async function activate(preparation: SchemaPreparation): Promise<void> {
  await activateAll(database, [preparation]);
}

async function insert(documents: readonly object[], path = "", table = "users"): Promise<string[]> {
  const run = async (tx: MutationTransaction): Promise<string[]> => {
    const ids: string[] = [];
    for (const document of documents) ids.push(await tx.component(path).insert(table, { ...document }));
    return ids;
  };
  return (await database.mutate(run)).value;
}

test("documents that fit, and tables that are empty or new, let the schema pass", async () => {
  await insert([{ name: "Ann" }, { name: "Bob" }]);
  const preparation = await prepare(none, users);
  expect(await preparation.wait(10_000)).toEqual({ type: "complete" });
  await activate(preparation);
});

test("one document that does not fit is described in Convex's words", async () => {
  const [id = ""] = await insert([{ name: 5 }]);
  const status = await (await prepare(none, users)).wait(10_000);
  expect(status).toMatchObject({ type: "failed", componentPath: "", tableName: "users" });
  expect(status).toHaveProperty(
    "error",
    expect.stringMatching(
      `^Document with ID "${id}" in table "users" does not match the schema: Value does not match`,
    ),
  );
});

test("every document that does not fit is counted, by what is wrong with it, with samples", async () => {
  const good = Array.from({ length: 1_500 }, () => ({ name: "Ann" }));
  const [id] = await insert([
    ...Array.from({ length: 700 }, () => ({ name: 5 })),
    ...good,
    ...Array.from({ length: 12 }, () => ({ name: "Ann", age: 3 })),
    {},
  ]);
  const status = await (await prepare(none, users)).wait(10_000);
  const error = "error" in status ? status.error : "";
  expect(error).toMatch(/^713 documents do not match the schema, in 3 ways:/);
  expect(error).toContain(`1. 700 documents in table "users": "${id}", `);
  expect(error).toContain('2. 12 documents in table "users"');
  expect(error).toContain('3. 1 document in table "users"');
  expect(error).toContain("extra field `age`");
  expect(error).toContain("missing the required field `name`");
});

test("components are checked too, each against its own schema", async () => {
  await insert([{ name: 5 }], "a/b");
  await insert([{ name: 5 }]);
  const after = schemas({ users: defineTable({ name: v.string() }) }, "a/b");
  const status = await (await prepare(none, after)).wait(10_000);
  expect(status).toMatchObject({ type: "failed", componentPath: "a/b", tableName: "users" });
});

test.each([
  ["the same", defineTable({ name: v.string() })],
  ["a wider one", defineTable({ name: v.union(v.string(), v.null()), age: v.optional(v.number()) })],
])("after a schema that is in force, %s needs no look at the documents", async (_what, table) => {
  await insert([{ name: 5 }]);
  const next = schemas({ users: table });
  const status = await (await prepare(users, next)).wait(10_000);
  expect(status).toEqual({ type: "complete" });
});

test("a schema that does not validate lets everything pass", async () => {
  await insert([{ name: 5 }]);
  const loose: Schemas = new Map([
    [
      "",
      parseSchema(defineSchema({ users: defineTable({ name: v.string() }) }, { schemaValidation: false })),
    ],
  ]);
  expect(await (await prepare(none, loose)).wait(10_000)).toEqual({ type: "complete" });
});

test("a document written after the check is looked at when the schema is put in place", async () => {
  const preparation = await prepare(none, users);
  expect(await preparation.wait(10_000)).toEqual({ type: "complete" });
  const [late = ""] = await insert([{ name: 5 }]);
  await expect(activate(preparation)).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.stringContaining(late),
  });
  await database.mutate((tx) => tx.component("").patch(late, { name: "Ann" }));
  await activate(preparation);
});

test("indexes are ready to be used when the schema is put in place", async () => {
  await insert(Array.from({ length: 2_000 }, (_, n) => ({ name: `user ${n}` })));
  const preparation = await prepare(none, users);
  await activate(preparation);
  const { value } = await database.query((tx) => {
    const range = [{ type: "Eq", fieldPath: "name", value: "user 1999" }] as const;
    const source = { type: "IndexRange", indexName: "users.by_name", range, order: null } as const;
    return tx.component("").stream({ source, operators: [] }).take(10);
  });
  expect(value).toHaveLength(1);
});

test("while it works it says how far it is, by component", async () => {
  await insert(Array.from({ length: 2_000 }, (_, n) => ({ name: `user ${n}` })));
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const holding = database.mutate(() => held);
  const preparation = await prepare(none, users);
  expect(await preparation.wait(0)).toEqual({
    type: "inProgress",
    components: {
      "": { schemaValidationComplete: expect.any(Boolean), indexesComplete: 0, indexesTotal: 1 },
    },
  });
  release();
  await holding;
  expect(await preparation.wait(10_000)).toEqual({ type: "complete" });
});

test("a dry run checks and builds nothing", async () => {
  await insert([{ name: "Ann" }]);
  const preparation = await prepare(none, users, true);
  expect(await preparation.wait(10_000)).toEqual({ type: "complete" });
  const { value: change } = await database.mutate((tx) => tx.applySchema("", users.get("") ?? null));
  expect(change.indexesAdded).toHaveLength(1);
});
