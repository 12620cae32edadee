/**
 * Documents that could not be migrated and were put aside. They belong to an epoch of their migration: when
 * it begins anew they are forgotten, because it will meet them again.
 */
import type { QuarantinedDocument } from "../status.js";
import { internal } from "./_generated/api.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import type { MigrationRow, QuarantineRow } from "./rows.js";

/** More cannot be left out of a revert, nor forgotten in one transaction. */
const atOnce = 1_000;

/** Puts a document aside, behind all others, or notes that it has failed again. */
export async function putAside(
  ctx: MutationCtx,
  { name: migration, epoch = 0 }: MigrationRow,
  documentId: string,
  error: string,
): Promise<void> {
  const known = await ctx.db
    .query("quarantine")
    .withIndex("document", (q) =>
      q.eq("migration", migration).eq("epoch", epoch).eq("documentId", documentId),
    )
    .unique();
  if (known !== null) await ctx.db.delete("quarantine", known._id);
  const attempts = (known?.attempts ?? 0) + 1;
  const entry = { migration, epoch, documentId, error, failedAt: Date.now(), attempts };
  await ctx.db.insert("quarantine", entry);
}

/** The documents put aside, first to last, until the one put aside at `until`. */
export async function quarantined(
  ctx: Pick<QueryCtx, "db">,
  { name, epoch = 0 }: MigrationRow,
  limit: number,
  until = Infinity,
): Promise<QuarantineRow[]> {
  return ctx.db
    .query("quarantine")
    .withIndex("migration", (q) => q.eq("migration", name).eq("epoch", epoch).lte("_creationTime", until))
    .take(limit);
}

/** When the last document was put aside; null if none is. */
export async function latestQuarantine(
  ctx: Pick<QueryCtx, "db">,
  { name, epoch = 0 }: MigrationRow,
): Promise<number | null> {
  const latest = await ctx.db
    .query("quarantine")
    .withIndex("migration", (q) => q.eq("migration", name).eq("epoch", epoch))
    .order("desc")
    .first();
  return latest?._creationTime ?? null;
}

export async function quarantinedIds(
  ctx: Pick<QueryCtx, "db">,
  migration: string,
  epoch: number,
): Promise<string[]> {
  const rows = await ctx.db
    .query("quarantine")
    .withIndex("migration", (q) => q.eq("migration", migration).eq("epoch", epoch))
    .take(atOnce);
  return rows.map(({ documentId }) => documentId);
}

/** As others see them. */
export function quarantinedDocument(row: QuarantineRow): QuarantinedDocument {
  const { documentId, error, failedAt, attempts } = row;
  return { documentId, error, failedAt, attempts };
}

/** Forgets what was put aside in epochs before `epoch`, the rest of many in further transactions. */
export async function forgetQuarantine(ctx: MutationCtx, migration: string, epoch: number): Promise<void> {
  const rows = await ctx.db
    .query("quarantine")
    .withIndex("migration", (q) => q.eq("migration", migration).lt("epoch", epoch))
    .take(atOnce);
  for (const row of rows) await ctx.db.delete("quarantine", row._id);
  if (rows.length === atOnce) {
    await ctx.scheduler.runAfter(0, internal.lib.forget, { name: migration, epoch });
  }
}
