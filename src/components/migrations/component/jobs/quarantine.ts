/**
 * Documents that could not be migrated and were put aside. They belong to an epoch of their migration: when the migration
 * begins anew they are forgotten, because it will meet them again.
 */
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { QuarantinedDocument } from "../status.js";
import type { MigrationRow } from "./job.js";

/** More documents cannot be left out of a revert, nor forgotten in one transaction. */
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

/** The documents put aside, first to last, up to the one that was put aside at `until`. */
export async function quarantined(
  ctx: Pick<QueryCtx, "db">,
  { name, epoch = 0 }: MigrationRow,
  limit: number,
  until = Infinity,
): Promise<Doc<"quarantine">[]> {
  return ctx.db
    .query("quarantine")
    .withIndex("migration", (q) => q.eq("migration", name).eq("epoch", epoch).lte("_creationTime", until))
    .take(limit);
}

/** When the last document was put aside, or null if none is. */
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

/** The ids of the documents that were put aside in that epoch. */
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

/** A document in quarantine as others see it. */
export function quarantinedDocument(row: Doc<"quarantine">): QuarantinedDocument {
  const { documentId, error, failedAt, attempts } = row;
  return { documentId, error, failedAt, attempts };
}

/**
 * Forgets what was put aside in epochs before `epoch`; what is left after 1000 documents is forgotten in further transactions.
 */
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
