/**
 * Which aggregates of a table can stay as they are while a transform changes its documents: those for which every document
 * stays the same item. Found out in the rehearsal, document by document, and again for those written since.
 */
import type { Document, MutationTransaction } from "../../database/index.js";
import type { ExportedAggregate } from "../../functions/index.js";
import { trustThrough } from "../../integrity/index.js";
import type { WatchedTable } from "./touched-documents.js";

export class UntouchedAggregates {
  readonly #table: string;
  readonly #componentPath: string;
  readonly #left: Set<ExportedAggregate>;
  #shape = 0;
  #touched: ReadonlyMap<string, Document> = new Map();

  /** @param table By its new name, which aggregates of the new code know it by. */
  constructor(componentPath: string, table: string, aggregates: Iterable<ExportedAggregate>) {
    this.#componentPath = componentPath;
    this.#table = table;
    const own = [...aggregates].filter(
      (each) => each.componentPath === componentPath && each.aggregate.table === table,
    );
    this.#left = new Set(own.filter(({ aggregate }) => aggregate.isUntouched !== undefined));
  }

  /** What the transforms of a rehearsal made of a document. */
  compare(before: Document, after: Document): void {
    for (const each of this.#left) if (!isUntouched(each, before, after)) this.#left.delete(each);
  }

  /** Whether no aggregate of the table can stay as it is. */
  get isEmpty(): boolean {
    return this.#left.size === 0;
  }

  /** Part of the transaction that puts the program in place, before its transforms: the documents written since the rehearsal. */
  async note(
    tx: MutationTransaction,
    { storedAs }: WatchedTable,
    touched: ReadonlySet<string>,
  ): Promise<void> {
    if (this.isEmpty) return;
    this.#shape = tx.tableShape(this.#componentPath, storedAs);
    this.#touched = await readSome(tx, this.#componentPath, touched);
  }

  /** The same after the transforms, when the table has its new name: aggregates that stay as they are are trusted on. */
  async settle(tx: MutationTransaction): Promise<void> {
    if (this.isEmpty) return;
    const path = this.#componentPath;
    for (const [id, now] of await readSome(tx, path, new Set(this.#touched.keys()))) {
      const before = this.#touched.get(id);
      if (before !== undefined) this.compare(before, now);
    }
    const aggregates = [...this.#left].map(({ name, aggregate: { definition } }) => ({ name, definition }));
    await trustThrough(tx, aggregates, { from: this.#shape, to: tx.tableShape(path, this.#table) });
  }
}

function isUntouched({ aggregate }: ExportedAggregate, before: Document, after: Document): boolean {
  try {
    return aggregate.isUntouched?.(before, after) === true;
  } catch {
    // Its own build tells what is wrong with the document.
    return false;
  }
}

async function readSome(
  tx: MutationTransaction,
  path: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, Document>> {
  const reader = tx.component(path);
  const found = new Map<string, Document>();
  for (const id of ids) {
    const document = await reader.get(id);
    if (document !== null) found.set(id, document);
  }
  return found;
}
