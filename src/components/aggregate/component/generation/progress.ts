/** How builds stand. Status tells it, and so does the error of reads that a build keeps waiting. */
import type { WithoutSystemFields } from "convex/server";
import { ConvexError, v } from "convex/values";
import type { AggregateState, BuildProgress } from "../../../../seams/index.js";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader } from "../_generated/server.js";
import { generationsOf } from "./directory.js";
import { generationStatus } from "./tables.js";

/** How a definition stands: `empty` when it has no generation at all. */
export const definitionState = v.union(v.literal("empty"), ...generationStatus.members);

/** The record of a build. */
export type Build = WithoutSystemFields<Doc<"builds">>;

/**
 * The generation that says most about a definition: the one that answers, else the one that is being built, else the last one.
 */
export function mainGeneration(generations: readonly Doc<"generations">[]): Doc<"generations"> | undefined {
  return (
    generations.find(({ status }) => status === "ready") ??
    generations.find(({ status }) => status !== "dropped") ??
    generations.at(-1)
  );
}

/** The build of a generation; null when it has none. */
export function buildOf(db: DatabaseReader, generation: number): Promise<Doc<"builds"> | null> {
  return db
    .query("builds")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .first();
}

/** How far a build is, and when it should be done if it keeps its rate. */
export function progressOf(build: Build | null): BuildProgress {
  if (build === null) return { processed: 0, total: null, ratePerSecond: null, etaMs: null };
  const { processed, total, activeMs, isFilled } = build;
  const ratePerSecond = activeMs > 0 ? (processed * 1000) / activeMs : null;
  const left = isFilled ? 0 : remainingShare(build);
  return {
    processed,
    total,
    ratePerSecond,
    // What is left is taken to need as much time for its size as what was done.
    etaMs: left === null || activeMs === 0 ? null : Math.round((activeMs * left) / (1 - left)),
  };
}

/** The share of the fill that is left, from 0 to below 1; null while it is unknown. */
function remainingShare({ processed, total, cursor, span }: Build): number | null {
  if (processed === 0) return null;
  if (total !== null) return 1 - Math.min(1, processed / Math.max(1, total));
  if (cursor === undefined || span === null || span.last <= span.first) return null;
  const passed = (cursor.creationTime - span.first) / (span.last - span.first);
  return passed <= 0 ? null : 1 - Math.min(1, passed);
}

/**
 * The error of a read that no generation of its definition can answer yet. It reaches the app's clients. So it does not tell why
 * a build has failed, because that may show what is in a document; `status` does.
 */
export async function buildingError(db: DatabaseReader, definition: string): Promise<Error> {
  const generation = mainGeneration(await generationsOf(db, definition));
  const build = generation === undefined ? null : await buildOf(db, generation.generation);
  const status: AggregateState = generation?.status ?? "empty";
  const { processed, total, etaMs } = progressOf(build);
  return new ConvexError({
    code: "AGGREGATE_BUILDING",
    message: messages[status],
    status,
    processed,
    total,
    etaMs,
  });
}

const messages: Record<AggregateState, string> = {
  empty: "The aggregate has not been built yet.",
  building: "The aggregate is being built.",
  checking: "The aggregate is built, and is being checked.",
  ready: "The aggregate is ready.",
  failed: "The aggregate could not be built.",
  dropped: "The aggregate was replaced by one of another definition.",
};
