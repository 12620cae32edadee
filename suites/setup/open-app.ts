/**
 * Opens small apps on each storage for behaviour suites, and closes and removes them when the test that runs has finished. It
 * registers that with the test itself: hooks at the top of a module that several files share are hooks of the first of them only.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  memory,
  openBackend,
  sqlite,
  type Backend,
  type FunctionCall,
  type ModuleSource,
  type OpenBackendOptions,
  type OpenStorage,
} from "trueup";
import { newPostgres } from "./postgres.js";

export const storageNames = ["memory", "sqlite"] as const;
/** With the one that takes a trip for each commit, which not every suite needs. */
export const allStorageNames = [...storageNames, "postgres"] as const;
export type StorageName = (typeof allStorageNames)[number];

export interface AppOptions extends Omit<OpenBackendOptions, "storage" | "modules"> {
  /** Modules by path (`dir/mod`). */
  readonly modules: Readonly<Record<string, ModuleSource>>;
}

/** A new, empty storage; SQLite's file is removed after the test. */
export function newStorage(name: StorageName): OpenStorage {
  if (name === "memory") return memory();
  if (name === "postgres") return newPostgres();
  const folder = mkdtempSync(join(tmpdir(), "trueup-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return sqlite(join(folder, "data.sqlite"));
}

/** Opens an app, which is closed after the test. Console output of functions is kept off the terminal. */
export async function openApp(
  storage: StorageName | OpenStorage,
  { modules, ...options }: AppOptions,
): Promise<Backend> {
  const backend = await openBackend({
    log: "silent",
    ...options,
    storage: typeof storage === "string" ? newStorage(storage) : storage,
    modules: Object.fromEntries(
      Object.entries(modules).map(([path, module]) => [`./convex/${path}.ts`, module]),
    ),
  });
  onTestFinished(() => backend.close());
  return backend;
}

/** Calls a function by path (`dir/mod:fn`), as the app's owner; rejects with what it throws. */
export async function call(
  app: Backend,
  path: string,
  args: object = {},
  options: Partial<FunctionCall> = {},
): Promise<unknown> {
  const outcome = await app.run({ ...options, path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}
