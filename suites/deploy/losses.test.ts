/** A deploy whose transforms would lose data is refused with counts and samples until somebody waives it by name. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import type { Backend } from "trueup";
import { expect, test } from "vitest";
import { call } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, settled, type Version } from "./teams-app.js";

type Doc = Readonly<Record<string, unknown>>;

const tableOf = (fields: Parameters<typeof defineTable>[0]): Version["schema"] =>
  defineSchema({ t: defineTable(fields) });

async function appWith(schema: Version["schema"], documents: readonly object[]): Promise<Backend> {
  const app = await emptyApp("memory");
  await deploy(app, { schema });
  for (const value of documents) await call(app, "documents:insert", { table: "t", value });
  return app;
}

async function all(app: Backend): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table: "t" }));
}

interface Case {
  readonly documents: readonly object[];
  readonly before: Version["schema"];
  readonly after: Version["schema"];
  readonly up: (doc: Doc) => object;
  readonly down?: (doc: Doc) => object;
  readonly made: readonly object[];
  readonly waivers: readonly string[];
  readonly says: readonly string[];
}

const member = (kind: string, fields: object): ReturnType<typeof v.object> =>
  v.object({ kind: v.literal(kind), ...fields });

const cases: Record<string, Case> = {
  "a field that a transform forgets": {
    documents: [{ a: "1", keep: "x" }, { a: "2" }, { a: "3", keep: "y" }],
    before: tableOf({ a: v.string(), keep: v.optional(v.string()) }),
    after: tableOf({ a: v.number(), keep: v.optional(v.string()) }),
    up: ({ a }) => ({ a: Number(a) }),
    made: [{ a: 1 }, { a: 2 }, { a: 3 }],
    waivers: ["drop-field:t.keep"],
    says: ["t.keep", "2 documents", '"x"', '"drop-field:t.keep"', "Nothing has changed."],
  },
  "a value of any type that is narrowed": {
    documents: [{ data: { at: 5, note: "n" } }, { data: { at: 6 } }],
    before: tableOf({ data: v.any() }),
    after: tableOf({ data: v.object({ at: v.number() }) }),
    up: ({ data }) => ({ data: { at: (data as { at: number }).at } }),
    made: [{ data: { at: 5 } }, { data: { at: 6 } }],
    waivers: ["drop-field:t.data.note"],
    says: ["t.data.note", "1 document ", '"n"'],
  },
  "the data of a member of a union that goes": {
    documents: [
      { kind: "a", x: 5 },
      { kind: "b", label: "long" },
    ],
    before: defineSchema({
      t: defineTable(v.union(member("a", { x: v.number() }), member("b", { label: v.string() }))),
    }),
    after: defineSchema({ t: defineTable(member("a", { x: v.number() })) }),
    up: (doc) => (doc["kind"] === "b" ? { kind: "a", x: 0 } : doc),
    made: [
      { kind: "a", x: 5 },
      { kind: "a", x: 0 },
    ],
    waivers: ["drop-field:t.label"],
    says: ["t.label", "1 document ", '"long"'],
  },
  "a down that is no inverse": {
    documents: [
      { first: "Ann Mary", last: "Lee" },
      { first: "Bea", last: "Smith" },
    ],
    before: tableOf({ first: v.string(), last: v.string() }),
    after: tableOf({ name: v.string() }),
    up: ({ first, last }) => ({ name: `${String(first)} ${String(last)}` }),
    down: ({ name }) => {
      const [first = "", last = ""] = String(name).split(" ");
      return { first, last };
    },
    made: [{ name: "Ann Mary Lee" }, { name: "Bea Smith" }],
    waivers: ["lossy-down:t"],
    says: ['"Ann Mary" comes back as "Ann"', "1 document ", '"lossy-down:t.first"', '"lossy-down:t.last"'],
  },
  "a down that makes a value up": {
    documents: [
      { n: 1, isPro: true },
      { n: 2, isPro: false },
    ],
    before: tableOf({ n: v.number(), isPro: v.boolean() }),
    after: tableOf({ n: v.number() }),
    up: ({ n }) => ({ n }),
    down: ({ n }) => ({ n, isPro: false }),
    made: [{ n: 1 }, { n: 2 }],
    waivers: ["lossy-down:t.isPro"],
    says: ["true comes back as false", '"lossy-down:t.isPro"'],
  },
};

test.each(Object.entries(cases))(
  "%s",
  async (_what, { documents, before, after, up, down, made, waivers, says }) => {
    const app = await appWith(before, documents);
    const change = migrations.define({ table: "t", up: up as never, down: down as never });
    // The rules of schemas ask for these waivers, the rehearsal for the others.
    const dropped = migrations.waive("drop-field:t.isPro", "drop-field:t.first", "drop-field:t.last");
    const refusal: unknown = await deploy(app, { schema: after, migrations: { change, dropped } }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toMatchObject({ code: "DESTRUCTIVE_CHANGE" });
    for (const text of says) expect((refusal as Error).message).toContain(text);
    expect(await all(app)).toEqual(documents);
    const waived = migrations.waive(...(waivers as ["drop-field:t"]));
    await deploy(app, { schema: after, migrations: { change, dropped, waived } });
    await settled(app);
    expect(await all(app)).toEqual(made);
  },
);

test("what may be deleted for good need not come back, but another value in its place is said", async () => {
  const { documents, before, after, up } = cases["a down that makes a value up"] as Case;
  const dropped = migrations.waive("drop-field:t.isPro");
  const bare = migrations.define({ table: "t", up: up as never, down: (({ n }: Doc) => ({ n })) as never });
  await deploy(await appWith(before, documents), { schema: after, migrations: { bare, dropped } });
});

test("the tables of a component are asked for by its path, and waived by the app", async () => {
  const app = await emptyApp("memory");
  const withSchema = (schema: unknown, modules: object): Version => ({
    schema: null,
    components: { shop: { schema, modules } as never },
  });
  const items = { "./component/items.ts": async () => ({}) };
  const { before, after, up } = cases["a field that a transform forgets"] as Case;
  await deploy(app, withSchema(before, items));
  const changed = {
    ...items,
    "./component/changes.ts": async () => ({ change: migrations.define({ table: "t", up: up as never }) }),
  };
  await app.database.mutate((tx) => tx.component("shop").insert("t", { a: "1", keep: "x" }));
  await expect(deploy(app, withSchema(after, changed))).rejects.toMatchObject({
    code: "DESTRUCTIVE_CHANGE",
    details: { waivers: ["drop-field:shop/t.keep"] },
  });
  const waived = { waived: migrations.waive("drop-field:shop/t.keep") };
  await deploy(app, { ...withSchema(after, changed), migrations: waived });
});
