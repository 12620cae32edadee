/**
 * `convexTest`, with which a test calls the functions of an app. A call that is made from within `t.run`, or from another
 * function given inline, joins the transaction of that function, as a nested call would.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { GenericSchema, SchemaDefinition, UserIdentity } from "convex/server";
import { TrueupError } from "../errors/index.js";
import { withMockWording } from "./convex-test-wording.js";
import { withSystemWrites } from "./system-writes.js";
import { TestBackend, type Caller, type ModuleGlob, type TestTransactionLimits } from "./test-backend.js";
import type { TestConvex, TestConvexForDataModel } from "./test-convex.js";
import { testIdentity, testToken } from "./test-identity.js";

type AnySchema = SchemaDefinition<GenericSchema, boolean>;

/** The options of `convexTest`; all may be left out. */
export interface ConvexTestOptions<Schema extends GenericSchema> {
  /** The default export of the app's `schema.ts`. When it is left out, any table may have any document. */
  readonly schema?: SchemaDefinition<Schema, boolean> | undefined;
  /**
   * The app's modules: `import.meta.glob("./**\/*.*s")` in the folder of functions. When it is left out, those of the folder
   * `convex` beside `node_modules`, where Vite transforms `trueup` (`server.deps.inline`).
   */
  readonly modules?: Record<string, () => Promise<unknown>> | undefined;
  /** False (the default) lifts the limits on transactions, true sets Convex's, and numbers take the place of some of Convex's. */
  readonly transactionLimits?: TestTransactionLimits | undefined;
  /**
   * With true, all modules are imported first, and the database runs their exported triggers on every write, as a backend
   * does. With false (the default), triggers run where functions wrap `db`, as they do on Convex.
   */
  readonly enforceTriggers?: boolean | undefined;
}

/**
 * Makes a new, empty app whose functions a test can call. Call it at the start of each test.
 *
 * ```ts
 * const t = convexTest(schema, import.meta.glob("./**\/*.*s"));
 * const id = await t.mutation(api.notes.add, { text: "milk" });
 * ```
 *
 * It opens the storage and imports modules at the first call of a function, so it costs nothing by itself. What functions write
 * is kept in memory (or in SQLite, with TRUEUP_TEST_STORAGE=sqlite) and is gone when the process ends.
 * @throws INVALID_SCHEMA when Convex would refuse the schema
 */
export function convexTest<Schema extends GenericSchema>(
  schema?: SchemaDefinition<Schema, boolean>,
  modules?: Record<string, () => Promise<unknown>>,
): TestConvex<SchemaDefinition<Schema, boolean>>;
export function convexTest<Schema extends GenericSchema>(
  options: ConvexTestOptions<Schema>,
): TestConvex<SchemaDefinition<Schema, boolean>>;
export function convexTest(
  schemaOrOptions?: AnySchema | ConvexTestOptions<GenericSchema>,
  modules?: ModuleGlob,
): unknown {
  const options = isSchema(schemaOrOptions) ? { schema: schemaOrOptions, modules } : schemaOrOptions;
  const backend = new TestBackend({
    schema: options?.schema ?? null,
    modules: options?.modules ?? modules ?? defaultModules(),
    transactionLimits: options?.transactionLimits ?? false,
    enforceTriggers: options?.enforceTriggers ?? false,
  });
  return {
    ...accessor(backend, nobody),
    registerComponent: (path: string, schema: AnySchema, glob: ModuleGlob) =>
      backend.register(path, schema, glob),
  };
}

const nobody: Caller = { identity: null, authToken: null, ip: null, userAgent: null };
const siteUrl = "https://some.convex.site";

type Kind = "query" | "mutation" | "action";

/** The inline function that has called the running code, and its ctx while it runs. */
interface Inline {
  readonly backend: TestBackend;
  ctx: Record<string, (reference: unknown, args: unknown) => Promise<unknown>> | null;
}

const currentInline = new AsyncLocalStorage<Inline>();

function accessor(backend: TestBackend, caller: Caller): object {
  const call = (kind: Kind) => async (target: unknown, args?: unknown) =>
    await withMockWording(() =>
      typeof target === "function"
        ? runInline(backend, caller, kind, target as InlineFunction, args)
        : callByReference(backend, caller, kind, target, args),
    );
  const mutation = call("mutation");
  return {
    query: call("query"),
    mutation,
    action: call("action"),
    run: (run: InlineFunction) => mutation(run),
    fetch: (path: string, init?: RequestInit) => withMockWording(() => fetch(backend, caller, path, init)),
    finishInProgressScheduledFunctions: () => backend.finishInProgress(),
    finishAllScheduledFunctions: (advanceTimers: () => void, maxIterations = 100) =>
      backend.finishAll(advanceTimers, maxIterations),
    withIdentity: (given: Partial<UserIdentity>) => {
      const identity = testIdentity(given);
      return accessor(backend, { ...caller, identity, authToken: testToken(identity) });
    },
    withRequestMetadata: ({ ip = null, userAgent = null }: Partial<Pick<Caller, "ip" | "userAgent">>) =>
      accessor(backend, { ...caller, ip, userAgent }),
  } satisfies Record<keyof TestConvexForDataModel<never>, unknown>;
}

type InlineFunction = (ctx: object, args: unknown) => unknown;

async function runInline(
  backend: TestBackend,
  caller: Caller,
  kind: Kind,
  run: InlineFunction,
  args: unknown,
): Promise<unknown> {
  const handler = async (own: object, given: unknown): Promise<unknown> => {
    const ctx = kind === "mutation" ? withSystemWrites(own) : own;
    const inline: Inline = { backend, ctx: kind === "action" ? null : (ctx as NonNullable<Inline["ctx"]>) };
    try {
      return await currentInline.run(inline, () => run(ctx, given));
    } finally {
      inline.ctx = null;
    }
  };
  return await backend.call({ handler, kind }, args, caller);
}

async function callByReference(
  backend: TestBackend,
  caller: Caller,
  kind: Kind,
  reference: unknown,
  args: unknown,
): Promise<unknown> {
  const inline = currentInline.getStore();
  const nested = inline?.backend === backend ? inline.ctx : null;
  const join = kind === "query" ? nested?.["runQuery"] : kind === "mutation" ? nested?.["runMutation"] : null;
  return join ? await join(reference, args) : await backend.call({ reference, kind }, args, caller);
}

async function fetch(
  backend: TestBackend,
  caller: Caller,
  path: string,
  init: RequestInit | undefined,
): Promise<Response> {
  if (!path.startsWith("/")) {
    throw new TrueupError("INVALID_CALL", "Path given to `t.fetch` must start with a `/`", { path });
  }
  const url = new URL(siteUrl + path);
  const response = await backend.fetch(new Request(url, init), caller);
  return response ?? new Response(`No HttpAction routed for ${url.pathname}`, { status: 404 });
}

function isSchema(value: AnySchema | ConvexTestOptions<GenericSchema> | undefined): value is AnySchema {
  return typeof value === "object" && "tables" in value && typeof value.tables === "object";
}

interface ViteMeta {
  glob(pattern: string): ModuleGlob;
}

/**
 * The modules of a test that names none: those of the folder `convex` beside `node_modules`. Vite finds them when it transforms
 * this file, which it does where its configuration has `trueup` among `server.deps.inline`. Otherwise there are none.
 */
function defaultModules(): ModuleGlob {
  try {
    return (import.meta as ImportMeta & ViteMeta).glob("../../../../convex/**/*.*s");
  } catch {
    return {};
  }
}
