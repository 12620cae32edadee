/**
 * The runs of checks, from the side of the app: how one begins, goes on and is reported. The component remembers everything. Here
 * the table is read, with the functions of the definition, which only the app's side has; within a transaction nothing moves, so
 * what is reported was so.
 */
import type { FunctionReturnType } from "convex/server";
import { ConvexError } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import { nativeStoreOf, type StartVerifyOptions, type VerifyReport } from "../../../../seams/index.js";
import { runMutation } from "../call.js";
import type { AdvanceCtx, FollowCtx, LookCtx, Source, StatusCtx, StoredDocument } from "../managed/types.js";
import { ColumnsBuilder, type ItemColumns } from "./item-columns.js";
import { readSourcePage } from "./source-pages.js";

/** Whose runs are meant: with a definition, those of a managed aggregate. */
export type ReportedSource = Pick<Source, "component"> & { readonly definition?: string };

/**
 * Begins a check, which `advanceRun` carries out. Returns the id of its run, or of the run under way when that does as
 * much. O(1).
 * @throws AGGREGATE_BUILDING when there is nothing to check yet.
 */
export async function startVerify(
  ctx: FollowCtx,
  { component, definition }: ReportedSource,
  { repair = false, startedBy = "" }: StartVerifyOptions = {},
): Promise<string> {
  return await runMutation(ctx, component.verification.start, {
    repair,
    startedBy,
    ...(definition === undefined ? {} : { definition }),
  });
}

/** Reports what a run, by default the latest, has found so far, with one page of its differences. Null when there is no run. */
export async function readReport(
  ctx: StatusCtx,
  { component, definition }: ReportedSource,
  runId?: string,
  cursor?: string,
): Promise<VerifyReport | null> {
  const found = await ctx.runQuery(component.verification.report, {
    ...(definition === undefined ? {} : { definition }),
    ...(runId === undefined ? {} : { runId }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  if (found === null) return null;
  const { status, startedBy, failure, checked, ...report } = found;
  return {
    ...report,
    startedBy: startedBy === "" ? null : startedBy,
    isDone: status !== "running",
    checked: checked.documents + checked.items,
    error: failure?.message ?? null,
    errorDocumentId: failure?.documentId ?? null,
  };
}

/** What a run needs next. */
type Task = FunctionReturnType<ComponentApi["verification"]["proceed"]>;
type DocumentsTask = Extract<Task, { kind: "documents" }>;

/** What a check has to know of an aggregate. */
export type CheckedSource = Pick<Source, "component" | "table" | "itemOf">;

/** Goes on with a run for one transaction. `due` says whether to call again, after `waitMs` if that is given. */
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
    if (task.kind === "again") return { due: true };
    const next =
      task.kind === "documents"
        ? await takeDocuments(ctx, source, runId, task)
        : await runMutation(ctx, verification.items, {
            runId,
            columns: await itemsOf(lookingCtx(ctx), source, task.ids),
          });
    if (next.kind === "again" || next.kind === "over") await readAgain(ctx, source, next.found);
    return dueAfter(next);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    await runMutation(ctx, verification.fail, { runId, failure });
    return { due: false };
  }
}

async function takeDocuments(
  ctx: AdvanceCtx,
  source: CheckedSource,
  runId: string,
  { cursor: from, limit, isWritten = false }: DocumentsTask,
): Promise<Task> {
  const reading = isWritten ? ctx : lookingCtx(ctx);
  const { columns, cursor, isDone } = await readSourcePage(reading, source, from, limit);
  const args = { runId, columns, isDone, ...(cursor === undefined ? {} : { cursor }) };
  return await runMutation(ctx, source.component.verification.documents, args);
}

/**
 * The same, but its documents are read as they were when the transaction began, where transactions may conflict: whoever writes
 * to one of them meanwhile does not refuse the step. Those that something is wrong with are read again.
 */
function lookingCtx(ctx: AdvanceCtx): LookCtx {
  const native = nativeStoreOf(ctx.db);
  const db = native?.hasConflicts === true ? native.before?.() : null;
  return db ? { ...ctx, db } : ctx;
}

/** Has the transaction refused when one of these documents is not what it was any more. */
async function readAgain(ctx: AdvanceCtx, { table }: CheckedSource, ids: readonly string[] = []) {
  await Promise.all(
    ids.map(async (id) => {
      const normalized = ctx.db.normalizeId(table, id);
      if (normalized !== null) await ctx.db.get(table, normalized);
    }),
  );
}

function dueAfter({ kind }: { kind: string }): { due: boolean } {
  return { due: kind !== "over" };
}

/** The items that documents should have. An id that is none of a document of the table has no item. */
async function itemsOf(ctx: LookCtx, source: CheckedSource, ids: readonly string[]): Promise<ItemColumns> {
  const documents = await Promise.all(
    [...new Set(ids)].map(async (id) => {
      // A text that is no id of the table is not the id of any document.
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

/** Why a run cannot go on; null for errors that may pass when the step is tried again. */
function failureOf(error: unknown): { message: string; documentId?: string } | null {
  if (!(error instanceof ConvexError)) return null;
  const { code, message, documentId } = error.data as Record<string, unknown>;
  if (code !== "AGGREGATE_DOCUMENT_FAILED" && code !== "TREE_DAMAGED") return null;
  return {
    message: String(message),
    ...(typeof documentId === "string" ? { documentId } : {}),
  };
}
