/**
 * Makes the answer to `start_push`: everything that code generation needs, and the change of the schema. The CLI hands
 * `schemaChange` back while it waits, and the whole answer when it finishes, so the id of the push is in it.
 */
import { indexDiff, isSameIndexes, type IndexDiff } from "./index-diff.js";
import type { AuthProvider } from "../../functions/index.js";
import { schemasOf, type ProgramCode, type Schemas } from "../code/program-code.js";
import type { Environment } from "../definitions/component-tree.js";
import type { AnalyzedDefinition, CheckedComponent, LoadedPush } from "./load-push.js";

export interface SchemaChange {
  readonly pushId: string;
  readonly allocatedComponentIds: Readonly<Record<string, never>>;
  readonly schemaIds: Readonly<Record<string, never>>;
  readonly indexDiffs: Readonly<Record<string, IndexDiff>>;
}

export interface StartPushReply {
  readonly environmentVariables: Environment;
  readonly externalDepsId: null;
  readonly componentDefinitionPackages: Readonly<Record<string, object>>;
  readonly appAuth: readonly AuthProvider[];
  readonly analysis: Readonly<
    Record<
      string,
      Omit<AnalyzedDefinition, "serverVersion"> & {
        readonly udfConfig: {
          readonly serverVersion: string;
          readonly importPhaseRngSeed: object;
          readonly importPhaseUnixTimestamp: object;
        };
      }
    >
  >;
  readonly app: CheckedComponent;
  readonly schemaChange: SchemaChange;
}

export function startPushReply(
  code: ProgramCode,
  push: LoadedPush,
  env: Environment,
  before: Schemas,
): StartPushReply {
  const packages: Record<string, object> = {};
  const analysis: Record<string, StartPushReply["analysis"][string]> = {};
  for (const [path, { serverVersion, ...analyzed }] of Object.entries(push.analysis)) {
    packages[path] = {};
    analysis[path] = { ...analyzed, udfConfig: { serverVersion, ...importPhase } };
  }
  return {
    environmentVariables: env,
    externalDepsId: null,
    componentDefinitionPackages: packages,
    appAuth: code.auth,
    analysis,
    app: push.app,
    schemaChange: schemaChange(code.pushId, before, schemasOf(code)),
  };
}

export function schemaChange(pushId: string, before: Schemas, after: Schemas): SchemaChange {
  const indexDiffs: Record<string, IndexDiff> = {};
  for (const [path, schema] of after) {
    const diff = indexDiff(before.get(path) ?? null, schema);
    if (!isSameIndexes(diff)) indexDiffs[path] = diff;
  }
  return { pushId, allocatedComponentIds: {}, schemaIds: {}, indexDiffs };
}

/** The CLI only wants these fields to be there: modules are imported with the ordinary clock and random numbers. */
const importPhase = {
  importPhaseRngSeed: { $bytes: Buffer.alloc(32).toString("base64") },
  importPhaseUnixTimestamp: { $integer: Buffer.alloc(8).toString("base64") },
};
