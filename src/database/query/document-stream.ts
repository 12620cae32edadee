/** Yields the documents of a query one by one: a scan, then the query's filters and limits in the order they were given. */
import type { MaybePromise } from "../../storage/storage.js";
import type { Document } from "../documents/document.js";
import { copyDocument, type StoredDocument } from "../documents/stored-document.js";
import { compileFilter } from "./compile-expression.js";
import type { ScanPlan } from "./plan-query.js";
import type { DocumentStream, QueryOperator } from "./query.js";
import { Scan, type ScanState } from "./scan.js";

type Step = { readonly passes: (document: Document) => boolean } | { remaining: number };

/** The operators of one run of a query. */
export class Pipeline {
  readonly #steps: readonly Step[];

  constructor(operators: readonly QueryOperator[]) {
    this.#steps = operators.map((operator) =>
      "filter" in operator ? { passes: compileFilter(operator.filter) } : { remaining: operator.limit },
    );
  }

  /** True when a limit has let through all it may, so that no more documents can come out. */
  get isFull(): boolean {
    return this.#steps.some((step) => "remaining" in step && step.remaining <= 0);
  }

  /** Whether the document comes out at the end. @throws INVALID_FILTER */
  accepts(document: Document): boolean {
    for (const step of this.#steps) {
      if ("passes" in step) {
        if (!step.passes(document)) return false;
      } else {
        if (step.remaining <= 0) return false;
        step.remaining--;
      }
    }
    return true;
  }
}

/** The size of the first batch where nothing says how many documents are wanted. */
const defaultFirstBatch = 16;

/** How many rows to read first: as many as the limits of the query let through when no filter drops any. */
function firstBatch(operators: readonly QueryOperator[]): number {
  let rows = Infinity;
  for (const operator of operators) if ("limit" in operator) rows = Math.min(rows, operator.limit);
  return rows === Infinity ? defaultFirstBatch : rows;
}

export class QueryStream implements DocumentStream {
  readonly #pipeline: Pipeline;
  #scan: Scan | null;

  constructor(state: ScanState, plan: ScanPlan, operators: readonly QueryOperator[]) {
    this.#pipeline = new Pipeline(operators);
    this.#scan = new Scan(state, plan, firstBatch(operators));
  }

  async next(): Promise<Document | null> {
    for (;;) {
      const stored = this.#step();
      const found = stored instanceof Promise ? await stored : stored;
      if (found === null) {
        this.close();
        return null;
      }
      if (this.#pipeline.accepts(found.document)) return copyDocument(found);
    }
  }

  async take(count: number): Promise<Document[]> {
    const documents: Document[] = [];
    while (documents.length < count) {
      const stored = this.#step();
      const found = stored instanceof Promise ? await stored : stored;
      if (found === null) {
        this.close();
        break;
      }
      if (this.#pipeline.accepts(found.document)) documents.push(copyDocument(found));
    }
    return documents;
  }

  close(): void {
    this.#scan?.close();
    this.#scan = null;
  }

  #step(): MaybePromise<StoredDocument | null> {
    if (this.#scan === null || this.#pipeline.isFull) return null;
    return this.#scan.next();
  }
}

/** The stream of a query on a table that does not exist. */
export class EmptyStream implements DocumentStream {
  next(): Promise<null> {
    return Promise.resolve(null);
  }
  take(): Promise<Document[]> {
    return Promise.resolve([]);
  }
  close(): void {}
}
