/**
 * The transforms that a deploy brings and that were never applied: checked, put in order, and described for the record. One of
 * a table without documents has nothing to do; it counts as applied.
 */
import { TrueupError } from "../../errors/index.js";
import type { DeclaredTransform } from "../../seams/index.js";
import { composeFieldRenames, findTable, type SchemaJson } from "../../schema/index.js";
import type { KnownTransforms } from "./known-transforms.js";
import { orderByRequires } from "./order-by-requires.js";
import { outlivingWrites } from "./outliving-writes.js";
import type { AppliedTransform } from "./step-history.js";
import { isWithoutDocuments, type StepsInput, type TableRename } from "./steps-input.js";
import { typeIn, typesBetween } from "./table-types.js";
import { fingerprintOf, originText } from "./transform-functions.js";
import type { Taken, TransformRecord, TransformStep } from "./transform-step.js";

export interface NewTransforms {
  /** In the order to begin them. */
  readonly steps: readonly TransformStep[];
  /** Those of tables without documents. */
  readonly settled: readonly AppliedTransform[];
  /** The fields that they only rename: by table, old path to new name. */
  readonly fieldRenames: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** O(declarations). @throws TRANSFORM_INVALID */
export function newTransforms(
  input: StepsInput,
  known: KnownTransforms,
  renames: readonly TableRename[],
): NewTransforms {
  const { next, after } = input;
  const fresh = known.fresh.map(({ name, declared }) => ({ name, declared, requires: declared.requires }));
  const ordered = orderByRequires(fresh, { kind: "transform", isDone: (name) => known.names.has(name) });
  const records = recordsOf(input, renames, ordered);
  const steps: TransformStep[] = [];
  const settled: AppliedTransform[] = [];
  for (const { name, declared } of ordered) {
    const record = records.get(name);
    if (record === undefined) throw new Error(`no record of ${name}`);
    if (isWithoutDocuments(input, renames, declared.table)) {
      // A transform of a table that is gone, or not there yet, has nothing to do with this deploy.
      const isThere = input.documents.has(declared.table);
      if (after === null ? !isThere : findTable(after, declared.table) === undefined) continue;
      settled.push({ ...record, shape: null, appliedAtMs: 0 });
      continue;
    }
    assertTable(name, declared, after);
    assertLeavesNothing(name, declared);
    steps.push({
      table: declared.table,
      definition: {
        name,
        origin: originText(next.origin, record.fingerprint, "up"),
        hasDown: record.hasDown,
      },
      run: declared.up,
      takes: steps.some(({ table }) => table === declared.table)
        ? null
        : takenWhilePending(input, renames, name, declared),
      record,
    });
  }
  const begun = new Set(steps.map(({ definition: { name } }) => name));
  const fieldRenames = fieldRenamesOf(ordered.filter(({ name }) => begun.has(name)));
  return { steps, settled, fieldRenames };
}

/** While the schema is pending a transform is written for its documents, unless it says that it takes the others too. */
function takenWhilePending(
  { before, isPending }: StepsInput,
  renames: readonly TableRename[],
  name: string,
  { table, takesUnmigrated }: DeclaredTransform,
): Taken | null {
  const type = isPending && takesUnmigrated !== true ? typeIn(before, table, renames) : null;
  if (type === null) return null;
  const otherwise =
    `The schema in force is pending, and this document does not fit it, for whose documents ${name} is written. ` +
    `Say \`takesUnmigrated: true\` of ${name}, if its \`up\` takes such documents too.`;
  return { type, otherwise };
}

/** @throws TRANSFORM_INVALID when what a document leaves behind could change what becomes of another */
function assertLeavesNothing(name: string, { up, down }: DeclaredTransform): void {
  for (const [direction, run] of Object.entries({ up, down })) {
    const written = run === undefined ? [] : outlivingWrites(run);
    if (written.length === 0) continue;
    throw new TrueupError(
      "TRANSFORM_INVALID",
      `The \`${direction}\` of ${name} writes ${written.map((variable) => `\`${variable}\``).join(", ")}, which outlives its document: ` +
        "it would make other documents of the same ones after a restart. A transform must be a function of its document alone.",
      { name, direction, variables: written },
    );
  }
}

function assertTable(name: string, { table }: DeclaredTransform, after: SchemaJson | null): void {
  if (after?.schemaValidation !== true || findTable(after, table) !== undefined) return;
  throw new TrueupError(
    "TRANSFORM_INVALID",
    `The transform ${name} is of a table "${table}" that the schema does not have.`,
    { name, table },
  );
}

/** What is going to be recorded of new transforms, by their names. Those of one table follow each other. */
function recordsOf(
  { componentPath, before, after }: StepsInput,
  renames: readonly TableRename[],
  ordered: readonly { readonly name: string; readonly declared: DeclaredTransform }[],
): ReadonlyMap<string, TransformRecord> {
  const records = new Map<string, TransformRecord>();
  for (const table of new Set(ordered.map(({ declared }) => declared.table))) {
    const own = ordered.filter(({ declared }) => declared.table === table);
    const types = typesBetween(
      typeIn(before, table, renames),
      own.map(({ declared }) => declared.rename ?? null),
      typeIn(after, table),
    );
    for (const [at, { name, declared }] of own.entries()) {
      records.set(name, {
        kind: "transform",
        componentPath,
        name,
        table,
        fingerprint: fingerprintOf(declared),
        hasDown: declared.down !== undefined,
        before: types[at] ?? null,
        after: types[at + 1] ?? null,
      });
    }
  }
  return records;
}

function fieldRenamesOf(
  renaming: readonly { readonly declared: DeclaredTransform }[],
): NewTransforms["fieldRenames"] {
  const tables = new Set(renaming.map(({ declared: { table } }) => table));
  const renamesOf = (table: string): Readonly<Record<string, string>> =>
    composeFieldRenames(
      renaming.flatMap(({ declared: { table: own, rename } }) => (own === table && rename) || []),
    );
  return Object.fromEntries([...tables].map((table) => [table, renamesOf(table)]));
}
