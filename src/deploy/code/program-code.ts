/** The code of a whole program as it is stored: every definition once, with its modules and its schema. */
import { createHash } from "node:crypto";
import type { AuthProvider } from "../../functions/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { ComponentDefinition } from "../definitions/convex-config.js";
import { allInstances, componentTree } from "../definitions/component-tree.js";
import type { PushedModule } from "../push/push-request.js";

/** A module with the hash that the CLI knows it by. */
export interface CodeModule extends PushedModule {
  readonly sha256: string;
  /** What was found in it when it was pushed, if it is from the data file. */
  readonly outline?: string;
}

export interface DefinitionCode {
  readonly definition: ComponentDefinition;
  /** The version of the `convex` package that it was bundled with. */
  readonly serverVersion: string;
  readonly schema: SchemaJson | null;
  readonly modules: readonly CodeModule[];
}

export interface ProgramCode {
  /** Tells pushes apart. */
  readonly pushId: string;
  /** The functions folder, `convex/`. */
  readonly functionsFolder: string;
  readonly nodeVersion: string | null;
  /** The CLI's `--message`. */
  readonly message: string | null;
  readonly auth: readonly AuthProvider[];
  /** The cron jobs of each component by component path and name, each as one text. */
  readonly crons: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By definition path; "" is the app. */
  readonly definitions: ReadonlyMap<string, DefinitionCode>;
}

/** The definitions without their code. */
export function definitionsOf(code: ProgramCode): ReadonlyMap<string, ComponentDefinition> {
  return new Map([...code.definitions].map(([path, { definition }]) => [path, definition]));
}

/** The code of every component by component path, mounted twice where it is used twice. */
export function instancesOf(code: ProgramCode | null): ReadonlyMap<string, DefinitionCode> {
  const found = new Map<string, DefinitionCode>();
  if (code === null) return found;
  for (const { componentPath, definition } of allInstances(componentTree(definitionsOf(code), {}))) {
    const instance = code.definitions.get(definition.path);
    if (instance !== undefined) found.set(componentPath, instance);
  }
  return found;
}

/** The schemas of components by component path; null for a component without one. */
export type Schemas = ReadonlyMap<string, SchemaJson | null>;

export function schemasOf(code: ProgramCode | null): Schemas {
  return new Map([...instancesOf(code)].map(([path, { schema }]) => [path, schema]));
}

/** The SHA-256 of a module's source followed by its source map, in hex, as the official CLI computes it. */
export function moduleHash(module: { readonly source: string; readonly sourceMap?: string }): string {
  return createHash("sha256")
    .update(module.source)
    .update(module.sourceMap ?? "")
    .digest("hex");
}
