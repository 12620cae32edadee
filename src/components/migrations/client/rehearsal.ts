/**
 * A dry run: the batch has been migrated, its documents are compared with what they were, migrated a second
 * time to see whether that changes them again, and then everything is rolled back by an error that carries
 * the findings.
 */
import { ConvexError, type Value } from "convex/values";
import { messageOf } from "../failures.js";
import type { MigrationResult } from "../protocol.js";
import type { PlainDefinition } from "./definition.js";
import { differences, type FieldDifference } from "./difference.js";
import { migrateDocument, reread, type Ctx, type StoredDocument } from "./stored-document.js";

/** How many changed documents a dry run shows. */
const shown = 10;

/** What a dry run found. */
export type Rehearsal = {
  /** Documents that the batch would change or delete. */
  changed: number;
  unchanged: number;
  /** How often each kind of change occurs, as in `{ "added plan": 90, "removed isPro": 90 }`. */
  changes: Record<string, number>;
  /** The first changed documents; `deleted` instead of differences for one that is gone afterwards. */
  examples: { id: string; deleted?: true; differences: FieldDifference[] }[];
  /** Documents that a second run would change again, or fail on. */
  notIdempotent: { id: string; why: string }[];
};

/** Compares the migrated `documents` with what is stored now; returns the error to throw. */
export async function rehearse(
  ctx: Ctx,
  definition: PlainDefinition,
  documents: readonly StoredDocument[],
  result: MigrationResult,
): Promise<ConvexError<Value>> {
  const rehearsal: Rehearsal = { changed: 0, unchanged: 0, changes: {}, examples: [], notIdempotent: [] };
  const migrated: StoredDocument[] = [];
  for (const before of documents) {
    const after = await reread(ctx, definition, before);
    if (after !== null) migrated.push(after);
    record(rehearsal, before, after);
  }
  for (const document of migrated) {
    const why = await changeOfSecondRun(ctx, definition, document);
    if (why !== null) rehearsal.notIdempotent.push({ id: document._id, why });
  }
  print(rehearsal, result);
  return new ConvexError<Value>({ kind: "DRY RUN", result, rehearsal });
}

function record(rehearsal: Rehearsal, before: StoredDocument, after: StoredDocument | null): void {
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
    rehearsal.examples.push({ id: before._id, ...deleted, differences: found });
  }
}

async function changeOfSecondRun(
  ctx: Ctx,
  definition: PlainDefinition,
  document: StoredDocument,
): Promise<string | null> {
  try {
    await migrateDocument(ctx, definition, document);
  } catch (error) {
    return `fails: ${messageOf(error)}`;
  }
  const after = await reread(ctx, definition, document);
  if (after === null) return "deletes it";
  const again = differences(document, after);
  return again.length === 0 ? null : `changes ${again.map(({ path }) => path).join(", ")}`;
}

function print(rehearsal: Rehearsal, { continueCursor }: MigrationResult): void {
  for (const example of rehearsal.examples) console.debug("DRY RUN: change", example);
  console.debug("DRY RUN: counts", {
    changed: rehearsal.changed,
    unchanged: rehearsal.unchanged,
    changes: rehearsal.changes,
  });
  if (rehearsal.changed === 0) {
    console.debug(
      `DRY RUN: nothing would change; the next batch: {"dryRun": true, "cursor": ${JSON.stringify(continueCursor)}}`,
    );
  }
  for (const { id, why } of rehearsal.notIdempotent) {
    console.warn(`DRY RUN: not idempotent: a second run ${why} in document ${id}`);
  }
}
