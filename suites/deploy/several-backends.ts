/** Several backends on one storage, as processes have a database, and pushes whose steps reach any of them. */
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { openBackend, type Backend } from "trueup";
import type { OpenBackendOptions } from "../../src/backend/index.js";
import type { OpenStorage, Storage, StorageTransaction } from "../../src/storage/storage.js";
import { TrueupError } from "../../src/errors/index.js";
import { sharedStorages } from "../setup/shared-storages.js";
import { functionSource, pushedModule, pushRequest, type PushedSource } from "./hand-made-push.js";

/** Whether a process lives: one that was killed reaches nothing any more, and hears of nothing. */
export interface Life {
  isOver: boolean;
  /** Called before each transaction begins; may end the life. */
  readonly onBegin?: (() => void) | undefined;
  /** Keys that it forgets to have read, when it commits: a mutant, which tests are to notice. */
  forgets?: (key: string) => boolean;
}

function mortal(storage: Storage, life: Life): Storage {
  const living = <T>(run: () => T): T => {
    if (life.isOver) throw new TrueupError("STORAGE_CLOSED");
    return run();
  };
  return {
    capabilities: storage.capabilities,
    get version() {
      return storage.version;
    },
    ...(storage.nowMs === undefined ? {} : { nowMs: () => storage.nowMs?.() ?? 0 }),
    latest: () => living(() => storage.latest()),
    reached: (version) => living(() => storage.reached(version)),
    snapshot: () => living(() => storage.snapshot()),
    begin: async () => {
      if (life.onBegin !== undefined) life.onBegin();
      const transaction = await living(() => storage.begin());
      const { forgets } = life;
      return forgets === undefined ? transaction : forgetful(transaction, forgets);
    },
    onCommit: (listener) =>
      storage.onCommit((commit) => {
        if (!life.isOver) listener(commit);
      }),
    close: () => storage.close(),
  };
}

function forgetful(transaction: StorageTransaction, forgets: (key: string) => boolean): StorageTransaction {
  return {
    version: transaction.version,
    get: (key) => transaction.get(key),
    getMany: (keys) => transaction.getMany(keys),
    scan: (range, options) => transaction.scan(range, options),
    rollback: () => transaction.rollback(),
    commit: ({ reads, ...request }) => {
      if (reads === undefined) return transaction.commit(request);
      const keys = new Set([...reads.keys].filter((key) => !forgets(key)));
      return transaction.commit({ ...request, reads: { keys, ranges: reads.ranges } });
    },
  };
}

export type OpenOne = (options?: Partial<OpenBackendOptions>, life?: Life) => Promise<Backend>;

/** Where they lie: the memory has news come late. */
export const places = sharedStorages({ before: () => setImmediate() });
const [[, inMemory]] = places;

/** Opens backends on one storage; all of them are closed when the test ends. */
export function severalBackends(open: OpenStorage = inMemory()): OpenOne {
  return async (options = {}, life = { isOver: false }) => {
    const storage: OpenStorage = async () => mortal(await open(), life);
    const backend = await openBackend({ storage, log: "silent", ...options });
    onTestFinished(() => backend.close());
    return backend;
  };
}

/** An app of these functions, of which `version` says which one runs, and of more modules. */
export function appOf(version: string, ...more: readonly PushedSource[]): PushedApp {
  return { modules: [functionsOf(version), ...more] };
}

function functionsOf(version: string): PushedSource {
  return pushedModule(
    "app.js",
    [
      `export const version = ${functionSource("Query", `return ${JSON.stringify(version)}`)};`,
      `export const add = ${functionSource("Mutation", `await ctx.db.insert("scores", args); return ${JSON.stringify(version)}`)};`,
      `export const count = ${functionSource("Query", `return (await ctx.db.query(args.table ?? "scores").collect()).length`)};`,
      `export const rows = ${functionSource("Query", "return await ctx.db.query(args.table).collect()")};`,
      `export const variable = ${functionSource("Query", "return process.env.GREETING ?? null")};`,
    ].join("\n"),
  );
}

/** A module that is bundled with what it imports, as the CLI does it. Imports are relative to this folder. */
export async function bundledModule(path: string, source: string): Promise<PushedSource> {
  const resolveDir = dirname(fileURLToPath(import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    absWorkingDir: join(resolveDir, "../.."),
  });
  return pushedModule(path, outputFiles[0]?.text ?? "");
}

/** A push between its steps. */
export interface BegunPush {
  readonly schemaChange: { readonly pushId: string };
}

/** What is pushed: modules, and a schema or none. The app mounts a component `byScore`, in which nothing is. */
export interface PushedApp {
  readonly modules: readonly PushedSource[];
  readonly schema?: object;
}

export async function startPush(app: Backend, pushed: PushedApp): Promise<BegunPush> {
  const request = pushRequest(pushed) as { readonly appDefinition: object };
  const path = "../byScore";
  const child = { definitionType: { type: "childComponent", name: "byScore" }, childComponents: [] };
  const use = `{name:"byScore",path:c.componentDefinitionPath,args:[],env:null}`;
  const importPath = `./_componentDeps/${Buffer.from(path).toString("base64url")}`;
  return await app.deploy.startPush({
    ...request,
    appDefinition: {
      ...request.appDefinition,
      definition: configuration(
        `{definitionType:{type:"app"},childComponents:[${use}]}`,
        `import c from ${JSON.stringify(importPath)};`,
      ),
      dependencies: [path],
    },
    componentDefinitions: [
      {
        definitionPath: path,
        definition: configuration(JSON.stringify(child)),
        dependencies: [],
        functions: [],
        udfServerVersion: "1.48.0",
      },
    ],
  });
}

/** The bundle of a `convex.config`, reduced to what is read. */
function configuration(exported: string, imports = ""): PushedSource {
  const rest = `httpMounts:{},exports:{type:"branch",branch:[]},envVars:[]`;
  const source = `${imports}export default{export(){return{...${exported},${rest}}}}`;
  return pushedModule("convex.config.js", source);
}

/** Waits until the data is ready, asking these backends in turn, and resolves with how that ended. */
export async function waitFor(apps: readonly Backend[], push: BegunPush): Promise<string> {
  for (let turn = 0; ; turn++) {
    const app = apps[turn % apps.length];
    if (app === undefined) throw new Error("no backend to ask");
    const status = await app.deploy.waitForSchema({ schemaChange: push.schemaChange, timeoutMs: 200 });
    if (status.type === "failed") return status.error;
    if (status.type === "complete") return status.type;
  }
}

export async function finishPush(app: Backend, push: BegunPush): Promise<void> {
  await app.deploy.finishPush({ startPush: push });
}

/** All steps of a push, at one backend. */
export async function push(app: Backend, pushed: PushedApp): Promise<void> {
  const begun = await startPush(app, pushed);
  const ended = await waitFor([app], begun);
  if (ended !== "complete") throw new Error(`the push ${ended}`);
  await finishPush(app, begun);
}
