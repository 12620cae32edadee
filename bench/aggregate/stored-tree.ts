/** Puts the documents of a tree of the published component (`published-tree.ts`) into a host's component, with the host's ids. */
import {
  componentsGeneric,
  mutationGeneric,
  type FunctionReference,
  type GenericDataModel,
  type GenericMutationCtx,
} from "convex/server";
import { v, type Value } from "convex/values";
import type { Host } from "../harness/hosts.js";

export type Fields = Record<string, Value>;
export type Stored = Fields & { _id: string };

/** Nodes may refer to other nodes, and trees refer to their root. */
export interface StoredTree {
  readonly nodes: readonly Stored[];
  readonly trees: readonly Stored[];
}

const batchSize = 500;
const nodeTable = "btreeNode";
const treeTable = "btree";

/** Loads a tree into a component that has none. Nodes are inserted after those that they refer to. */
export async function loadTree(host: Host, { nodes, trees }: StoredTree): Promise<void> {
  const ids = new Map(nodes.map(({ _id }): [string, string | null] => [_id, null]));
  let waiting = nodes;
  while (waiting.length > 0) {
    const ready = waiting.filter((node) => isReady(withoutId(node), ids));
    if (ready.length === 0) throw new Error("nodes name each other in a circle");
    const loaded = await insertAll(host, nodeTable, ready, ids);
    for (const [index, { _id }] of ready.entries()) ids.set(_id, loaded[index] ?? null);
    waiting = waiting.filter(({ _id }) => ids.get(_id) === null);
  }
  await insertAll(host, treeTable, trees, ids);
}

type Ids = ReadonlyMap<string, string | null>;

async function insertAll(
  host: Host,
  table: string,
  documents: readonly Stored[],
  ids: Ids,
): Promise<string[]> {
  const inserted: string[] = [];
  for (let start = 0; start < documents.length; start += batchSize) {
    const batch = documents
      .slice(start, start + batchSize)
      .map((document) => renamed(withoutId(document), ids));
    inserted.push(...((await host.mutation("loader:insert", { table, documents: batch })) as string[]));
  }
  return inserted;
}

function withoutId({ _id, ...fields }: Stored): Fields {
  return fields;
}

function isReady(value: Value | undefined, ids: Ids): boolean {
  if (typeof value === "string") return ids.get(value) !== null;
  if (Array.isArray(value)) return value.every((each) => isReady(each, ids));
  return !isFields(value) || Object.values(value).every((each) => isReady(each, ids));
}

function renamed(value: Value, ids: Ids): Value {
  if (typeof value === "string") return ids.get(value) ?? value;
  if (Array.isArray(value)) return value.map((each) => renamed(each, ids));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (each === undefined ? [] : [[name, renamed(each, ids)]])),
  );
}

function isFields(value: Value | undefined): value is Record<string, Value | undefined> {
  return (
    typeof value === "object" && value !== null && !(value instanceof ArrayBuffer) && !Array.isArray(value)
  );
}

type InsertArgs = { table: string; documents: Fields[] };

/** A module that is added to the component's own, because only they can see its tables. */
export const loaderModule: Record<string, unknown> = {
  insert: mutationGeneric({
    args: { table: v.string(), documents: v.array(v.any()) },
    handler: async (ctx: GenericMutationCtx<GenericDataModel>, { table, documents }: InsertArgs) => {
      const ids = [];
      for (const document of documents) ids.push(await ctx.db.insert(table, document));
      return ids;
    },
  }),
};

interface Loader {
  insert: FunctionReference<"mutation", "internal", InsertArgs, string[]>;
}
const inside = (componentsGeneric() as unknown as { aggregate: { loader: Loader } }).aggregate.loader;

/** A module of the app, which calls the one in the component. */
export const loaderFunctions: Record<string, unknown> = {
  insert: mutationGeneric({
    args: { table: v.string(), documents: v.array(v.any()) },
    handler: (ctx: GenericMutationCtx<GenericDataModel>, args: InsertArgs) =>
      ctx.runMutation(inside.insert, args),
  }),
};
