/**
 * A dry run: the batch is migrated, its documents are compared field by field with what they were, migrated a second time
 * to see whether that changes them again, and then everything is rolled back by an error that carries the
 * findings.
 */
import type { GenericDocument } from "convex/server";
import { compareValues, ConvexError, convexToJson, type Value } from "convex/values";
import { messageOf } from "../../component/failures.js";
import type { MigrationResult } from "../../component/protocol.js";
import type { FieldDifference, Rehearsal } from "../../component/status.js";
import type { PlainDefinition } from "../definition.js";
import type { StoredDocument } from "../range/cursor.js";
import { reread, watched, type Ctx, type NoteWrite } from "./current-documents.js";
import { operationOf } from "./operation.js";

/** How many documents are shown of each kind. */
const shown = 10;
/** A value whose JSON is longer is shown by its beginning. */
const shownLength = 200;

/**
 * Runs the batch with `run` on the page `documents`. Always throws: a ConvexError of kind "DRY RUN" with the result of
 * the batch and a `Rehearsal`, or what the batch failed with.
 */
export async function rehearse(
  ctx: Ctx,
  definition: PlainDefinition,
  documents: readonly StoredDocument[],
  run: (trial: Ctx) => Promise<MigrationResult>,
): Promise<never> {
  const { table, schema } = definition;
  const tables = [...new Set([table, ...Object.keys(schema?.tables ?? {})])];
  const own = new Set<string>(documents.map(({ _id }) => _id));
  const otherWrites: Record<string, number> = {};
  const result = await run(watched(ctx, countOtherWrites(ctx, own, tables, otherWrites)));
  const rehearsal: Rehearsal = {
    changed: 0,
    unchanged: 0,
    changes: {},
    otherWrites,
    examples: [],
    notIdempotent: 0,
    notIdempotentExamples: [],
  };
  const tried = documents.slice(0, result.processed);
  for (const before of tried) note(rehearsal, before, await reread(ctx, table, before._id));
  for (const { _id } of tried) {
    const document = await reread(ctx, table, _id);
    const why = document === null ? null : await changeOfSecondRun(ctx, definition, document);
    if (why === null) continue;
    rehearsal.notIdempotent++;
    if (rehearsal.notIdempotent <= shown) rehearsal.notIdempotentExamples.push({ id: _id, why });
  }
  print(rehearsal, result);
  throw new ConvexError<Value>({ kind: "DRY RUN", result, rehearsal });
}

/**
 * Counts writes by kind and table, as in `{ "insert preferences": 12 }`, except those to the documents of `own`. A
 * document that is written by its id alone is counted under the first of `tables` that has it.
 */
function countOtherWrites(
  ctx: Ctx,
  own: ReadonlySet<string>,
  tables: readonly string[],
  counts: Record<string, number>,
): NoteWrite {
  const tableOf = (id: string): string =>
    tables.find((table) => ctx.db.normalizeId(table, id) !== null) ?? "a document";
  return (kind, table, id) => {
    if (id !== undefined && own.has(id)) return;
    const what = `${kind} ${table ?? tableOf(id ?? "")}`;
    counts[what] = (counts[what] ?? 0) + 1;
  };
}

function note(rehearsal: Rehearsal, before: StoredDocument, after: StoredDocument | null): void {
  const found = after === null ? [] : differences(before, after);
  if (after !== null && found.length === 0) {
    rehearsal.unchanged++;
    return;
  }
  rehearsal.changed++;
  const kinds = after === null ? ["deleted"] : found.map(({ kind, path }) => `${kind} ${path}`);
  for (const kind of kinds) rehearsal.changes[kind] = (rehearsal.changes[kind] ?? 0) + 1;
  if (rehearsal.examples.length < shown) {
    const deleted = after === null ? ({ deleted: true } as const) : {};
    rehearsal.examples.push({ id: before._id, ...deleted, differences: found.map(shortened) });
  }
}

/** What a second run does to the document, in words; null when it does nothing. */
async function changeOfSecondRun(
  ctx: Ctx,
  definition: PlainDefinition,
  document: StoredDocument,
): Promise<string | null> {
  try {
    await operationOf(definition, undefined)(ctx, document);
  } catch (error) {
    return `fails: ${messageOf(error)}`;
  }
  const after = await reread(ctx, definition.table, document._id);
  if (after === null) return "deletes it";
  const again = differences(document, after);
  return again.length === 0 ? null : `changes ${again.map(({ path }) => path).join(", ")}`;
}

function print(rehearsal: Rehearsal, { continueCursor }: MigrationResult): void {
  const { changed, unchanged, changes, otherWrites } = rehearsal;
  for (const example of rehearsal.examples) console.debug("DRY RUN: change", example);
  console.debug("DRY RUN: counts", { changed, unchanged, changes, otherWrites });
  if (changed === 0) {
    const next = `{"dryRun": true, "cursor": ${JSON.stringify(continueCursor)}}`;
    console.debug(`DRY RUN: nothing would change here; the next batch: ${next}`);
  }
  for (const { id, why } of rehearsal.notIdempotentExamples) {
    console.warn(`DRY RUN: not idempotent: a second run ${why} in document ${id}`);
  }
}

/** The fields in which `after` differs from `before`, by their paths; none when the two are equal. */
function differences(before: GenericDocument, after: GenericDocument): FieldDifference[] {
  return within("", before, after);
}

function within(
  prefix: string,
  before: Record<string, Value>,
  after: Record<string, Value>,
): FieldDifference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return fields.flatMap((field) => ofField(prefix + field, before[field], after[field]));
}

function ofField(path: string, before: Value | undefined, after: Value | undefined): FieldDifference[] {
  if (before === undefined) return after === undefined ? [] : [{ path, kind: "added", after }];
  if (after === undefined) return [{ path, kind: "removed", before }];
  if (isPlainObject(before) && isPlainObject(after)) return within(`${path}.`, before, after);
  return compareValues(before, after) === 0 ? [] : [{ path, kind: "changed", before, after }];
}

function isPlainObject(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The same difference with large values cut to the beginning of their JSON. */
function shortened(difference: FieldDifference): FieldDifference {
  switch (difference.kind) {
    case "added":
      return { ...difference, after: brief(difference.after) };
    case "removed":
      return { ...difference, before: brief(difference.before) };
    case "changed":
      return { ...difference, before: brief(difference.before), after: brief(difference.after) };
  }
}

function brief(value: Value): Value {
  const json = JSON.stringify(convexToJson(value));
  return json.length <= shownLength ? value : `${json.slice(0, shownLength)}…`;
}
