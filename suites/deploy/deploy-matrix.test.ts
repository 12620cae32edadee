/** Tests the table "A deploy that meets an earlier one" of docs/one-deploy.md, cell by cell. */
import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v, type GenericValidator } from "convex/values";
import { describe, expect, test } from "vitest";
import { isTrueupError, type Backend } from "trueup";
import { call } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, type Version } from "./teams-app.js";

type Doc = Readonly<Record<string, number | string | undefined>>;
type Schema = SchemaDefinition<GenericSchema, boolean>;

function schemaOf(fields: Record<string, GenericValidator>, table = "items"): Schema {
  return defineSchema({ [table]: defineTable(fields) });
}

const number = v.number();
const text = v.string();
/** `n` is a number at first; `double` makes it the text of its double, `addK` adds a number `k` beside it. */
const first: Version = { schema: schemaOf({ n: number }) };
const double = migrations.define({
  table: "items",
  up: ({ n }: Doc) => ({ n: `${Number(n) * 2}` }) as never,
  down: ({ n }: Doc) => ({ n: Number(n) / 2 }),
});
const addK = migrations.define({
  table: "items",
  runOnDeploy: true,
  migrateOne: (_ctx, { n, k }: Doc) => (k === undefined ? { k: Number(n) } : undefined),
});

interface State {
  readonly name: string;
  readonly schema: Schema;
  readonly fields: Record<string, GenericValidator>;
  readonly declared: object;
  /** What is read, and what was before the deploy that led here. */
  readonly found: readonly Doc[];
  open(): Promise<Backend>;
}

async function begin(options: object = {}): Promise<Backend> {
  const app = await emptyApp("memory", options);
  await deploy(app, first);
  for (const n of [1, 2]) await call(app, "documents:insert", { table: "items", value: { n } });
  await app.database.background.whenIdle();
  return app;
}

const quiet: State = {
  name: "nothing is at work",
  fields: { n: number },
  schema: schemaOf({ n: number }),
  declared: {},
  found: [{ n: 1 }, { n: 2 }],
  open: () => begin(),
};
const lagging: State = {
  name: "documents lag behind a transform",
  fields: { n: text },
  schema: schemaOf({ n: text }),
  declared: { double },
  found: [{ n: "2" }, { n: "4" }],
  open: async () => {
    const app = await begin();
    await app.database.background.stop();
    await deploy(app, { schema: lagging.schema, migrations: lagging.declared });
    expect((await app.schemaChanges()).transforms).toHaveLength(1);
    return app;
  },
};
const atWork: State = {
  name: "a migration is at work",
  fields: { n: text, k: number },
  schema: schemaOf({ n: text, k: number }),
  declared: { addK, double },
  found: [{ n: "2", k: 2 }, { n: "4" }],
  open: async () => {
    const app = await begin({ runScheduled: false });
    await app.database.background.stop();
    await deploy(app, { schema: atWork.schema, migrations: atWork.declared });
    const [one] = (await call(app, "documents:all", { table: "items" })) as { _id: string }[];
    await call(app, "documents:replace", { id: one?._id, value: { n: "2", k: 2 } });
    expect((await app.schemaChanges()).pending).toHaveLength(1);
    return app;
  },
};

type Outcome =
  | { readonly code: string }
  | { readonly found: readonly Doc[]; readonly awaits?: readonly string[]; readonly table?: string };

/** A row: what the deploy brings, given what it meets, and what comes of it in the three states. */
interface Row {
  readonly brings: string;
  readonly version: (state: State) => Version;
  readonly outcomes: readonly (Outcome | null)[];
}

const without = ({ declared }: State): object => ({ ...declared, addK: undefined });
const exported = (of: object): object =>
  Object.fromEntries(Object.entries(of).filter(([, one]) => one !== undefined));
const goods = (of: object): object => ({
  ...of,
  rename: migrations.renameTable({ from: "items", to: "goods" }),
});

const add = (field: string, takesUnmigrated = false): object =>
  migrations.define({
    table: "items",
    up: ({ n, k, ...doc }: Doc) => ({ ...doc, n, k: k ?? Number(n), [field]: "new" }) as never,
    takesUnmigrated,
  });
const addLater = (takesUnmigrated = false): object =>
  migrations.define({
    table: "items",
    runOnDeploy: true,
    takesUnmigrated,
    migrateOne: (_ctx, doc: Doc) => (doc["m"] === undefined ? { m: 1 } : undefined),
  });
const k = { k: number };

const rows: readonly Row[] = [
  {
    brings: "nothing, with the migration",
    version: ({ schema, declared }) => ({ schema, migrations: declared }),
    outcomes: [
      { found: quiet.found },
      { found: lagging.found },
      { found: atWork.found, awaits: ["migrations:addK"] },
    ],
  },
  {
    brings: "nothing, without the migration",
    version: (state) => ({ schema: state.schema, migrations: exported(without(state)) }),
    outcomes: [{ found: quiet.found }, { found: lagging.found }, { code: "SCHEMA_NOT_SATISFIED" }],
  },
  {
    brings: "another type alone",
    version: ({ declared, fields }) => ({
      schema: schemaOf({ ...fields, more: v.boolean() }),
      migrations: declared,
    }),
    outcomes: [
      { code: "SCHEMA_NOT_SATISFIED" },
      { code: "SCHEMA_NOT_SATISFIED" },
      { code: "SCHEMA_NOT_SATISFIED" },
    ],
  },
  {
    brings: "a wider type alone",
    version: ({ declared, fields }) => ({
      schema: schemaOf({ ...fields, more: v.optional(v.boolean()) }),
      migrations: declared,
    }),
    outcomes: [
      { found: quiet.found },
      { found: lagging.found },
      { found: atWork.found, awaits: ["migrations:addK"] },
    ],
  },
  {
    brings: "a transform",
    version: ({ declared, fields }) => ({
      schema: schemaOf({ ...fields, ...k, t: text }),
      migrations: { ...declared, t: add("t") },
    }),
    outcomes: [
      { found: quiet.found.map((doc) => ({ ...doc, k: doc["n"], t: "new" })) },
      { found: lagging.found.map((doc) => ({ ...doc, k: Number(doc["n"]), t: "new" })) },
      { code: "MIGRATION_UNFINISHED" },
    ],
  },
  {
    brings: "a transform that takes the migration's place",
    version: (state) => ({
      schema: schemaOf({ ...state.fields, ...k, t: text }),
      migrations: { ...exported(without(state)), t: add("t", true) },
    }),
    outcomes: [
      { found: quiet.found.map((doc) => ({ ...doc, k: doc["n"], t: "new" })) },
      { found: lagging.found.map((doc) => ({ ...doc, k: Number(doc["n"]), t: "new" })) },
      {
        found: [
          { n: "2", k: 2, t: "new" },
          { n: "4", k: 4, t: "new" },
        ],
      },
    ],
  },
  {
    brings: "a migration",
    version: ({ declared, fields }) => ({
      schema: schemaOf({ ...fields, m: number }),
      migrations: { ...declared, aLater: addLater() },
    }),
    outcomes: [
      { found: quiet.found.map((doc) => ({ ...doc, m: 1 })) },
      { found: lagging.found.map((doc) => ({ ...doc, m: 1 })) },
      { found: atWork.found, awaits: ["migrations:addK", "migrations:aLater"] },
    ],
  },
  {
    brings: "a migration, without the one at work",
    version: (state) => ({
      schema: schemaOf({ ...state.fields, m: number }),
      migrations: { ...exported(without(state)), aLater: addLater() },
    }),
    outcomes: [null, null, { code: "MIGRATION_UNFINISHED" }],
  },
  {
    brings: "a migration that takes the place of the one at work",
    version: (state) => ({
      schema: schemaOf({ ...state.fields, m: number }),
      migrations: { ...exported(without(state)), aLater: addLater(true) },
    }),
    outcomes: [null, null, { found: atWork.found, awaits: ["migrations:aLater"] }],
  },
  {
    brings: "both",
    version: ({ declared, fields }) => ({
      schema: schemaOf({ ...fields, ...k, t: text, m: number }),
      migrations: { ...declared, t: add("t"), aLater: addLater() },
    }),
    outcomes: [
      { found: quiet.found.map((doc) => ({ ...doc, k: doc["n"], t: "new", m: 1 })) },
      { found: lagging.found.map((doc) => ({ ...doc, k: Number(doc["n"]), t: "new", m: 1 })) },
      { code: "MIGRATION_UNFINISHED" },
    ],
  },
  {
    brings: "a table's rename",
    version: ({ declared, fields }) => ({ schema: schemaOf(fields, "goods"), migrations: goods(declared) }),
    outcomes: [
      { found: quiet.found, table: "goods" },
      { found: lagging.found, table: "goods" },
      { code: "MIGRATION_UNFINISHED" },
    ],
  },
  {
    brings: "a rollback of the transform, with the migration",
    version: ({ declared }) => ({ ...first, migrations: exported({ ...declared, double: undefined }) }),
    outcomes: [null, { found: quiet.found }, { code: "MIGRATION_UNFINISHED" }],
  },
  {
    brings: "a rollback of the pending schema, which documents do not fit",
    version: () => ({ schema: schemaOf({ n: text }), migrations: { double } }),
    outcomes: [null, null, { code: "SCHEMA_NOT_SATISFIED" }],
  },
  {
    brings: "a rollback of the pending schema to one that documents fit",
    version: () => ({ schema: schemaOf({ n: text, k: v.optional(number) }), migrations: { double } }),
    outcomes: [null, null, { found: atWork.found }],
  },
  {
    brings: "a rollback of the pending schema, by a transform that takes either shape",
    version: () => ({
      schema: schemaOf({ n: text }),
      migrations: {
        double,
        back: migrations.define({
          table: "items",
          up: ({ n }: Doc) => ({ n }) as never,
          takesUnmigrated: true,
        }),
        waived: migrations.waive("drop-field:items.k"),
      },
    }),
    outcomes: [null, null, { found: lagging.found }],
  },
  {
    brings: "a rollback of the transform and the pending schema",
    version: () => first,
    outcomes: [null, { found: quiet.found }, { found: quiet.found }],
  },
];

const states = [quiet, lagging, atWork];
const cells = rows.flatMap((row) =>
  states.flatMap((state, at) => {
    const outcome = row.outcomes[at] ?? null;
    return outcome === null ? [] : { row, state, outcome, brings: row.brings, meets: state.name };
  }),
);

describe("a deploy that meets an earlier one", () => {
  test.each(cells)("$brings: $meets", async ({ row, state, outcome }) => {
    const app = await state.open();
    const refusal = await deploy(app, row.version(state)).then(
      () => null,
      (error: unknown) => error,
    );
    const pending = async (): Promise<readonly string[]> =>
      (await app.schemaChanges()).pending.flatMap(({ migrations: awaited }) => awaited);
    const read = async (table = "items"): Promise<object[]> =>
      fieldsOf(await call(app, "documents:all", { table }));
    if ("code" in outcome) {
      expect(isTrueupError(refusal) ? refusal.code : refusal).toBe(outcome.code);
      expect(await read()).toEqual(state.found);
      return;
    }
    expect(refusal).toBeNull();
    const awaited = outcome.awaits ?? [];
    await expect.poll(pending).toEqual(awaited);
    expect(await read(outcome.table)).toEqual(outcome.found);
  });

  test("a rollback of a table's rename, while documents lag, and while a migration is at work", async () => {
    for (const state of states) {
      const app = await state.open();
      const renamed = { schema: schemaOf(state.fields, "goods"), migrations: goods(without(state)) };
      if (state === atWork) {
        await expect(deploy(app, renamed)).rejects.toMatchObject({ code: "SCHEMA_NOT_SATISFIED" });
        continue;
      }
      await deploy(app, renamed);
      await deploy(app, { schema: state.schema, migrations: state.declared });
      expect(fieldsOf(await call(app, "documents:all", { table: "items" }))).toEqual(state.found);
    }
  });
});
