/**
 * The wording of errors: wherever `convex-test` has words of its own, an error of `trueup/test` for the same wrong call has them
 * on its last line. Every message that the mock throws for what a test can do wrong has a case here.
 */
import {
  anyApi,
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  httpRouter,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { engines } from "./engines.js";

/** Any `t` and any `ctx`, as JavaScript sees them. */
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

/** Ids of a user, of one that is gone, and of a post. */
interface Ids {
  readonly user: string;
  readonly gone: string;
  readonly post: string;
}

const optional = v.optional;
const schema = defineSchema({
  users: defineTable({ name: v.string() }).index("by_name", ["name"]),
  posts: defineTable({ t: v.any() }),
  typed: defineTable({
    null: optional(v.null()),
    number: optional(v.number()),
    int64: optional(v.int64()),
    boolean: optional(v.boolean()),
    string: optional(v.string()),
    bytes: optional(v.bytes()),
    literal: optional(v.literal("x")),
    id: optional(v.id("users")),
    array: optional(v.array(v.number())),
    union: optional(v.union(v.string(), v.number())),
    literals: optional(v.union(v.literal("a"), v.literal("b"))),
    object: optional(v.object({ q: v.string() })),
  }),
});

const once = { numItems: 1, cursor: null };
const mod = {
  takes: queryGeneric({ args: { a: v.string() }, handler: () => null }),
  returns: queryGeneric({ args: {}, returns: v.string(), handler: () => 1 as never }),
  returnsFields: queryGeneric({
    args: {},
    returns: v.object({ a: v.string() }),
    handler: () => ({}) as never,
  }),
  write: internalMutationGeneric({ args: {}, handler: () => null }),
  requestOf: queryGeneric({ args: {}, handler: (ctx: Any) => ctx.meta.getRequestMetadata() }),
  pages: queryGeneric({
    args: {},
    handler: async (ctx) => {
      await ctx.db.query("users").paginate(once);
      await ctx.db.query("users").paginate(once);
    },
  }),
  fetches: mutationGeneric({ args: {}, handler: async () => void (await fetch("https://example.com")) }),
  waits: mutationGeneric({ args: {}, handler: () => void setTimeout(() => {}, 0) }),
};
const api = anyApi["mod"] as Any;
const nowhere = (anyApi as Any).dir.nowhere;
const inComponent = (componentsGeneric() as Any).missing.lib.fn;

type Run = (t: Any, ids: Ids) => Promise<unknown>;
const run =
  (body: (ctx: Any, ids: Ids) => unknown): Run =>
  (t, ids) =>
    t.run((ctx: Any) => body(ctx, ids));
const byName = (range: (q: Any) => unknown): Run =>
  run(({ db }) => db.query("users").withIndex("by_name", range).collect());

const wrongValues: Readonly<Record<string, readonly unknown[]>> = {
  null: [1, "x"],
  number: ["x", 1n, null],
  int64: [1, "x"],
  boolean: [0, "true"],
  string: [1, null, 1n, true],
  bytes: ["x", 1],
  literal: ["y", 1],
  id: ["x", 1],
  array: [1, ["x"], { a: 1 }],
  union: [true, null, [1]],
  literals: ["c", 1],
  object: [1, {}, { q: 1 }, { q: "a", z: 1 }],
};

const cases: readonly (readonly [name: string, run: Run])[] = [
  ["a field of a wrong type", run(({ db }) => db.insert("users", { name: 1 }))],
  ["a field that is missing", run(({ db }) => db.insert("users", {}))],
  ["a field too many", run(({ db }) => db.insert("users", { name: "a", x: 1 }))],
  ...Object.entries(wrongValues).flatMap(([field, values]) =>
    values.map((value, at) => {
      const name = `a wrong ${field} (${at})`;
      return [name, run(({ db }) => db.insert("typed", { [field]: value }))] as const;
    }),
  ),
  ["an id of another table in a field", run(({ db }, { post }) => db.insert("typed", { id: post }))],
  ["a patch that does not fit", run(({ db }, { user }) => db.patch(user, { name: 1 }))],
  ["a replacement that does not fit", run(({ db }, { user }) => db.replace(user, {}))],
  ["a patch of what is gone", run(({ db }, { gone }) => db.patch(gone, { name: "x" }))],
  ["a replacement of what is gone", run(({ db }, { gone }) => db.replace(gone, { name: "x" }))],
  ["a deletion of what is gone", run(({ db }, { gone }) => db.delete(gone))],
  ["a patch of an id", run(({ db }, { user, post }) => db.patch(user, { _id: post }))],
  ["a patch of a creation time", run(({ db }, { user }) => db.patch(user, { _creationTime: 1 }))],
  ["a replaced id", run(({ db }, { user, post }) => db.replace(user, { name: "x", _id: post }))],
  ["a replaced creation time", run(({ db }, { user }) => db.replace(user, { name: "x", _creationTime: 1 }))],
  ["a get from another table", run(({ db }, { user }) => db.get("posts", user))],
  ["a patch in another table", run(({ db }, { user }) => db.patch("posts", user, { t: 1 }))],
  ["a replacement in another table", run(({ db }, { user }) => db.replace("posts", user, { t: 1 }))],
  ["a deletion in another table", run(({ db }, { user }) => db.delete("posts", user))],
  ["a get of what is no id, from a table", run(({ db }) => db.get("users", "nonsense"))],
  ["a get of a number", run(({ db }) => db.get(7))],
  ["a get of nothing", run(({ db }) => db.get(undefined))],
  ["an insert of nothing", run(({ db }) => db.insert("posts"))],
  ["an index that is not declared", run(({ db }) => db.query("users").withIndex("nope").collect())],
  ["an index and a field that it does not begin with", byName((q) => q.eq("x", 1))],
  ["more than one document", run(({ db }) => db.query("users").unique())],
  ["a negative count", run(({ db }) => db.query("users").take(-1))],
  ["a page of a negative size", run(({ db }) => db.query("users").paginate({ numItems: -1, cursor: null }))],
  ["two orders", run(({ db }) => db.query("users").order("asc").order("desc").collect())],
  ["a system table in db", run(({ db }) => db.query("_storage").collect())],
  ["a table of the app in db.system", run(({ db }) => db.system.query("users").collect())],
  ["arguments of a wrong type", (t) => t.query(api.takes, { a: 1 })],
  ["arguments that are missing", (t) => t.query(api.takes, {})],
  ["arguments too many", (t) => t.query(api.takes, { a: "x", b: 1 })],
  ["arguments that are no object", (t) => t.query(api.takes, 7)],
  ["arguments of a nested call", run((ctx) => ctx.runQuery(api.takes, { a: 1 }))],
  ["a result of a wrong type", (t) => t.query(api.returns, {})],
  ["a result without a field", (t) => t.query(api.returnsFields, {})],
  ["a module that does not exist", (t) => t.query(nowhere.fn, {})],
  ["a nested call of a module that does not exist", run((ctx) => ctx.runQuery(nowhere.fn, {}))],
  ["a function that does not exist", (t) => t.query(api.missing, {})],
  ["a query called as a mutation", (t) => t.mutation(api.takes, { a: "x" })],
  ["a mutation called as a query", (t) => t.query(api.write, {})],
  ["a query called as an action", (t) => t.action(api.takes, { a: "x" })],
  ["a component that is not registered", (t) => t.query(inComponent, {})],
  ["a nested call of a component that is not registered", run((ctx) => ctx.runQuery(inComponent, {}))],
  ["two pages in a function", (t) => t.query(api.pages, {})],
  ["the request's metadata in a query", (t) => t.query(api.requestOf, {})],
  ["a request by fetch in a mutation", (t) => t.mutation(api.fetches, {})],
  ["a timer in a mutation", (t) => t.mutation(api.waits, {})],
  ["a path without a slash", (t) => t.fetch("x")],
  ["a negative delay", run((ctx) => ctx.scheduler.runAfter(-1, api.write, {}))],
  ["a time that is none", run((ctx) => ctx.scheduler.runAt("x", api.write, {}))],
  [
    "a vector index that is not declared",
    (t) => t.action((ctx: Any) => ctx.vectorSearch("users", "nope", { vector: [1], limit: 1 })),
  ],
];

/** What the call throws, with names in the place of ids. */
async function messageOf(open: (typeof engines)[number][1], wrong: Run): Promise<string> {
  const t = open({ schema, modules: { mod, http: { default: httpRouter() } } });
  const ids = (await t.run(async ({ db }) => {
    const gone = await db.insert("users", { name: "gone" });
    await db.delete(gone);
    await db.insert("users", { name: "a" });
    return { user: await db.insert("users", { name: "b" }), post: await db.insert("posts", { t: 1 }), gone };
  })) as Ids;
  try {
    await wrong(t, ids);
  } catch (error) {
    let message = error instanceof Error ? error.message : String(error);
    for (const [name, id] of Object.entries(ids)) message = message.replaceAll(id, name);
    return message.replaceAll(/\b(?=\w*\d)\w{31,}\b/g, "id").replaceAll(/\d{13}(?:\.\d+)?/g, "time");
  }
  return "nothing was thrown";
}

const [[, official], [, ours]] = engines as unknown as [(typeof engines)[0], (typeof engines)[0]];

test.each(cases)("%s", async (_, wrong) => {
  const [theirs, own] = [await messageOf(official, wrong), await messageOf(ours, wrong)];
  expect(own.slice(-theirs.length)).toBe(theirs);
});
