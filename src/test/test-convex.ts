/** The types of what `convexTest` returns. They match the official ones, so that code written for those takes ours. */
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

/* Types that are generic over a call can be assigned to each other only if they are spelled the same, so these have `any` where
   the official ones have it. */

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

/**
 * Calls the functions of one app, on behalf of one caller. Each call of a query or a mutation is a transaction of its own;
 * internal functions may be called too. A call rejects with what the function throws: a `ConvexError`, an error of the function's
 * own, or a `TrueupError` with a `code` that docs/errors.md lists.
 */
export interface TestConvexForDataModel<DataModel extends GenericDataModel> {
  /** Calls a query by its reference, or runs an inline function with the ctx of a query. */
  query: Caller<"query", GenericQueryCtx<DataModel>>;
  /** Calls a mutation by its reference, or runs an inline function with the ctx of a mutation. */
  mutation: Caller<"mutation", GenericMutationCtx<DataModel>>;
  /** Calls an action by its reference, or runs an inline function with the ctx of an action. */
  action: Caller<"action", GenericActionCtx<DataModel>>;
  /** Runs the function in a transaction of the app, which is undone when it throws. */
  run: <Output>(
    run: (
      ctx: GenericMutationCtx<DataModel> & Pick<GenericActionCtx<DataModel>, "storage">,
    ) => Promise<Output>,
  ) => Promise<Output>;
  /**
   * Answers a request by the router of `http.ts`; with status 404 when it has no route for the path, which begins with `/`.
   * Rejects with what the action throws. @throws INVALID_CALL for another path
   */
  fetch(pathQueryFragment: string, init?: RequestInit): Promise<Response>;
  /** Resolves when the scheduled functions that have begun have ended. */
  finishInProgressScheduledFunctions: () => Promise<void>;
  /**
   * Advances time until no scheduled function runs, and none is left that a timer will start.
   * @throws SCHEDULED_WITHOUT_END after too many rounds, INVALID_CALL when the timers are replaced meanwhile
   * @param advanceTimers Usually `vi.runAllTimers`.
   * @param maxIterations After so many rounds, 100 by default, functions are taken to schedule each other forever.
   */
  finishAllScheduledFunctions: (advanceTimers: () => void, maxIterations?: number) => Promise<void>;
  /** The same app, called by a user. Attributes that are left out are made up, the same for the same attributes. */
  withIdentity(identity: Partial<UserIdentity>): TestConvexForDataModel<DataModel>;
  /** The same app, called from an address and a program that `ctx.meta.getRequestMetadata()` tells. */
  withRequestMetadata(
    metadata: Partial<Pick<RequestMetadata, "ip" | "userAgent">>,
  ): TestConvexForDataModel<DataModel>;
}

/** What `convexTest` returns for an app with this data model. Beyond calling functions, it mounts components. */
export interface TestConvexRoot<
  DataModel extends GenericDataModel,
> extends TestConvexForDataModel<DataModel> {
  /**
   * Mounts a component; "a/b" is one that is mounted in the component "a". The next call loads the program again.
   * @throws INVALID_SCHEMA
   */
  registerComponent: (
    componentPath: string,
    schema: SchemaDefinition<GenericSchema, boolean>,
    modules: Record<string, () => Promise<unknown>>,
  ) => void;
}

/** What `convexTest` returns for an app with this schema. */
export type TestConvex<Schema extends SchemaDefinition<GenericSchema, boolean>> = TestConvexRoot<
  DataModelFromSchemaDefinition<Schema>
>;

/** The same as `TestConvexRoot`, under a name that the official package has deprecated. */
export type TestConvexForDataModelAndIdentity<DataModel extends GenericDataModel> = TestConvexRoot<DataModel>;
