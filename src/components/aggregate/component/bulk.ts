/**
 * The component's part of a build in bulk. Where the caller can read the whole table and sort it, what the trees need is only
 * packed here, and what was written meanwhile is merged behind it. Each call is one transaction, and finds in the generation's
 * record whether it is still wanted. Nothing is remembered between calls but the trees: a build whose caller has died begins anew
 * in another generation.
 */
import { v, type Value } from "convex/values";
import { nativeStoreOf } from "../../../seams/index.js";
import { decodeKey } from "../../../values/index.js";
import {
  appendItems,
  factorOf,
  readEntry,
  scaleDigest,
  settle,
  spaceLengthOf,
  type Item,
} from "../tree/index.js";
import { internalQuery, mutation, type DatabaseReader } from "./_generated/server.js";
import { recordBuild } from "./check/lifecycle.js";
import { Forest } from "./forest/forest.js";
import { mergeBeside, oldest } from "./generation/beside.js";
import { buildOf } from "./generation/progress.js";
import * as states from "./generation/states.js";
import { failure } from "./generation/tables.js";
import { isDamage } from "./interface/errors.js";
import { Readings } from "./reading/readings.js";

const generation = v.number();

/** How many items were added to trees, and the sum of their digests, each by the factor of its namespace. */
const packed = v.object({ count: v.number(), digest: v.number() });

/**
 * Packs entries (`tree/entry.ts`) into the trees of their namespaces, behind what was packed before. Returns what the trees say
 * was added; null when the generation is not built in bulk any more.
 */
export const pack = mutation({
  args: {
    generation,
    /** The names of the entries' values. */
    measures: v.array(v.string()),
    /** In ascending order, also from call to call, and no two in one place. */
    entries: v.array(v.string()),
  },
  returns: v.union(packed, v.null()),
  handler: async (ctx, { generation, measures, entries }) => {
    if ((await inBulk(ctx.db, generation)) === null) return null;
    const forest = new Forest(ctx.db, generation, new Readings(ctx.db), true);
    let count = 0;
    let digest = 0;
    const spaces = bySpace(entries);
    await forest.load(
      spaces.map(({ namespace }) => namespace),
      true,
    );
    for (const { space, namespace, items } of spaces) {
      const tree = forest.find(namespace) ?? forest.plant(namespace);
      tree.state.measures = measures;
      const added = await settle(forest.nodes, () => appendItems(tree, items));
      count += added.count;
      digest = scaleDigest(added.digest ?? 0, factorOf(space), digest);
    }
    await forest.flush(ctx.db);
    return { count, digest };
  },
});

/**
 * Merges the oldest writes that wait beside. When none is left, the generation is ready. Returns whether some are; null when it
 * is not built in bulk any more.
 */
export const merge = mutation({
  args: { generation, limit: v.number() },
  returns: v.union(v.boolean(), v.null()),
  handler: async (ctx, { generation: number, limit }) => {
    const generation = await inBulk(ctx.db, number);
    if (generation === null) return null;
    try {
      if (await mergeBeside(ctx, generation, limit)) return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      await states.replaceDamaged(ctx.db, number, String(error));
      return null;
    }
    if (nativeStoreOf(ctx.db)?.hasConflicts === true && generation.isSealed !== true) {
      await states.seal(ctx.db, generation);
      return true;
    }
    const build = await buildOf(ctx.db, number);
    if (build !== null) await ctx.db.patch("builds", build._id, { isFilled: true });
    await recordBuild(ctx.db, generation, build?.processed ?? 0);
    await states.makeReady(ctx.db, generation);
    return false;
  },
});

/** The oldest writes that wait beside a generation. Read from a snapshot, so that appends may go on. */
export const beside = internalQuery({
  args: { generation, limit: v.number() },
  returns: v.array(v.id("besideOperations")),
  handler: async (ctx, { generation, limit }) =>
    (await oldest(ctx.db, generation, limit)).map(({ _id }) => _id),
});

/** Notes how far a build is, and that it goes on. Returns false when the generation is not built in bulk any more. */
export const note = mutation({
  args: { generation, processed: v.number(), total: v.number(), activeMs: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { generation: number, ...progress }) => {
    const generation = await inBulk(ctx.db, number);
    const build = generation && (await buildOf(ctx.db, number));
    if (generation === null || build === null) return false;
    await ctx.db.patch("builds", build._id, { ...progress, latestAtMs: Date.now() });
    if (generation.status === "failed") await states.resume(ctx.db, generation);
    return true;
  },
});

/** Notes why a build cannot go on. Returns false when the generation is not built in bulk any more. */
export const fail = mutation({
  args: { generation, failure },
  returns: v.boolean(),
  handler: async (ctx, { generation: number, failure }) => {
    const generation = await inBulk(ctx.db, number);
    if (generation !== null) await states.fail(ctx.db, generation, failure);
    return generation !== null;
  },
});

async function inBulk(db: DatabaseReader, number: number): Promise<states.Generation | null> {
  const generation = await states.liveGeneration(db, number);
  return generation?.inBulk === true ? generation : null;
}

/** The items of one namespace. */
interface Space {
  /** The encoded namespace. */
  readonly space: string;
  readonly namespace: Value | undefined;
  readonly items: Item[];
}

/** The items of entries by namespace. */
function bySpace(entries: readonly string[]): Space[] {
  const spaces: Space[] = [];
  let last: Space | undefined;
  for (const entry of entries) {
    const length = spaceLengthOf(entry);
    if (last === undefined || length !== last.space.length || !entry.startsWith(last.space)) {
      const space = entry.slice(0, length);
      last = { space, namespace: decodeKey(space)[0], items: [] };
      spaces.push(last);
    }
    last.items.push(readEntry(entry));
  }
  return spaces;
}
