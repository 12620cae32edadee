/** The types of what `convexTest` returns: the official ones, so that helpers written for those take ours. */
import type {
  DataModelFromSchemaDefinition,
  FunctionReference,
  FunctionReturnType,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
  GenericSchema,
  OptionalRestArgs,
  RequestMetadata,
  SchemaDefinition,
  UserIdentity,
} from "convex/server";

type Kind = "query" | "mutation" | "action";

/* Types that are generic over a call can be assigned to each other only if they are spelled alike, so these
   have `any` where the official ones have it. */

/** A reference to a function of one kind, public or internal. */
// oxlint-disable-next-line typescript/no-explicit-any
type Reference<K extends Kind> = FunctionReference<K, any>;
// oxlint-disable-next-line typescript/no-explicit-any
type Inline<Ctx> = (ctx: Ctx) => Promise<any>;

/** Calls a function of one kind by reference, or runs a function given inline with a ctx of that kind. */
type Caller<K extends Kind, Ctx> = <Target extends Reference<K> | Inline<Ctx>>(
  target: Target,
  ...args: Target extends Reference<K> ? OptionalRestArgs<Target> : []
) => Promise<
  Target extends Reference<K>
    ? FunctionReturnType<Target>
    : // oxlint-disable-next-line typescript/no-explicit-any
      Target extends (ctx: any) => Promise<infer Output>
      ? Output
      : never
>;

/** What a test calls functions with, on behalf of whoever it was made for. */
export interface TestConvexForDataModel<DataModel extends GenericDataModel> {
  query: Caller<"query", GenericQueryCtx<DataModel>>;
  mutation: Caller<"mutation", GenericMutationCtx<DataModel>>;
  action: Caller<"action", GenericActionCtx<DataModel>>;
  /** Runs the function in a transaction of the app, which is undone when it throws. */
  run: <Output>(
    run: (
      ctx: GenericMutationCtx<DataModel> & Pick<GenericActionCtx<DataModel>, "storage">,
    ) => Promise<Output>,
  ) => Promise<Output>;
  /** Has the router of `http.ts` answer a request; the path begins with `/`. Rejects with what the action throws. */
  fetch(pathQueryFragment: string, init?: RequestInit): Promise<Response>;
  /** Resolves when the scheduled functions that have begun have ended. */
  finishInProgressScheduledFunctions: () => Promise<void>;
  /**
   * Advances time until no scheduled function is left that a timer will start, and none runs.
   * @param advanceTimers Usually `vi.runAllTimers`.
   * @param maxIterations After so many rounds functions are taken to schedule each other forever (default 100).
   */
  finishAllScheduledFunctions: (advanceTimers: () => void, maxIterations?: number) => Promise<void>;
  /** The same app, called by someone; attributes that are left out are made up. */
  withIdentity(identity: Partial<UserIdentity>): TestConvexForDataModel<DataModel>;
  /** The same app, called from somewhere: what `ctx.meta.getRequestMetadata()` tells. */
  withRequestMetadata(
    metadata: Partial<Pick<RequestMetadata, "ip" | "userAgent">>,
  ): TestConvexForDataModel<DataModel>;
}

/** What `convexTest` returns: it also mounts components. */
export interface TestConvexRoot<
  DataModel extends GenericDataModel,
> extends TestConvexForDataModel<DataModel> {
  /** Mounts a component; "a/b" is one mounted in the component "a". */
  registerComponent: (
    componentPath: string,
    schema: SchemaDefinition<GenericSchema, boolean>,
    modules: Record<string, () => Promise<unknown>>,
  ) => void;
}

/** The type of a test of an app with this schema. */
export type TestConvex<Schema extends SchemaDefinition<GenericSchema, boolean>> = TestConvexRoot<
  DataModelFromSchemaDefinition<Schema>
>;

/** The name that the official package has deprecated. */
export type TestConvexForDataModelAndIdentity<DataModel extends GenericDataModel> = TestConvexRoot<DataModel>;
