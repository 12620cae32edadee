/** `convex-table-history`, fed by `Triggers` of convex-helpers, as its README says. */
import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import { Triggers } from "convex-helpers/server/triggers";
import { TableHistory } from "convex-table-history";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { mutation as rawMutation, query } from "./_generated/server";

const history = new TableHistory<DataModel, "documents">(components.documentAuditLog, {
  serializability: "table",
});
const triggers = new Triggers<DataModel>();
triggers.register("documents", history.trigger());
const mutation = customMutation(rawMutation, customCtx(triggers.wrapDB));

export const create = mutation({
  args: { title: v.string() },
  handler: (ctx, { title }) => ctx.db.insert("documents", { title }),
});

export const rename = mutation({
  args: { id: v.id("documents"), title: v.string() },
  handler: (ctx, { id, title }) => ctx.db.patch(id, { title }),
});

export const remove = mutation({
  args: { id: v.id("documents") },
  handler: (ctx, { id }) => ctx.db.delete(id),
});

interface Entries {
  readonly page: readonly { readonly ts: number; readonly doc?: { readonly title?: string } | null }[];
  readonly continueCursor: string;
}

const entriesOf = ({ page, continueCursor }: Entries) => ({
  entries: page.map(({ ts, doc }) => ({ ts, title: doc?.title ?? null })),
  continueCursor,
});

export const all = query({
  args: { maxTs: v.number(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { maxTs, paginationOpts }) =>
    entriesOf(await history.listHistory(ctx, maxTs, paginationOpts)),
});

export const ofOne = query({
  args: { id: v.id("documents"), maxTs: v.number(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { id, maxTs, paginationOpts }) =>
    entriesOf(await history.listDocumentHistory(ctx, id, maxTs, paginationOpts)),
});

export const asOf = query({
  args: { ts: v.number(), currentTs: v.number(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { ts, currentTs, paginationOpts }) =>
    entriesOf(await history.listSnapshot(ctx, ts, currentTs, paginationOpts)),
});
