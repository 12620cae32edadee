/**
 * Tries transforms on every document before they come into force. It reads small snapshots while the app goes on,
 * writes nothing, and counts failures by kind and losses by field. Documents go through the same transforms that they
 * will go through then: one that lags behind a transform which is taken back is not carried over at all.
 *
 * A transform that gives another result another time is no function of its document. It cannot reach clocks and the like; what it
 * can still do is keep state. So each batch runs a second time in the other order. Where the modules could be imported anew, the
 * whole table runs once more, from its end, beside new instances of the modules that have only seen one invented document.
 */
import { encodeId, prefixEnd } from "../../values/index.js";
import { pause } from "../../work/index.js";
import { internalIdLength } from "../catalog/key-layout.js";
import type { Upkeep } from "../upkeep.js";
import type { TransactionState } from "../transaction/transaction.js";
import { Stage, type FoundLoss, type Outcome } from "./rehearsal-stage.js";
import type {
  Rehearsal,
  RehearsalComplaint,
  RehearsalFailure,
  RehearsalLoss,
  RehearsalPlan,
} from "./types.js";

const documentsPerBatch = 200;
const maxIds = 20;
/** At most so many fields are reported, because records may have any number. */
const maxLosses = 100;

interface BatchOfDocuments {
  readonly stage: Stage;
  readonly documents: readonly { readonly id: string; readonly text: string }[];
  readonly total: number;
}

/** O(documents × transforms). Rejects with the signal's reason, or with what the check throws. */
export async function rehearse(database: Upkeep, plan: RehearsalPlan): Promise<Rehearsal> {
  const tally = new Tally();
  await overAll(database, plan, false, ({ stage, documents, total }) => {
    const texts = documents.map(({ id, text }) => {
      const outcome = stage.inspect(text);
      tally.add(id, outcome);
      return outcome.text;
    });
    const otherwise: string[] = [];
    for (const [at, { id, text }] of [...documents.entries()].toReversed()) {
      const made = texts[at] ?? null;
      if (made !== null && stage.textOf(text) !== made) otherwise.unshift(id);
    }
    for (const id of otherwise) tally.complain(id, [impure]);
    plan.onProgress?.({ processed: tally.processed, total });
  });
  if (tally.hasFailed || plan.through.every(({ anew }) => anew === undefined)) return tally.result();
  let isFirst = true;
  await overAll(database, plan, true, ({ stage, documents }) => {
    for (const { id, text } of documents) {
      if (isFirst) stage.mislead(text);
      isFirst = false;
      if (stage.textOf(text) !== stage.textOf(text, true)) tally.complain(id, [otherwiseAnew]);
    }
  });
  return tally.result();
}

/** Goes over the documents of the table in batches, from the first one or from the last. */
async function overAll(
  database: Upkeep,
  plan: RehearsalPlan,
  isReverse: boolean,
  look: (batch: BatchOfDocuments) => void,
): Promise<void> {
  let cursor: string | null = "";
  while (cursor !== null) {
    plan.signal?.throwIfAborted();
    const after: string = cursor;
    cursor = await database.inspect((state) => inBatch(state, plan, after, isReverse, look));
    await pause(0);
  }
}

/** The key of the last document that was looked at; null after the last of all. */
async function inBatch(
  state: TransactionState,
  plan: RehearsalPlan,
  cursor: string,
  isReverse: boolean,
  look: (batch: BatchOfDocuments) => void,
): Promise<string | null> {
  const table = state.catalog.table(plan.componentPath, plan.tableName);
  if (table === undefined) return null;
  const { documentsPrefix } = table;
  const start = cursor === "" || isReverse ? documentsPrefix : `${cursor}\x00`;
  const end = cursor === "" || !isReverse ? prefixEnd(documentsPrefix) : cursor;
  const entries = await state.stored.scan({ start, end }, { limit: documentsPerBatch, reverse: isReverse });
  const documents = entries.map(([key, text]) => ({
    id: encodeId(table.number, key.slice(-internalIdLength)),
    text,
  }));
  const { documents: total } = await state.counts(table);
  look({ stage: new Stage(state.base.shapes, table, plan), documents, total });
  return entries.length < documentsPerBatch ? null : (entries.at(-1)?.[0] ?? null);
}

const impure: RehearsalComplaint = {
  kind: "impure",
  message: "It made another document of the same one when it ran again: a transform must be pure.",
};

const otherwiseAnew: RehearsalComplaint = {
  kind: "impure",
  message:
    "It made another document of the same one when its module was imported anew, at another time, with another environment, and saw " +
    "the documents in another order: a transform must be pure, and keep nothing outside of the document.",
};

class Tally {
  processed = 0;
  #failed = 0;
  readonly #kinds = new Map<string, { count: number; message: string; ids: string[] }>();
  readonly #losses = new Map<string, FoundLoss & { count: number; ids: string[] }>();
  readonly #used = new Set<string>();

  get hasFailed(): boolean {
    return this.#failed > 0;
  }

  add(id: string, { complaints, losses, used }: Outcome): void {
    this.processed++;
    this.complain(id, complaints);
    for (const loss of losses) this.#lose(id, loss);
    for (const { transform, path } of used) this.#used.add(JSON.stringify([transform, path]));
  }

  /** Counts what is wrong with a document. Call it once for each document, or not at all. */
  complain(id: string, complaints: readonly RehearsalComplaint[]): void {
    if (complaints.length === 0) return;
    this.#failed++;
    const seen = new Set<string>();
    for (const { kind, message } of complaints) {
      if (seen.has(kind)) continue;
      seen.add(kind);
      const known = this.#kinds.get(kind);
      if (known === undefined) this.#kinds.set(kind, { count: 1, message, ids: [id] });
      else count(known, id);
    }
  }

  #lose(id: string, loss: FoundLoss): void {
    const key = JSON.stringify([loss.transform, loss.kind, loss.path, loss.isDoubtful]);
    const known = this.#losses.get(key);
    if (known !== undefined) count(known, id);
    else if (this.#losses.size < maxLosses) this.#losses.set(key, { ...loss, count: 1, ids: [id] });
  }

  result(): Rehearsal {
    const failures: RehearsalFailure[] = [...this.#kinds].map(([kind, found]) => ({ kind, ...found }));
    failures.sort((a, b) => b.count - a.count);
    const losses: RehearsalLoss[] = [...this.#losses.values()]
      .filter(
        ({ isDoubtful, transform, path }) =>
          !isDoubtful || !this.#used.has(JSON.stringify([transform, path])),
      )
      .map(({ isDoubtful: _isDoubtful, ...loss }) => loss);
    losses.sort((a, b) => b.count - a.count);
    return { processed: this.processed, failed: this.#failed, failures, losses };
  }
}

function count(known: { count: number; ids: string[] }, id: string): void {
  known.count++;
  if (known.ids.length < maxIds) known.ids.push(id);
}
