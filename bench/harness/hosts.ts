/**
 * Hosts run an app of Convex functions: this engine on either storage, or the official mock. A host calls functions by name
 * from outside, through its public interface, so that the figures hold all that a call costs.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { convexTest } from "convex-test";
import { makeFunctionReference, type GenericSchema, type SchemaDefinition } from "convex/server";
import { memory, modulesFromDirectory, openBackend, sqlite, type Backend, type OpenStorage } from "trueup";
import { removeFolder, temporaryFolder } from "./folders.js";

type Schema = SchemaDefinition<GenericSchema, boolean>;
type Module = Record<string, unknown>;
type Args = Record<string, unknown>;

/** A component's modules, by their path in its folder, and its tables. */
export interface Component {
  readonly schema: Schema;
  readonly modules: Readonly<Record<string, () => Promise<Module>>>;
}

/** An app: modules by name, and the components that it mounts, by theirs. */
export interface App {
  readonly schema: Schema;
  readonly modules: Readonly<Record<string, Module>>;
  readonly components: Readonly<Record<string, Component>>;
}

export type HostName = "memory" | "sqlite" | "mock";

/** Functions are named `module:function`. */
export interface Host {
  query(name: string, args: Args): Promise<unknown>;
  mutation(name: string, args: Args): Promise<unknown>;
  action(name: string, args: Args): Promise<unknown>;
  /** Closes what is on disk, and opens it again; null where nothing is on disk. */
  reopen(): Promise<Reopened | null>;
  close(): Promise<void>;
}

/** What a file takes up when it is closed, and how long it takes until a backend on it can be called. */
export interface Reopened {
  readonly sizeBytes: number;
  readonly openMs: number;
}

/** Opens an app on a host of its own. SQLite's file is removed when the host closes. */
export function openHost(name: HostName, app: App, durability: "full" | "relaxed" = "full"): Promise<Host> {
  switch (name) {
    case "memory":
      return engineHost(memory(), app, null);
    case "sqlite": {
      const folder = temporaryFolder();
      return engineHost(sqlite(join(folder, "data.sqlite"), { durability }), app, folder);
    }
    case "mock":
      return Promise.resolve(mockHost(app));
  }
}

/** A component from the folder of its compiled modules, with modules of the benchmark's own beside them. */
export async function componentFrom(
  folder: string,
  extra: Readonly<Record<string, Module>> = {},
): Promise<Component> {
  const found = await modulesFromDirectory(folder);
  const schema = (await found["schema.js"]?.())?.["default"];
  if (schema === undefined) throw new Error(`${folder} has no schema`);
  const modules: Record<string, () => Promise<Module>> = {};
  for (const [path, load] of Object.entries(found)) modules[`./component/${path}`] = load;
  for (const [name, module] of Object.entries(extra)) {
    modules[`./component/${name}.js`] = () => Promise.resolve(module);
  }
  return { schema: schema as Schema, modules };
}

/** The bytes of all files in a folder. */
function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function engineHost(storage: OpenStorage, app: App, folder: string | null): Promise<Host> {
  const open = (): Promise<Backend> =>
    openBackend({
      storage,
      schema: app.schema,
      modules: moduleLoaders(app),
      components: app.components,
      limits: "none",
      log: "silent",
    });
  let backend = await open();
  return {
    query: (name, args) => backend.query(makeFunctionReference<"query">(name), args),
    mutation: (name, args) => backend.mutation(makeFunctionReference<"mutation">(name), args),
    action: (name, args) => backend.action(makeFunctionReference<"action">(name), args),
    reopen: async () => {
      if (folder === null) return null;
      await backend.close();
      const sizeBytes = folderBytes(folder);
      const begin = performance.now();
      backend = await open();
      return { sizeBytes, openMs: performance.now() - begin };
    },
    close: async () => {
      await backend.close();
      if (folder !== null) removeFolder(folder);
    },
  };
}

function mockHost(app: App): Host {
  const modules = {
    ...moduleLoaders(app),
    "./convex/_generated/api.js": () => Promise.resolve({}),
  };
  const t = convexTest(app.schema, modules);
  for (const [name, { schema, modules: own }] of Object.entries(app.components)) {
    t.registerComponent(name, schema, own);
  }
  return {
    query: (name, args) => t.query(makeFunctionReference<"query">(name), args),
    mutation: (name, args) => t.mutation(makeFunctionReference<"mutation">(name), args),
    action: (name, args) => t.action(makeFunctionReference<"action">(name), args),
    reopen: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
}

/** The modules as `openBackend` takes them. */
export function moduleLoaders({ modules }: App): Record<string, () => Promise<Module>> {
  return Object.fromEntries(
    Object.entries(modules).map(([name, module]) => [`./convex/${name}.ts`, () => Promise.resolve(module)]),
  );
}
