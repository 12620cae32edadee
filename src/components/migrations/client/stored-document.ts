/** A document of a migration's table, as stored. */
import type { GenericDataModel, GenericDocument, GenericMutationCtx } from "convex/server";
import type { GenericId } from "convex/values";

export type StoredDocument = GenericDocument & { _id: GenericId<string> };
export type Ctx = GenericMutationCtx<GenericDataModel>;

/** Does something to one document; resolves with false when there was nothing to do. */
export type Operation = (ctx: Ctx, document: StoredDocument) => Promise<boolean>;

/** The document as it is now, null if it is gone. */
export async function reread(ctx: Ctx, table: string, id: string): Promise<StoredDocument | null> {
  return (await ctx.db.get(table, id as GenericId<string>)) as StoredDocument | null;
}
