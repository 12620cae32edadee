/**
 * A transform tried on every document before it comes into force. Reads in small snapshots while the app goes on,
 * writes nothing, and counts what would go wrong by kind. Documents take the way that they will take then: one that
 * lags behind a transform which is taken back is not carried over at all. Each goes twice, since what comes out
 * otherwise the second time is no function of the document.
 */
import { isTrueupError } from "../../errors/index.js";
import { encodeId, prefixEnd, stringifyValue } from "../../values/index.js";
import type { TableEntry, TransformEntry } from "../catalog/catalog.js";
import { internalIdLength } from "../catalog/key-layout.js";
import type { Database } from "../database.js";
import { copyDocument, decodeDocument } from "../documents/stored-document.js";
import { pause } from "../pause.js";
import type { TransactionState } from "../transaction/transaction.js";
import { newTransform } from "./prepared-transforms.js";
import { Shapes } from "./shapes.js";
import type {
  Rehearsal,
  RehearsalComplaint,
  RehearsalFailure,
  RehearsalPlan,
  RehearsedTransform,
  TransformFunction,
} from "./types.js";

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
  const stage = new Stage(state.base.shapes, table, plan);
  for (const [key, text] of entries) {
    const id = encodeId(table.number, key.slice(-internalIdLength));
    tally.add(id, stage.complaintsAbout(text));
  }
  const { documents: total } = await state.counts(table, false);
  plan.onProgress?.({ processed: tally.processed, total });
  return entries.length < BATCH ? null : (entries.at(-1)?.[0] ?? null);
}

/** The table as it would be with the transforms in force. */
class Stage {
  readonly #table: TableEntry;
  readonly #shape: number;
  /** Two, as each remembers what it made. */
  readonly #shapes: readonly [Shapes, Shapes] = [new Shapes(), new Shapes()];
  readonly #check: RehearsalPlan["check"];

  constructor(shapes: Shapes, table: TableEntry, { through, check }: RehearsalPlan) {
    const inForce = table.transforms.filter(({ shape }) => shape <= table.shape);
    const added = through.map((rehearsed, at) => entryOf(rehearsed, at, table.shape + 1 + at));
    this.#table = { ...table, transforms: [...inForce, ...added] };
    this.#shape = table.shape + through.length;
    this.#check = check;
    const byShape = new Map<number, TransformFunction>();
    for (const transform of inForce) {
      const run = shapes.functionOf(table, transform);
      if (run !== undefined) byShape.set(transform.shape, run);
    }
    for (const [at, { shape }] of added.entries()) {
      const rehearsed = through[at];
      if (rehearsed !== undefined) byShape.set(shape, functionOf(rehearsed));
    }
    for (const one of this.#shapes) one.setResolver(({ shape }) => byShape.get(shape));
  }

  /** @throws TRANSFORM_MISSING, and what the check throws */
  complaintsAbout(text: string): readonly RehearsalComplaint[] {
    const stored = decodeDocument(text);
    try {
      const [after, again] = this.#shapes.map((shapes) => shapes.at(this.#table, stored, this.#shape));
      if (after === undefined || again === undefined) return [];
      if (stringifyValue(again.document) !== stringifyValue(after.document)) return [impure];
      return this.#check?.(copyDocument(after)) ?? [];
    } catch (error) {
      if (!isTrueupError(error) || error.code !== "TRANSFORM_FAILED") throw error;
      return [{ kind: String(error.details["kind"]), message: String(error.details["error"]) }];
    }
  }
}

function functionOf(rehearsed: RehearsedTransform): TransformFunction {
  return typeof rehearsed === "function" ? rehearsed : rehearsed.run;
}

function entryOf(rehearsed: RehearsedTransform, at: number, shape: number): TransformEntry {
  const undoes = typeof rehearsed === "function" ? undefined : rehearsed.undoes;
  const definition = { name: `#${at}`, origin: "", hasDown: false };
  return newTransform(undoes === undefined ? definition : { ...definition, undoes }, shape, 0);
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
