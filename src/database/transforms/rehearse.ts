/**
 * A transform tried on every document before it comes into force. Reads in small snapshots while the app goes on,
 * writes nothing, and counts what would go wrong by kind. Each document is carried over twice, since what comes out
 * otherwise the second time is no function of the document.
 */
import { isTrueupError } from "../../errors/index.js";
import { encodeId, prefixEnd, stringifyValue } from "../../values/index.js";
import type { TableEntry } from "../catalog/catalog.js";
import { internalIdLength } from "../catalog/key-layout.js";
import type { Database } from "../database.js";
import { copyDocument, decodeDocument, type StoredDocument } from "../documents/stored-document.js";
import { pause } from "../pause.js";
import type { TransactionState } from "../transaction/transaction.js";
import { applyTransform, TransformProblem } from "./apply-transform.js";
import type { Rehearsal, RehearsalComplaint, RehearsalFailure, RehearsalPlan } from "./types.js";

const BATCH = 200;
const MAX_IDS = 20;

/** O(documents × transforms). Rejects with the signal's reason, or with what the check throws. */
export async function rehearse(database: Database, plan: RehearsalPlan): Promise<Rehearsal> {
  const tally = new Tally();
  let cursor: string | null = "";
  while (cursor !== null) {
    plan.signal?.throwIfAborted();
    const after: string = cursor;
    cursor = await database.inspect((state) => rehearseBatch(state, plan, after, tally));
    await pause(0);
  }
  return tally.result();
}

/** The key of the last document that was tried; null after the last of all. */
async function rehearseBatch(
  state: TransactionState,
  plan: RehearsalPlan,
  cursor: string,
  tally: Tally,
): Promise<string | null> {
  const table = state.catalog.table(plan.componentPath, plan.tableName);
  if (table === undefined) return null;
  const start = cursor === "" ? table.documentsPrefix : `${cursor}\x00`;
  const range = { start, end: prefixEnd(table.documentsPrefix) };
  const entries = await state.base.storage.scan(range, { limit: BATCH });
  for (const [key, text] of entries) {
    const id = encodeId(table.number, key.slice(-internalIdLength));
    tally.add(id, complaintsAbout(state, table, text, plan));
  }
  const { documents: total } = await state.counts(table, false);
  plan.onProgress?.({ processed: tally.processed, total });
  return entries.length < BATCH ? null : (entries.at(-1)?.[0] ?? null);
}

function complaintsAbout(
  state: TransactionState,
  table: TableEntry,
  text: string,
  { through, check }: RehearsalPlan,
): readonly RehearsalComplaint[] {
  try {
    const before = state.base.inShape(table, decodeDocument(text));
    const run = (): StoredDocument =>
      through.reduce((document, transform) => applyTransform(transform, document, 0), before);
    const after = run();
    if (stringifyValue(run().document) !== stringifyValue(after.document)) return [impure];
    return check?.(copyDocument(after)) ?? [];
  } catch (error) {
    if (error instanceof TransformProblem) return [{ kind: error.kind, message: error.message }];
    // One that is in force already, on a document that it should have been tried on before.
    if (isTrueupError(error) && error.code === "TRANSFORM_FAILED") {
      return [{ kind: "threw", message: error.message }];
    }
    throw error;
  }
}

const impure: RehearsalComplaint = {
  kind: "impure",
  message: "It made another document of the same one when it ran again: a transform must be pure.",
};

class Tally {
  processed = 0;
  #failed = 0;
  readonly #kinds = new Map<string, { count: number; message: string; ids: string[] }>();

  add(id: string, complaints: readonly RehearsalComplaint[]): void {
    this.processed++;
    if (complaints.length === 0) return;
    this.#failed++;
    const seen = new Set<string>();
    for (const { kind, message } of complaints) {
      if (seen.has(kind)) continue;
      seen.add(kind);
      const known = this.#kinds.get(kind);
      if (known === undefined) this.#kinds.set(kind, { count: 1, message, ids: [id] });
      else {
        known.count++;
        if (known.ids.length < MAX_IDS) known.ids.push(id);
      }
    }
  }

  result(): Rehearsal {
    const failures: RehearsalFailure[] = [...this.#kinds].map(([kind, found]) => ({ kind, ...found }));
    failures.sort((a, b) => b.count - a.count);
    return { processed: this.processed, failed: this.#failed, failures };
  }
}
