/**
 * What goes on behind the deploys that changed schemas, as rows beside the migrations: transforms whose documents are being
 * written through, and schemas that are pending, with what does not fit.
 */
import type { SchemaChanges } from "../../backend/index.js";
import type { MigrationRow } from "./migration-rows.js";

/** Transforms, then pending schemas, in the order of components. */
export function schemaRows({ transforms, pending }: SchemaChanges): MigrationRow[] {
  return [...transforms.map(transformRow), ...pending.map(pendingRow)];
}

function transformRow(transform: SchemaChanges["transforms"][number]): MigrationRow {
  const { componentPath, name, state, processed, total, failed, failures, impure, beganAtMs } = transform;
  const [failure] = failures;
  return {
    name: placeOf(componentPath, name),
    kind: "transform",
    state: failed + impure > 0 ? "failed" : state === "prepared" ? "prepared" : "inProgress",
    processed,
    total,
    failed,
    latestStart: beganAtMs,
    ...(failure === undefined ? {} : { lastError: failure.message, errorDocumentId: failure.id }),
  };
}

function pendingRow(schema: SchemaChanges["pending"][number]): MigrationRow {
  const { componentPath, sinceMs, migrations, violating, violations } = schema;
  const [first] = violations;
  const reason =
    first === undefined
      ? `waits for ${migrations.join(", ")}`
      : `${violating} do not fit: ${first.problem} (table ${first.tableName})`;
  const sample = first?.samples[0];
  return {
    name: componentPath === "" ? "schema" : `schema of ${componentPath}`,
    kind: "schema",
    state: "pending",
    processed: 0,
    latestStart: sinceMs,
    lastError: reason,
    ...(sample === undefined ? {} : { errorDocumentId: sample.id }),
  };
}

function placeOf(componentPath: string, name: string): string {
  return componentPath === "" ? name : `${componentPath}/${name}`;
}
