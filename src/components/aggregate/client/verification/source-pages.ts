/**
 * The items of a table's documents in the order of their creation, as many as fit a step: a stretch of time short enough that
 * live writes get through, and a share of what the transaction may read, which the component also draws on. The end is
 * open, so a pass also meets what comes in while it lasts.
 */
import type { TransactionMetrics } from "convex/server";
import { getDocumentSize } from "convex/values";
import type { LookCtx, Source, StoredDocument } from "../managed/types.js";
import { ColumnsBuilder, type ItemColumns } from "./item-columns.js";

const timeMs = 40;
const readableShare = 0.3;
const pageBytes = 2 << 20;
/** How many documents a step reads where the clock stands still during a mutation. */
const untimedDocuments = 1024;
const documentsBetweenLooks = 32;
/** How many namespaces a step may have, because the component looks up each of them. */
const namespaces = 512;

/** A place in the order of creation: behind the document. */
export interface SourceCursor {
  creationTime: number;
  id: string;
}

export interface SourcePage {
  readonly columns: ItemColumns;
  /** Behind the last document; undefined when there was none. */
  readonly cursor: SourceCursor | undefined;
  /** True when nothing is left behind the page. */
  readonly isDone: boolean;
}

/**
 * The items of at most `limit` documents behind a cursor. Those created at one time come together, so a time is a place.
 * @throws AGGREGATE_DOCUMENT_FAILED
 */
export async function readSourcePage(
  ctx: LookCtx,
  source: Pick<Source, "table" | "itemOf">,
  cursor: SourceCursor | undefined,
  limit: number,
): Promise<SourcePage> {
  const mayGoOn = await reader(ctx);
  const items = new ColumnsBuilder();
  const behind = ctx.db
    .query(source.table)
    .withIndex("by_creation_time", (q) =>
      cursor === undefined ? q : q.gt("_creationTime", cursor.creationTime),
    );
  let last: StoredDocument | undefined;
  let bytes = 0;
  let isFull = false;
  for await (const document of behind) {
    const stored = document as StoredDocument;
    if (isFull && stored._creationTime !== last?._creationTime) return pageOf(items, last, false);
    items.add(source.itemOf(stored));
    last = stored;
    bytes += getDocumentSize(stored);
    isFull ||= items.count >= limit || items.namespaces >= namespaces || bytes >= pageBytes;
    isFull ||= !(await mayGoOn(items.count));
  }
  return pageOf(items, last, true);
}

function pageOf(items: ColumnsBuilder, last: StoredDocument | undefined, isDone: boolean): SourcePage {
  const cursor = last && { creationTime: last._creationTime, id: last._id };
  return { columns: items.columns(), cursor, isDone };
}

/** Tells, after so many documents, whether another one should be read. */
async function reader({ meta }: LookCtx): Promise<(count: number) => Promise<boolean>> {
  const beganAtMs = Date.now();
  const before = await meta?.getTransactionMetrics();
  return async (count) => {
    if (count % documentsBetweenLooks !== 0) return true;
    const elapsedMs = Date.now() - beganAtMs;
    if (elapsedMs >= timeMs || (elapsedMs === 0 && count >= untimedDocuments)) return false;
    const now = await meta?.getTransactionMetrics();
    return before === undefined || now === undefined || leavesEnough(before, now);
  };
}

function leavesEnough(before: TransactionMetrics, now: TransactionMetrics): boolean {
  return (["documentsRead", "bytesRead"] as const).every(
    (metric) => now[metric].remaining >= before[metric].remaining * (1 - readableShare),
  );
}
