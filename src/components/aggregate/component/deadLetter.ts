/**
 * Pending operations that the worker could not apply. An app can list them, try them again, or throw them away. They are listed
 * in the order of the commits that queued them. The pages are made here, because `paginate` does not work within components.
 */
import { paginationOptsValidator, paginationResultValidator, type PaginationResult } from "convex/server";
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import type { Order } from "../tree/index.js";
import { mutation, query, type DatabaseReader } from "./_generated/server.js";
import { aggregateError } from "./interface/errors.js";
import { enqueueOperations } from "./queue.js";
import { operation } from "./interface/operation.js";
import { order } from "./interface/question.js";

type DeadLetter = Doc<"deadLetterOperations">;
const id = v.id("deadLetterOperations");
const deadLetter = v.object({
  _id: id,
  _creationTime: v.number(),
  commitTs: v.int64(),
  operation,
  error: v.string(),
});

/** Dead letters, oldest first unless asked for otherwise. */
export const list = query({
  args: { paginationOpts: paginationOptsValidator, order: v.optional(order) },
  returns: paginationResultValidator(deadLetter),
  handler: async (ctx, { paginationOpts, order = "asc" }) => {
    const { numItems, cursor, endCursor } = paginationOpts;
    const start = cursor === null ? null : decodeCursor(cursor);
    if (start === "end") return { page: [], isDone: true, continueCursor: doneCursor };
    const end = typeof endCursor === "string" ? decodeCursor(endCursor) : null;
    // A page whose end is fixed holds everything before that end, however much has come in between.
    const limit = end === null ? numItems : maxFixedPage;
    const found = await lettersAfter(ctx.db, order, start, limit + 1);
    if (end === null || end === "end") return pageOf(found.slice(0, limit), found.length <= limit);
    const page = found.filter(
      (letter) => comparePlaces(placeOf(letter), end) * (order === "asc" ? 1 : -1) <= 0,
    );
    return { page, isDone: false, continueCursor: encodeCursor(end) };
  },
});

/** A dead letter, or null when there is none of that id. */
export const get = query({
  args: { id },
  returns: v.union(deadLetter, v.null()),
  handler: (ctx, { id }) => ctx.db.get("deadLetterOperations", id),
});

/** Throws a dead letter away. Returns false when there is none of that id. */
export const delete_ = mutation({
  args: { id },
  returns: v.boolean(),
  handler: async (ctx, { id }) => {
    if ((await ctx.db.get("deadLetterOperations", id)) === null) return false;
    await ctx.db.delete("deadLetterOperations", id);
    return true;
  },
});

/** Queues the operation of a dead letter again. Returns false when there is none of that id. */
export const retry = mutation({
  args: { id },
  returns: v.boolean(),
  handler: async (ctx, { id }) => {
    const letter = await ctx.db.get("deadLetterOperations", id);
    if (letter === null) return false;
    await enqueueOperations(ctx, [letter.operation]);
    await ctx.db.delete("deadLetterOperations", id);
    return true;
  },
});

/** Where a dead letter stands in the list. */
interface Place {
  readonly commitTs: bigint;
  readonly createdAt: number;
}

const doneCursor = "[]";
const maxFixedPage = 1000;

function pageOf(page: DeadLetter[], isDone: boolean): PaginationResult<DeadLetter> {
  const last = page.at(-1);
  return {
    page,
    isDone,
    continueCursor: isDone || last === undefined ? doneCursor : encodeCursor(placeOf(last)),
  };
}

async function lettersAfter(
  db: DatabaseReader,
  order: Order,
  place: Place | null,
  limit: number,
): Promise<DeadLetter[]> {
  const letters = db.query("deadLetterOperations");
  if (place === null) return letters.withIndex("by_commitTs").order(order).take(limit);
  const { commitTs, createdAt } = place;
  const sameCommit = await letters
    .withIndex("by_commitTs", (q) => {
      const same = q.eq("commitTs", commitTs);
      return order === "asc" ? same.gt("_creationTime", createdAt) : same.lt("_creationTime", createdAt);
    })
    .order(order)
    .take(limit);
  const otherCommits = await db
    .query("deadLetterOperations")
    .withIndex("by_commitTs", (q) =>
      order === "asc" ? q.gt("commitTs", commitTs) : q.lt("commitTs", commitTs),
    )
    .order(order)
    .take(limit - sameCommit.length);
  return [...sameCommit, ...otherCommits];
}

function placeOf({ commitTs, _creationTime }: DeadLetter): Place {
  return { commitTs, createdAt: _creationTime };
}

function comparePlaces(a: Place, b: Place): number {
  if (a.commitTs !== b.commitTs) return a.commitTs < b.commitTs ? -1 : 1;
  return a.createdAt - b.createdAt;
}

function encodeCursor({ commitTs, createdAt }: Place): string {
  return JSON.stringify([commitTs.toString(), createdAt]);
}

function decodeCursor(cursor: string): Place | "end" {
  if (cursor === doneCursor) return "end";
  try {
    const place: unknown = JSON.parse(cursor);
    if (Array.isArray(place) && typeof place[0] === "string" && typeof place[1] === "number") {
      return { commitTs: BigInt(place[0]), createdAt: place[1] };
    }
  } catch {
    // A text that is no JSON is no cursor either.
  }
  throw aggregateError("INVALID_CURSOR", "The cursor is not one that this function returned.");
}
