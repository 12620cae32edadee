/** The parts of Convex's contexts that starting and watching migrations needs, whatever the app's tables. */
import type {
  Auth,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
} from "convex/server";

export type QueryCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
export type MutationCtx = Pick<GenericMutationCtx<GenericDataModel>, "runQuery" | "runMutation" | "meta"> & {
  auth?: Pick<Auth, "getUserIdentity">;
};
export type ActionCtx = Pick<GenericActionCtx<GenericDataModel>, "runQuery" | "runMutation" | "meta"> & {
  auth?: Pick<Auth, "getUserIdentity">;
};

/** Who calls: the function, and the person where one is signed in. */
export async function callerOf(ctx: MutationCtx | ActionCtx): Promise<string> {
  const { name } = await ctx.meta.getFunctionMetadata();
  const identity = await ctx.auth?.getUserIdentity();
  if (!identity) return name;
  return `${name} by ${identity.email ?? identity.name ?? identity.tokenIdentifier}`;
}
