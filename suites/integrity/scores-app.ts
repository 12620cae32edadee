/** An app with a table of scores and whatever aggregates a test gives it, and a component to keep them in. */
import { defineSchema, defineTable, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
import type { Backend, ComponentModules, ModuleSource, OpenStorage } from "trueup";
import { call, openApp, type AppOptions } from "../setup/open-app.js";

const fields = { name: v.string(), score: v.number() };

/** With the tables that fake aggregates keep their state in. */
export const schema = defineSchema({
  scores: defineTable(fields),
  generations: defineTable(v.any()),
  items: defineTable(v.any()),
  runs: defineTable(v.any()),
});

const scores = {
  add: mutation({ args: fields, handler: async ({ db }, args) => await db.insert("scores", args) }),
  addMany: mutation({
    args: { count: v.number() },
    handler: async ({ db }, { count }) => {
      for (let i = 1; i <= count; i += 1) await db.insert("scores", { name: `n${i}`, score: i });
    },
  }),
  all: query(async ({ db }) => await db.query("scores").collect()),
  table: query({
    args: { table: v.string() },
    handler: async ({ db }, { table }) => await db.query(table).collect(),
  }),
};

/** Something to mount: the fake aggregates keep nothing in it. */
export const emptyComponent: ComponentModules = {
  modules: { "./component/nothing.ts": { nothing: query(() => null) } },
  schema: null,
};

/** Opens the app with these exports in its module `aggregates`. */
export async function openScores(
  storage: "memory" | OpenStorage,
  exports: Readonly<Record<string, unknown>>,
  options: Partial<AppOptions> = {},
): Promise<Backend> {
  return await openApp(storage, {
    ...options,
    modules: modulesWith(exports),
    schema: options.schema ?? schema,
    components: options.components ?? { byScore: emptyComponent, byName: emptyComponent },
  });
}

export function modulesWith(exports: Readonly<Record<string, unknown>>): Record<string, ModuleSource> {
  return { scores, aggregates: exports };
}

/** The documents of any table of the app. */
export async function rows(app: Backend, table: string): Promise<Record<string, unknown>[]> {
  return (await call(app, "scores:table", { table })) as Record<string, unknown>[];
}
