/**
 * A dry run: the batch is migrated, its documents are compared with what they were, migrated a second time
 * to see whether that changes them again, and then everything is rolled back by an error that carries the
 * findings.
 */
import { ConvexError, type Value } from "convex/values";
import { messageOf } from "../failures.js";
import type { MigrationResult } from "../protocol.js";
import type { Rehearsal } from "../status.js";
import type { PlainDefinition } from "./definition.js";
import { differences, shortened } from "./difference.js";
import { operationOf } from "./operation.js";
import { recorded } from "./recorded-writes.js";
import { reread, type Ctx, type StoredDocument } from "./stored-document.js";

/** How many documents are shown of each kind. */
const shown = 10;

/**
 * Runs the batch with `run` on the page `documents`, then throws a ConvexError of kind "DRY RUN" with its
 * result and a `Rehearsal`.
 */
export async function rehearse(
  ctx: Ctx,
  definition: PlainDefinition,
  documents: readonly StoredDocument[],
  run: (trial: Ctx) => Promise<MigrationResult>,
): Promise<never> {
  const { table, schema } = definition;
  const tables = [...new Set([table, ...Object.keys(schema?.tables ?? {})])];
  const trial = recorded(ctx, new Set(documents.map(({ _id }) => _id)), tables);
  const result = await run(trial.ctx);
  const rehearsal: Rehearsal = {
    changed: 0,
    unchanged: 0,
    changes: {},
    otherWrites: trial.writes,
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
