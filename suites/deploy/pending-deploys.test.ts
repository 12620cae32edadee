/** Tests deploys that come while a migration of an earlier one is at work, and several migrations in one deploy. */
import { setTimeout } from "node:timers/promises";
import { defineSchema, defineTable } from "convex/server";
import { v, type GenericValidator } from "convex/values";
import { expect, test, describe } from "vitest";
import type { Backend } from "trueup";
import { call, storageNames, type StorageName } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, settled, type Version } from "./teams-app.js";

type Doc = Readonly<Record<string, number | string | undefined>>;

function schema(fields: Record<string, GenericValidator>): Version["schema"] {
  return defineSchema({ items: defineTable(fields), others: defineTable({ o: v.optional(v.number()) }) });
}

function migration(migrateOne: (doc: Doc) => Doc | void, options: object = {}): object {
  return migrations.define({
    table: "items",
    runOnDeploy: true,
    migrateOne: (_ctx, doc: Doc) => migrateOne(doc),
    ...options,
  });
}

function transform(up: (doc: Doc) => object, options: object = {}): object {
  return migrations.define({ table: "items", up: up as never, ...options });
}

async function items(app: Backend): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table: "items" }));
}

async function isPending(app: Backend): Promise<boolean> {
  return (await app.schemaChanges()).pending.length > 0;
}

async function narrow(app: Backend): Promise<void> {
  await expect.poll(() => isPending(app)).toBe(false);
}

async function appWithItems(storage: StorageName, count: number, options: object = {}): Promise<Backend> {
  const app = await emptyApp(storage, options);
  await deploy(app, { schema: schema({ n: v.number() }) });
  await app.database.mutate(
    async (tx) => {
      for (let n = 0; n < count; n++) await tx.component("").insert("items", { n });
    },
    { limits: null },
  );
  return app;
}

const addK = migration(({ n, k }) => (k === undefined ? { k: n } : undefined));
const withK = schema({ n: v.number(), k: v.number() });
const kText = schema({ n: v.number(), k: v.string() });
const toText = ({ k, ...doc }: Doc): object => ({ ...doc, k: `s${k}` });

/** An app in which a migration has come to some documents and not to others. */
async function halfMigrated(storage: StorageName = "memory"): Promise<Backend> {
  const app = await appWithItems(storage, 6, { runScheduled: false });
  await deploy(app, { schema: withK, migrations: { addK } });
  const all = (await call(app, "documents:all", { table: "items" })) as { _id: string; n: number }[];
  for (const { _id: id, n } of all.slice(0, 2)) {
    await call(app, "documents:replace", { id, value: { n, k: n } });
  }
  expect(await isPending(app)).toBe(true);
  return app;
}

const half = [{ n: 0, k: 0 }, { n: 1, k: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }];

test("thousands of documents of which some are migrated are never given to a transform that takes the others", async () => {
  const app = await appWithItems("memory", 6_000);
  await deploy(app, { schema: withK, migrations: { addK } });
  const next = { schema: kText, migrations: { addK, toText: transform(toText) } };
  // It is deployed again and again, until it is no longer refused.
  let refused = 0;
  for (;;) {
    try {
      await deploy(app, next);
      break;
    } catch (error) {
      expect(error).toMatchObject({
        code: "MIGRATION_UNFINISHED",
        message: expect.stringMatching(
          /brings the transform migrations:toText, but the migration migrations:addK of table "items" (is running: .* of 6,000 documents|has not begun)/,
        ),
        details: {
          unfinished: [{ newcomer: "migrations:toText", migration: "migrations:addK", table: "items" }],
        },
      });
      refused++;
      await setTimeout(20);
    }
  }
  expect(refused).toBeGreaterThan(0);
  expect(await items(app)).toEqual(Array.from({ length: 6_000 }, (_, n) => ({ n, k: `s${n}` })));
});

describe.each(storageNames)("while a migration is at work, on %s", (storage) => {
  test.each([
    ["is exported", { addK }],
    ["is exported no more", {}],
  ])("a transform of its table is refused, whether the migration %s", async (_what, exported) => {
    const app = await halfMigrated(storage);
    const refused = deploy(app, { schema: kText, migrations: { ...exported, toText: transform(toText) } });
    await expect(refused).rejects.toMatchObject({ code: "MIGRATION_UNFINISHED", retryable: true });
    await expect(refused).rejects.toThrow("takesUnmigrated: true");
    expect(await items(app)).toEqual(half);
    expect(await isPending(app)).toBe(true);
  });

  test("a transform that says that it takes either shape takes the migration's place, which is exported no more", async () => {
    const app = await halfMigrated(storage);
    const both = transform(({ n, k = n }) => ({ n, k: `s${k}` }), { takesUnmigrated: true });
    const refused = deploy(app, { schema: kText, migrations: { addK, both } });
    await expect(refused).rejects.toThrow(
      "migrations:both says that it takes both, in place of migrations:addK: no longer export migrations:addK.",
    );
    await deploy(app, { schema: kText, migrations: { both } });
    expect(await isPending(app)).toBe(false);
    expect(await items(app)).toEqual(half.map(({ n }) => ({ n, k: `s${n}` })));
  });

  test("a transform of another table goes ahead, and the migration goes on", async () => {
    const app = await halfMigrated(storage);
    await call(app, "documents:insert", { table: "others", value: { o: 1 } });
    const other = migrations.define({
      table: "others",
      up: ({ o }: { o?: number }) => ({ o: (o ?? 0) + 1 }),
    });
    await deploy(app, { schema: withK, migrations: { addK, other } });
    expect(fieldsOf(await call(app, "documents:all", { table: "others" }))).toEqual([{ o: 2 }]);
    expect((await app.schemaChanges()).pending).toMatchObject([{ migrations: ["migrations:addK"] }]);
  });

  test("a migration that is to take its place is refused, unless it says that it takes either shape", async () => {
    const app = await halfMigrated(storage);
    const second = ({ n, k }: Doc): Doc | undefined =>
      typeof k === "string" ? undefined : { k: `s${k ?? n}` };
    const without = deploy(app, { schema: kText, migrations: { second: migration(second) } });
    await expect(without).rejects.toMatchObject({ code: "MIGRATION_UNFINISHED" });
    await expect(without).rejects.toThrow("Export migrations:addK too, and migrations:second waits for it");
    expect(await items(app)).toEqual(half);
    const both = migration(second, { takesUnmigrated: true });
    await deploy(app, { schema: kText, migrations: { second: both } });
    expect((await app.schemaChanges()).pending).toMatchObject([{ migrations: ["migrations:second"] }]);
  });
});

test("a second migration waits for the first, which goes on, and all documents end as the second makes them", async () => {
  const app = await appWithItems("memory", 3_000);
  await deploy(app, { schema: withK, migrations: { addK } });
  // Its name comes first, but its deploy comes later: it meets only what the first has migrated.
  const aToText = migration(({ k }) => (typeof k === "string" ? undefined : { k: `s${k}` }));
  await deploy(app, { schema: kText, migrations: { addK, aToText } });
  expect((await app.schemaChanges()).pending).toMatchObject([
    { migrations: ["migrations:addK", "migrations:aToText"] },
  ]);
  await narrow(app);
  expect(await items(app)).toEqual(Array.from({ length: 3_000 }, (_, n) => ({ n, k: `s${n}` })));
});

describe.each(storageNames)("several migrations of one table in one deploy, on %s", (storage) => {
  const parts = schema({ n: v.number(), a: v.number(), b: v.number(), c: v.string() });
  const part = (field: string, value: (n: number) => number | string, options?: object): object =>
    migration(
      ({ n, ...doc }) => (doc[field] === undefined ? { [field]: value(Number(n)) } : undefined),
      options,
    );
  const expected = Array.from({ length: 250 }, (_, n) => ({ n, a: n + 1, b: n * 2, c: `${n}` }));

  test.each([
    [
      "in the order of their names",
      { a: part("a", (n) => n + 1), b: part("b", (n) => n * 2), c: part("c", String) },
    ],
    [
      "in the order of what they require",
      {
        a: part("a", (n) => n + 1, { requires: ["migrations:b"] }),
        b: part("b", (n) => n * 2, { requires: ["migrations:c"] }),
        c: part("c", String),
      },
    ],
  ])("each bring a part of the new type: all run, %s, and the schema narrows", async (_what, declared) => {
    const app = await appWithItems(storage, 250);
    await deploy(app, { schema: parts, migrations: declared });
    await narrow(app);
    expect(await items(app)).toEqual(expected);
  });

  test("the last of them must make the documents fit: else it fails, names the document, and the schema stays pending", async () => {
    const app = await appWithItems(storage, 3);
    await deploy(app, { schema: parts, migrations: { a: part("a", Number), b: part("b", Number) } });
    await expect
      .poll(async () => (await app.schemaChanges()).pending[0]?.violating, { timeout: 10_000 })
      .toBe(3);
    expect(await items(app)).toEqual([0, 1, 2].map((n) => ({ n, a: n })));
  });
});

test("migrations that require each other refuse the deploy", async () => {
  const app = await appWithItems("memory", 1);
  const declared = {
    a: migration(() => undefined, { requires: ["migrations:b"] }),
    b: migration(() => undefined, { requires: ["migrations:a"] }),
  };
  await expect(deploy(app, { schema: withK, migrations: declared })).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    message: expect.stringContaining("migrations:a → migrations:b → migrations:a"),
  });
});

test("whoever goes back from a pending schema is not told to export its migration, whose documents would not fit", async () => {
  const app = await halfMigrated();
  const back = deploy(app, { schema: schema({ n: v.number() }) });
  await expect(back).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.not.stringContaining("Deploy with it"),
  });
  const elsewhere = schema({ n: v.number(), k: v.number(), z: v.optional(v.number()) });
  await expect(deploy(app, { schema: elsewhere })).rejects.toThrow(
    "migrations:addK has not brought every document into it yet, and the new code does not export that. Deploy with it",
  );
});

test("only migrations that others follow may leave a document unfit, and none may make one unfit", async () => {
  const parts = schema({ n: v.number(), a: v.number(), b: v.number() });
  const app = await appWithItems("memory", 2, { runScheduled: false });
  const spoil = migrations.define({
    table: "items",
    runOnDeploy: true,
    migrateOne: async (ctx, doc: Doc & { _id: never }) => {
      await ctx.db.replace(doc._id, { n: doc.n ?? 0, a: 1 });
    },
  });
  await deploy(app, { schema: parts, migrations: { a: spoil, b: migration(() => undefined) } });
  const [first] = (await call(app, "documents:all", { table: "items" })) as { _id: string }[];
  const patch = call(app, "documents:replace", { id: first?._id, value: { n: 0, a: 1 } });
  await expect(patch).rejects.toMatchObject({
    code: "SCHEMA_VIOLATION",
    message: expect.stringMatching(
      /The schema is pending: .* migrations:a, migrations:b has not brought it .*--watch/,
    ),
    details: { awaitedMigrations: ["migrations:a", "migrations:b"] },
  });
  await call(app, "documents:replace", { id: first?._id, value: { n: 0, a: 0, b: 0 } });
  const batch = call(app, "migrations:a", { oneBatchOnly: true, cursor: null });
  await expect(batch).rejects.toMatchObject({
    message: expect.stringContaining("does not match the schema"),
  });
  expect(await items(app)).toEqual([{ n: 0, a: 0, b: 0 }, { n: 1 }]);
});

test("a complete migration answers for its own type alone: another type is refused", async () => {
  const app = await appWithItems("memory", 3);
  const lazy = migration(() => undefined);
  await deploy(app, { schema: withK, migrations: { lazy } });
  await expect
    .poll(async () => (await app.schemaChanges()).pending[0]?.violating, { timeout: 10_000 })
    .toBe(3);
  await deploy(app, { schema: withK, migrations: { lazy } });
  expect(await isPending(app)).toBe(true);
  await expect(deploy(app, { schema: kText, migrations: { lazy } })).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
  });
  // Nothing is at work, so the transform is rehearsed on each document.
  const next = { schema: kText, migrations: { lazy, toText: transform(toText) } };
  await expect(deploy(app, next)).rejects.toMatchObject({
    code: "TRANSFORM_REHEARSAL_FAILED",
    message: expect.stringContaining("The schema in force is pending, and this document does not fit it"),
  });
  const both = transform(({ n, k = n }) => ({ n, k: `s${k}` }), { takesUnmigrated: true });
  await deploy(app, { schema: kText, migrations: { lazy, both } });
  await narrow(app);
  expect(await items(app)).toEqual([0, 1, 2].map((n) => ({ n, k: `s${n}` })));
});

test("a transform and a migration of one deploy go back together: lagging documents as they were, migrated ones by `down`", async () => {
  const app = await appWithItems("memory", 4, { runScheduled: false });
  const double = migrations.define({
    table: "items",
    up: ({ n }: { n: number }) => ({ n: n * 2 }) as never,
    down: ({ n }: { n: number }) => ({ n: n / 2 }),
  });
  const both = { schema: withK, migrations: { addK, double } };
  const back = { schema: schema({ n: v.number() }) };
  await app.database.background.stop();
  await deploy(app, both);
  expect(await items(app)).toEqual([0, 2, 4, 6].map((n) => ({ n })));
  const [{ _id: id } = { _id: "" }] = (await call(app, "documents:all", { table: "items" })) as {
    _id: string;
  }[];
  await call(app, "documents:replace", { id, value: { n: 10, k: 10 } });
  await deploy(app, back);
  expect(await items(app)).toEqual([{ n: 5 }, { n: 1 }, { n: 2 }, { n: 3 }]);
  expect(await isPending(app)).toBe(false);
});

test("what was written through and is not migrated is not given to `down`", async () => {
  const app = await appWithItems("memory", 2, { runScheduled: false });
  const double = migrations.define({
    table: "items",
    up: ({ n }: { n: number }) => ({ n: n * 2 }) as never,
    down: ({ n, k }: { n: number; k: number }) => ({ n: k === undefined ? NaN : n / 2 }),
  });
  await deploy(app, { schema: withK, migrations: { addK, double } });
  await settled(app);
  const back = { schema: schema({ n: v.number() }) };
  await expect(deploy(app, back)).rejects.toMatchObject({
    code: "TRANSFORM_REHEARSAL_FAILED",
    message: expect.stringMatching(/The `down` of migrations:double is written for[^]*`k`/),
  });
  expect(await items(app)).toEqual([{ n: 0 }, { n: 2 }]);
});

test("a table whose migration is at work takes another name when it is complete, and is refused it before", async () => {
  const app = await appWithItems("memory", 2_000);
  await deploy(app, { schema: withK, migrations: { addK } });
  const goods = defineSchema({
    goods: defineTable({ n: v.number(), k: v.number() }),
    others: defineTable({ o: v.optional(v.number()) }),
  });
  const renamed = migrations.define({
    table: "goods",
    runOnDeploy: true,
    migrateOne: (_ctx, { n, k }: Doc) => (k === undefined ? { k: n } : undefined),
  });
  const rename = migrations.renameTable({ from: "items", to: "goods" });
  const next = { schema: goods, migrations: { addK: renamed, rename } };
  await expect(deploy(app, next)).rejects.toMatchObject({
    code: "MIGRATION_UNFINISHED",
    message: expect.stringContaining("items → goods, but the migration migrations:addK of it"),
  });
  await narrow(app);
  await deploy(app, next);
  const all = fieldsOf(await call(app, "documents:all", { table: "goods" }));
  expect(all).toEqual(Array.from({ length: 2_000 }, (_, n) => ({ n, k: n })));
});

test("two deploys at once do not overlook each other: the second meets the migration of the first", async () => {
  const app = await appWithItems("memory", 6, { runScheduled: false });
  const first = deploy(app, { schema: withK, migrations: { addK } });
  const late = transform(({ n, k }) => ({ n, k: `s${k ?? n}` }));
  const second = deploy(app, { schema: kText, migrations: { late } });
  await first;
  await expect(second).rejects.toMatchObject({ code: "MIGRATION_UNFINISHED" });
  expect(await items(app)).toEqual([0, 1, 2, 3, 4, 5].map((n) => ({ n })));
});

test("a migration that is taken away does not write between the check of a way back and its last step", async () => {
  const app = await appWithItems("memory", 6, { runScheduled: false });
  await deploy(app, { schema: withK, migrations: { addK } });
  const dropN = migration(({ n }) => (n === undefined ? undefined : { n: undefined }));
  const waived = migrations.waive("drop-field:items.n");
  const later = { schema: schema({ k: v.number() }), migrations: { addK, dropN, waived } };
  await deploy(app, later);
  const [first] = (await call(app, "documents:all", { table: "items" })) as { _id: string }[];
  // Writes what the migration would, in the moment before the last step.
  const prepare = app.deploy.prepare.bind(app.deploy);
  app.deploy.prepare = async (program) => {
    const preparation = await prepare(program);
    await preparation.whenReady();
    await app.database.mutate((tx) =>
      tx.component("").replace(first?._id ?? "", {}, "items", { writtenBy: "migrations:addK" }),
    );
    return preparation;
  };
  await expect(deploy(app, { schema: withK, migrations: { addK } })).rejects.toMatchObject({
    code: "PUSH_OUTDATED",
  });
  expect((await app.schemaChanges()).pending).toMatchObject([
    { migrations: ["migrations:addK", "migrations:dropN"] },
  ]);
});
