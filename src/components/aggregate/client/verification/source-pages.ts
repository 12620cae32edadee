/**
 * Documents of a table in the order of their creation, as many as fit a step: a stretch of time short enough that live writes
 * get through, and a share of what the transaction may still read. The end is open, so a pass also meets what comes in
 * while it lasts.
 */
import type { TransactionMetrics } from "convex/server";
import type { AdvanceCtx, StoredDocument } from "../managed/types.js";

const TIME_MS = 40;
const READABLE_SHARE = 0.3;
/** More of them make an argument larger than Convex takes. */
const DOCUMENTS = 4096;
/** As many where the clock stands still during a mutation. */
const UNTIMED_DOCUMENTS = 1024;
const DOCUMENTS_BETWEEN_LOOKS = 32;

/** A place in the order of creation: behind the document. */
export interface SourceCursor {
  creationTime: number;
  id: string;
}

export interface SourcePage {
  readonly documents: readonly StoredDocument[];
  /** Behind the last of them. */
  readonly cursor: SourceCursor | undefined;
  /** True when nothing is left behind the page. */
  readonly isDone: boolean;
}

/** The next documents behind a cursor. Those created at one time come together, so a time is a place. */
export async function readSourcePage(
  ctx: AdvanceCtx,
  table: string,
  cursor: SourceCursor | undefined,
): Promise<SourcePage> {
  const documents: StoredDocument[] = [];
  const mayGoOn = await reader(ctx);
  const behind = ctx.db
    .query(table)
    .withIndex("by_creation_time", (q) =>
      cursor === undefined ? q : q.gt("_creationTime", cursor.creationTime),
    );
  let isFull = false;
  for await (const document of behind) {
    const stored = document as StoredDocument;
    if (isFull && stored._creationTime !== documents.at(-1)?._creationTime)
      return pageOf(documents, cursor, false);
    documents.push(stored);
    isFull ||= !(await mayGoOn(documents.length));
  }
  return pageOf(documents, cursor, true);
}

function pageOf(
  documents: readonly StoredDocument[],
  before: SourceCursor | undefined,
  isDone: boolean,
): SourcePage {
  const last = documents.at(-1);
  const cursor = last === undefined ? before : { creationTime: last._creationTime, id: last._id };
  return { documents, cursor, isDone };
}

/** Tells, after so many documents, whether another one should be read. */
async function reader({ meta }: AdvanceCtx): Promise<(count: number) => Promise<boolean>> {
  const beganAtMs = Date.now();
  const before = await meta?.getTransactionMetrics();
  return async (count) => {
    if (count >= DOCUMENTS) return false;
    if (count % DOCUMENTS_BETWEEN_LOOKS !== 0) return true;
    const elapsedMs = Date.now() - beganAtMs;
    if (elapsedMs >= TIME_MS || (elapsedMs === 0 && count >= UNTIMED_DOCUMENTS)) return false;
    const now = await meta?.getTransactionMetrics();
    return before === undefined || now === undefined || leavesEnough(before, now);
  };
}

function leavesEnough(before: TransactionMetrics, now: TransactionMetrics): boolean {
  return (["documentsRead", "bytesRead"] as const).every(
    (metric) => now[metric].remaining >= before[metric].remaining * (1 - READABLE_SHARE),
  );
}
