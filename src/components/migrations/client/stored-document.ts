/** A document of a migration's table, as stored. */
import type { GenericDataModel, GenericDocument, GenericMutationCtx } from "convex/server";
import type { GenericId } from "convex/values";

export type StoredDocument = GenericDocument & { _id: GenericId<string> };
export type Ctx = GenericMutationCtx<GenericDataModel>;

/**
 * Does something to one document; false, at once or later, says that there was nothing to do. Most have nothing to wait
 * for but their one write, whose promise is then returned as it is: promises are half of what a document costs.
 */
export type Operation = (ctx: Ctx, document: StoredDocument) => Promise<unknown> | boolean;

/** The document as it is now, null if it is gone. */
export async function reread(ctx: Ctx, table: string, id: string): Promise<StoredDocument | null> {
  return (await ctx.db.get(table, id as GenericId<string>)) as StoredDocument | null;
}
