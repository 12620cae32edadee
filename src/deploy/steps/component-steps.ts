/**
 * What a deploy does to the data of one component before its schema holds: which of the declared transforms and renames are
 * new, and which of those applied before it takes back. Decided from the declarations, the history and the two schemas alone.
 * `table-renames.ts` and `taken-back.ts` are its parts.
 */
import type { TransformDefinition, TransformFunction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { DeclaredTransform, ExportedDeclarations } from "../../functions/index.js";
import {
  composeFieldRenames,
  findTable,
  type SchemaJson,
  type SchemaRenames,
  type ValidatorJson,
} from "../../schema/index.js";
import { fingerprintOf } from "./fingerprint.js";
import { KnownTransforms } from "./known-transforms.js";
import { orderByRequires } from "./order-by-requires.js";
import type { AppliedStep, AppliedTransform } from "./step-history.js";
import { outlivingWrites } from "./outliving-writes.js";
import { isWithoutDocuments, newNames, tableRenames } from "./table-renames.js";
import { typeIn, typesBetween } from "./table-types.js";
import { takenBack } from "./taken-back.js";
import { originText, type ProgramOrigin } from "./transform-functions.js";

/** The code of a component as far as transforms go, and where it comes from. */
export interface DeclaringCode {
  readonly declarations: Pick<ExportedDeclarations, "transforms" | "tableRenames">;
  readonly origin: ProgramOrigin;
}

export interface StepsInput {
  readonly componentPath: string;
  readonly next: DeclaringCode;
  /** The code that runs; null when there is none. */
  readonly running: DeclaringCode | null;
  /** The steps that were applied to the component, in their order. */
  readonly history: readonly AppliedStep[];
  /** The schema in force. */
  readonly before: SchemaJson | null;
  /** Whether there may be documents that do not fit it. */
  readonly isPending: boolean;
  readonly after: SchemaJson | null;
  /** How many documents the component's tables have. */
  readonly documents: ReadonlyMap<string, number>;
}

export interface TableRename {
  readonly from: string;
  readonly to: string;
}

/** The documents that a transform is written for. */
export interface Taken {
  readonly type: ValidatorJson;
  /** What to say of one of another type. */
  readonly otherwise: string;
}

/** A transform to begin. */
export interface TransformStep {
  /** Its table by the name that it has then. */
  readonly table: string;
  readonly definition: TransformDefinition;
  readonly run: TransformFunction;
  /** What it is written for; null where that is not known, or every document comes to it in one shape. */
  readonly takes: Taken | null;
  /** Of one that goes forth, to be recorded; null for one that takes another back. */
  readonly record: Omit<AppliedTransform, "shape" | "appliedAtMs"> | null;
}

export interface ComponentSteps {
  readonly componentPath: string;
  /** To be made at once. */
  readonly renames: readonly TableRename[];
  /** Empty tables that have a name which another table takes. */
  readonly makeWay: readonly string[];
  /** In the order to begin them. */
  readonly transforms: readonly TransformStep[];
  /** Tables whose transforms are taken back. */
  readonly undone: ReadonlySet<string>;
  /** The history as it will be, without the transforms that are yet to begin. */
  readonly history: readonly AppliedStep[];
  /** Transforms that the deploy would have to take back and cannot, by table, with the reason. */
  readonly irreversible: ReadonlyMap<string, string>;
  /** For a plan: tables that take another name, and fields that transforms only rename. */
  readonly declaredRenames: SchemaRenames;
}

type Fresh = Omit<AppliedTransform, "shape" | "appliedAtMs">;

/** O(declarations + history). @throws TRANSFORM_INVALID */
export function componentSteps(input: StepsInput): ComponentSteps {
  const { componentPath, next, after } = input;
  const renames = tableRenames(input);
  const known = new KnownTransforms(input.history, next.declarations.transforms, newNames(renames.now));
  const fresh = known.fresh.map(({ name, declared }) => ({ name, declared, requires: declared.requires }));
  const ordered = orderByRequires(fresh, { kind: "transform", isDone: (name) => known.names.has(name) });
  const records = recordsOf(input, renames.now, ordered);
  const forth: TransformStep[] = [];
  const settled: AppliedTransform[] = [];
  for (const { name, declared } of ordered) {
    const record = records.get(name);
    if (record === undefined) throw new Error(`no record of ${name}`);
    if (isWithoutDocuments(input, renames.now, declared.table)) {
      // One of a table that is gone, or not there yet, has nothing to do with this deploy.
      const isThere = input.documents.has(declared.table);
      if (after === null ? !isThere : findTable(after, declared.table) === undefined) continue;
      settled.push({ ...record, shape: null, appliedAtMs: 0 });
      continue;
    }
    assertTable(name, declared, after);
    assertLeavesNothing(name, declared);
    forth.push({
      table: declared.table,
      definition: {
        name,
        origin: originText(next.origin, record.fingerprint, "up"),
        hasDown: record.hasDown,
      },
      run: declared.up,
      takes: forth.some(({ table }) => table === declared.table)
        ? null
        : takenWhilePending(input, renames.now, name, declared),
      record,
    });
  }
  const back = takenBack(input, known, renames.now, new Set(forth.map(({ table }) => table)));
  return {
    componentPath,
    renames: renames.now,
    makeWay: renames.makeWay,
    transforms: [...forth, ...back.steps],
    undone: new Set(back.steps.map(({ table }) => table)),
    history: [...renames.history, ...known.applied.filter((step) => !back.forgotten.has(step)), ...settled],
    irreversible: back.irreversible,
    declaredRenames: {
      tables: Object.fromEntries(renames.now.map(({ from, to }) => [from, to])),
      fields: fieldRenames(forth, ordered),
    },
  };
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
): ReadonlyMap<string, Fresh> {
  const records = new Map<string, Fresh>();
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

/** The fields that the transforms of a deploy only rename: by table, old path to new name. */
function fieldRenames(
  steps: readonly TransformStep[],
  declared: readonly { readonly name: string; readonly declared: DeclaredTransform }[],
): Record<string, Readonly<Record<string, string>>> {
  const begun = new Set(steps.map(({ definition: { name } }) => name));
  const renaming = declared.filter(({ name }) => begun.has(name));
  const tables = new Set(renaming.map(({ declared: { table } }) => table));
  const renamesOf = (table: string): Readonly<Record<string, string>> =>
    composeFieldRenames(
      renaming.flatMap(({ declared: { table: own, rename } }) => (own === table && rename) || []),
    );
  return Object.fromEntries([...tables].map((table) => [table, renamesOf(table)]));
}
