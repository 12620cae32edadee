/** A document of a migration's table, as stored, and what a migration does to it. */
import type { GenericDataModel, GenericDocument, GenericMutationCtx } from "convex/server";
import type { GenericId } from "convex/values";
import type { PlainDefinition } from "./definition.js";

export type StoredDocument = GenericDocument & { _id: GenericId<string> };
export type Ctx = GenericMutationCtx<GenericDataModel>;

/** Runs `migrateOne` on a document and applies what it returns. */
export async function migrateDocument(
  ctx: Ctx,
  { table, migrateOne }: PlainDefinition,
  document: StoredDocument,
): Promise<void> {
  const patch = await migrateOne(ctx, document);
  if (typeof patch !== "object" || patch === null || Object.keys(patch).length === 0) return;
  await ctx.db.patch(table, document._id, patch);
}

/** The document as it is now, null if it is gone. */
export async function reread(
  ctx: Ctx,
  { table }: PlainDefinition,
  { _id }: StoredDocument,
): Promise<StoredDocument | null> {
  return (await ctx.db.get(table, _id)) as StoredDocument | null;
}
