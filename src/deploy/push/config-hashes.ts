/** What the CLI asks for before it pushes, to send only what has changed. */
import type { ProgramCode } from "../code/program-code.js";

/** What the CLI compares its bundles with: the hash of each module of the app, by its path. */
export interface ConfigHashes {
  readonly config: { readonly functions: string };
  readonly moduleHashes: readonly {
    readonly path: string;
    readonly hash: string;
    readonly environment: string;
  }[];
  readonly nodeDependencies: readonly never[];
  readonly udfServerVersion: string | null;
  readonly nodeVersion: string | null;
}

/** @param code Null where no pushed code is in place. */
export function hashesOf(code: ProgramCode | null): ConfigHashes {
  const app = code?.definitions.get("");
  return {
    config: { functions: code?.functionsFolder ?? "convex/" },
    moduleHashes: (app?.modules ?? []).map(({ path, sha256, environment }) => ({
      path,
      hash: sha256,
      environment,
    })),
    nodeDependencies: [],
    udfServerVersion: app?.serverVersion ?? null,
    nodeVersion: code?.nodeVersion ?? null,
  };
}
