/**
 * One transaction's worth of a check. The component remembers everything; here the table is read, with the functions of the
 * definition, which only the app's side has. Within the transaction nothing moves: what is reported was so.
 */
import { runMutation } from "../call.js";
import { ConvexError } from "convex/values";
import type { AdvanceCtx, Source, StoredDocument } from "../managed/types.js";
import { ColumnsBuilder, type ItemColumns } from "./item-columns.js";
import { readSourcePage } from "./source-pages.js";

/** What a check needs of an aggregate. */
export type CheckedSource = Pick<Source, "component" | "table" | "itemOf">;

/** Goes on with a run. `due` is false when the run is over; after `waitMs`, if that is given. */
export async function advanceRun(
  ctx: AdvanceCtx,
  source: CheckedSource,
  { runId }: { runId: string },
): Promise<{ due: boolean; waitMs?: number }> {
  const { verification } = source.component;
  try {
    const task = await runMutation(ctx, verification.proceed, { runId });
    if (task.kind === "over") return { due: false };
    if (task.kind === "wait") return { due: true, waitMs: task.waitMs };
    if (task.kind === "documents") {
      const { columns, cursor, isDone } = await readSourcePage(ctx, source, task.cursor, task.limit);
      const args = { runId, columns, isDone, ...(cursor === undefined ? {} : { cursor }) };
      return dueAfter(await runMutation(ctx, verification.documents, args));
    }
    if (task.kind === "items") {
      const columns = await itemsOf(ctx, source, task.ids);
      return dueAfter(await runMutation(ctx, verification.items, { runId, columns }));
    }
    return { due: true };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    await runMutation(ctx, verification.fail, { runId, failure });
    return { due: false };
  }
}

function dueAfter({ kind }: { kind: string }): { due: boolean } {
  return { due: kind !== "over" };
}

/** The items that documents should have, of those ids that are documents of the table. */
async function itemsOf(ctx: AdvanceCtx, source: CheckedSource, ids: readonly string[]): Promise<ItemColumns> {
  const documents = await Promise.all(
    [...new Set(ids)].map(async (id) => {
      // What is no id of the table, no document can have.
      const normalized = ctx.db.normalizeId(source.table, id);
      return normalized === id
        ? ((await ctx.db.get(source.table, normalized)) as StoredDocument | null)
        : null;
    }),
  );
  const items = new ColumnsBuilder();
  for (const document of documents) if (document !== null) items.add(source.itemOf(document));
  return items.columns();
}

/** Why a run cannot go on; null when trying again can help, or nobody knows. */
function failureOf(error: unknown): { message: string; documentId?: string } | null {
  if (!(error instanceof ConvexError)) return null;
  const { code, message, documentId } = error.data as Record<string, unknown>;
  if (code !== "AGGREGATE_DOCUMENT_FAILED" && code !== "TREE_DAMAGED") return null;
  return {
    message: String(message),
    ...(typeof documentId === "string" ? { documentId } : {}),
  };
}
