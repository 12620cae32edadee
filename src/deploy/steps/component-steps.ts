/**
 * What a deploy does to the data of one component before its schema holds: which of the declared transforms and renames are
 * new, and which of those applied before it takes back. Decided from the declarations, the history and the two schemas alone.
 *
 * A deploy takes a transform back when it no longer exports it and gives the table the type that it had before it. Only what
 * came last can be taken back, and only with a `down` in the code that runs now.
 */
import type { TransformDefinition, TransformFunction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { DeclaredTransform, Exported, ExportedDeclarations } from "../../functions/index.js";
import {
  accepts,
  findTable,
  type SchemaJson,
  type SchemaRenames,
  type ValidatorJson,
} from "../../schema/index.js";
import { fingerprintOf } from "./fingerprint.js";
import { orderByRequires } from "./order-by-requires.js";
import { KnownTransforms } from "./known-transforms.js";
import type { AppliedStep, AppliedTransform } from "./step-history.js";
import { newNames, tableRenames } from "./table-renames.js";
import { originText, type ProgramOrigin } from "./transform-functions.js";

/** The code of a component as far as transforms go, and where it comes from. */
export interface DeclaringCode {
  readonly declarations: ExportedDeclarations;
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
  readonly after: SchemaJson | null;
  /** How many documents the component's tables have. */
  readonly documents: ReadonlyMap<string, number>;
}

export interface TableRename {
  readonly from: string;
  readonly to: string;
}

/** A transform to begin. */
export interface TransformStep {
  /** Its table by the name that it has then. */
  readonly table: string;
  readonly definition: TransformDefinition;
  readonly run: TransformFunction;
  /** Of one that goes forth, to be recorded; null for one that takes another back. */
  readonly record: Omit<AppliedTransform, "shape" | "appliedAtMs"> | null;
}

export interface ComponentSteps {
  readonly componentPath: string;
  readonly renames: readonly TableRename[];
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

/** O(declarations + history). @throws TRANSFORM_INVALID */
export function componentSteps(input: StepsInput): ComponentSteps {
  const { componentPath, next, after } = input;
  const renames = tableRenames(input);
  const newName = newNames(renames.now);
  const known = new KnownTransforms(input.history, next.declarations.transforms, newName);
  const fresh = known.fresh.map(({ name, declared }) => ({ name, declared, requires: declared.requires }));
  const ordered = orderByRequires(fresh, known.names);
  const forth: TransformStep[] = [];
  const settled: AppliedTransform[] = [];
  for (const { name, declared } of ordered) {
    const record = recordOf(input, newName, name, declared);
    if (isWithoutDocuments(input, renames.now, declared.table)) {
      // One of a table that is gone, or not there yet, has nothing to do with this deploy.
      const isThere = input.documents.has(declared.table);
      if (after === null ? !isThere : findTable(after, declared.table) === undefined) continue;
      settled.push({ ...record, shape: null, appliedAtMs: 0 });
      continue;
    }
    assertTable(name, declared, after);
    forth.push({
      table: declared.table,
      definition: {
        name,
        origin: originText(next.origin, record.fingerprint, "up"),
        hasDown: record.hasDown,
      },
      run: declared.up,
      record,
    });
  }
  const back = takenBack(input, known, renames.now, new Set(forth.map(({ table }) => table)));
  return {
    componentPath,
    renames: renames.now,
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

function isWithoutDocuments(
  { documents }: StepsInput,
  renames: readonly TableRename[],
  table: string,
): boolean {
  const storedAs = renames.find(({ to }) => to === table)?.from ?? table;
  return (documents.get(storedAs) ?? 0) === 0;
}

function assertTable(name: string, { table }: DeclaredTransform, after: SchemaJson | null): void {
  if (after?.schemaValidation !== true || findTable(after, table) !== undefined) return;
  throw new TrueupError(
    "TRANSFORM_INVALID",
    `The transform ${name} is of a table "${table}" that the schema does not have.`,
    { name, table },
  );
}

function recordOf(
  { componentPath, before }: StepsInput,
  newName: (table: string) => string,
  name: string,
  declared: DeclaredTransform,
): Omit<AppliedTransform, "shape" | "appliedAtMs"> {
  const { table, down } = declared;
  const fingerprint = fingerprintOf(declared);
  const type = typeIn(before, newName, table);
  return {
    kind: "transform",
    componentPath,
    name,
    table,
    fingerprint,
    hasDown: down !== undefined,
    before: type,
  };
}

/** What is enforced of a table's documents, by the name that the table will have; null for nothing. */
function typeIn(
  schema: SchemaJson | null,
  newName: (table: string) => string,
  table: string,
): ValidatorJson | null {
  if (schema?.schemaValidation !== true) return null;
  return schema.tables.find(({ tableName }) => newName(tableName) === table)?.documentType ?? null;
}

interface TakenBack {
  readonly steps: readonly TransformStep[];
  readonly forgotten: ReadonlySet<AppliedTransform>;
  readonly irreversible: ReadonlyMap<string, string>;
}

function takenBack(
  input: StepsInput,
  known: KnownTransforms,
  renames: readonly TableRename[],
  transformed: ReadonlySet<string>,
): TakenBack {
  const { before, after } = input;
  const newName = newNames(renames);
  const steps: TransformStep[] = [];
  const forgotten = new Set<AppliedTransform>();
  const irreversible = new Map<string, string>();
  for (const { tableName, documentType } of after?.schemaValidation === true ? after.tables : []) {
    const type = typeIn(before, newName, tableName);
    if (transformed.has(tableName) || type === null || isSameType(type, documentType)) continue;
    const retired = known.retired(tableName);
    const last = retired.findIndex((step) => step.before !== null && isSameType(step.before, documentType));
    for (const step of retired.slice(0, last + 1)) {
      const undoing = isWithoutDocuments(input, renames, tableName) ? null : undo(input, step, tableName);
      if (typeof undoing === "string") irreversible.set(tableName, undoing);
      else if (undoing !== null) steps.push(undoing);
      forgotten.add(step);
    }
    if (!irreversible.has(tableName)) continue;
    for (const step of retired) forgotten.delete(step);
  }
  return {
    steps: steps.filter(({ table }) => !irreversible.has(table)),
    forgotten,
    irreversible,
  };
}

/** How to take back a transform, or why that cannot be. */
function undo({ running }: StepsInput, step: AppliedTransform, table: string): TransformStep | string {
  const found = running?.declarations.transforms.find(({ name }) => name === step.name);
  if (!step.hasDown) return `The transform ${step.name}, which was applied to it, has no \`down\`.`;
  if (running === null || found?.declared.down === undefined) {
    return `The transform ${step.name}, which was applied to it, is not in the code that runs now, nor is its \`down\`.`;
  }
  const { down } = found.declared;
  return {
    table,
    definition: {
      name: step.name,
      origin: originText(running.origin, fingerprintOf(found.declared), "down"),
      hasDown: true,
      ...(step.shape === null ? {} : { undoes: step.shape }),
    },
    run: down,
    record: null,
  };
}

function isSameType(a: ValidatorJson, b: ValidatorJson): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || (accepts(a, b) && accepts(b, a));
}

/** The fields that the transforms of a deploy only rename: by table, old path to new name. */
function fieldRenames(
  steps: readonly TransformStep[],
  declared: readonly Exported<DeclaredTransform>[],
): Record<string, Record<string, string>> {
  const fields: Record<string, Record<string, string>> = {};
  const begun = new Set(steps.map(({ definition: { name } }) => name));
  for (const { name, declared: transform } of declared) {
    const { table, rename } = transform;
    if (rename === undefined || !begun.has(name)) continue;
    fields[table] = { ...fields[table], [rename.from]: rename.to };
  }
  return fields;
}
