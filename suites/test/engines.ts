/**
 * Runs a suite of Convex functions on two engines, the official mock and `trueup/test`, and tests
 * what both agree on.
 */
import { convexTest as officialConvexTest } from "convex-test";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import { convexTest as ourConvexTest, type TestConvex } from "../../src/test/index.js";

export type Modules = Record<string, () => Promise<Record<string, unknown>>>;

export interface AppOptions<Schema extends GenericSchema> {
  readonly schema: SchemaDefinition<Schema, boolean>;
  /** Modules by path: `messages`. */
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly transactionLimits?: boolean | Readonly<Record<string, number>>;
}

type Open = <Schema extends GenericSchema>(
  options: AppOptions<Schema>,
) => TestConvex<SchemaDefinition<Schema, boolean>>;

/** A glob as a test has it, of modules that are there already. */
export function globOf(modules: AppOptions<GenericSchema>["modules"] = {}): Modules {
  const loaders = Object.entries(modules).map(([path, module]) => [
    `./${path}.ts`,
    () => Promise.resolve({ ...module }),
  ]);
  return { "./_generated/api.js": () => Promise.resolve({}), ...Object.fromEntries(loaders) };
}

const official: Open = ({ schema, modules, transactionLimits = false }) =>
  officialConvexTest({ schema, modules: globOf(modules), transactionLimits });

const ours: Open = ({ schema, modules, transactionLimits = false }) =>
  ourConvexTest({ schema, modules: globOf(modules), transactionLimits });

export const engines: readonly (readonly [name: string, open: Open])[] = [
  ["convex-test", official],
  ["trueup/test", ours],
];
