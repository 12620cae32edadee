/**
 * Finds which aggregates of a table can stay as they are while a transform changes its documents: those for which every
 * document stays the same item. The rehearsal finds it out document by document, and the transaction that puts the program in
 * place looks again at those written since.
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

  /** Takes what the transforms of a rehearsal made of a document. */
  compare(before: Document, after: Document): void {
    for (const each of this.#left) if (!isUntouched(each, before, after)) this.#left.delete(each);
  }

  /** Whether no aggregate of the table can stay as it is. */
  get isEmpty(): boolean {
    return this.#left.size === 0;
  }

  /**
   * Notes the documents written since the rehearsal: part of the transaction that puts the program in place, before its
   * transforms.
   */
  async note(
    tx: MutationTransaction,
    { storedAs }: WatchedTable,
    touched: ReadonlySet<string>,
  ): Promise<void> {
    if (this.isEmpty) return;
    this.#shape = tx.tableShape(this.#componentPath, storedAs);
    this.#touched = await readSome(tx, this.#componentPath, touched);
  }

  /** Trusts the aggregates that stay as they are: part of the same transaction, when the table has its new name and shape. */
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
    // When it is built, the aggregate itself tells what is wrong with the document.
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
