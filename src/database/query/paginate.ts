/**
 * Reads one page of a query. The page ends after `numItems` documents, or exactly at `endCursor` however much lies before it,
 * or where `maximumRowsRead` or `maximumBytesRead` is used up. A page that read three quarters of what it may
 * read recommends to be split.
 */
import { TrueupError } from "../../errors/index.js";
import type { Document } from "../documents/document.js";
import { copyDocument } from "../documents/stored-document.js";
import { prefixLength } from "../catalog/key-layout.js";
import { decodeCursor, encodeCursor, fingerprint, type Position, type QueryTarget } from "./cursor.js";
import { Pipeline } from "./document-stream.js";
import type { ScanPlan } from "./plan-query.js";
import type { Page, PageOptions, Query } from "./query.js";
import { Scan, type ScanState } from "./scan.js";

/** @throws INVALID_CURSOR, INVALID_PAGE_OPTIONS, INVALID_FILTER, TRANSACTION_LIMIT */
export async function paginate(
  state: ScanState,
  plan: ScanPlan,
  query: Query,
  options: PageOptions,
): Promise<Page> {
  checkOptions(options);
  const { table, fields } = plan;
  const print = fingerprint(query, {
    componentPath: table.componentPath,
    tableName: table.name,
    fields,
  });
  const from = optionalCursor(options.cursor, print);
  const to = optionalCursor(options.endCursor, print);
  const run = new PageRun(state, narrow(plan, from, to), query, options, to !== null);
  try {
    await run.read();
  } finally {
    run.close();
  }
  const reached = to ?? run.position ?? from ?? { after: "" };
  const { status } = run;
  return {
    page: run.documents,
    isDone: reached === "end",
    continueCursor: encodeCursor(print, reached),
    splitCursor: run.middle === null ? null : encodeCursor(print, run.middle),
    pageStatus: status,
  };
}

/** The page of a query on a table that does not exist. @throws INVALID_CURSOR, INVALID_PAGE_OPTIONS */
export function emptyPage(query: Query, target: QueryTarget, options: PageOptions): Page {
  checkOptions(options);
  const print = fingerprint(query, target);
  optionalCursor(options.cursor, print);
  optionalCursor(options.endCursor, print);
  return {
    page: [],
    isDone: true,
    continueCursor: encodeCursor(print, "end"),
    splitCursor: null,
    pageStatus: null,
  };
}

class PageRun {
  readonly documents: Document[] = [];
  readonly #state: ScanState;
  readonly #scan: Scan;
  readonly #pipeline: Pipeline;
  readonly #numItems: number;
  readonly #maximumRows: number;
  readonly #maximumBytes: number;
  readonly #positions: Position[] = [];
  #bytesRead = 0;
  #isCut = false;
  #isAtEnd = false;

  constructor(state: ScanState, plan: ScanPlan, query: Query, options: PageOptions, endsAtCursor: boolean) {
    this.#state = state;
    this.#pipeline = new Pipeline(query.operators);
    this.#numItems = endsAtCursor ? Infinity : options.numItems;
    // A page up to a cursor must be whole, however much there is.
    this.#maximumRows = (endsAtCursor ? undefined : options.maximumRowsRead) ?? Infinity;
    this.#maximumBytes = (endsAtCursor ? undefined : options.maximumBytesRead) ?? Infinity;
    const wanted = Math.min(this.#numItems + 1, this.#maximumRows);
    this.#scan = new Scan(state, plan, wanted === Infinity ? 64 : wanted);
  }

  /** Where the page ends; null when it has not moved. */
  get position(): Position | null {
    return this.#isAtEnd ? "end" : (this.#positions.at(-1) ?? null);
  }

  get status(): Page["pageStatus"] {
    if (this.#isCut) return "SplitRequired";
    const { documentsRead, bytesRead } = this.#state.usage.limits;
    const rows = Math.min(this.#maximumRows, documentsRead ?? Infinity);
    const bytes = Math.min(this.#maximumBytes, bytesRead ?? Infinity);
    const isNear = this.#positions.length > (rows * 3) / 4 || this.#bytesRead > (bytes * 3) / 4;
    return isNear && this.middle !== null ? "SplitRecommended" : null;
  }

  get middle(): Position | null {
    const { length } = this.#positions;
    return length > 2 ? (this.#positions[Math.floor(length / 2)] ?? null) : null;
  }

  async read(): Promise<void> {
    while (this.documents.length < this.#numItems) {
      if (this.#pipeline.isFull) {
        this.#isAtEnd = true;
        return;
      }
      if (this.#positions.length >= this.#maximumRows || this.#bytesRead >= this.#maximumBytes) {
        this.#isAtEnd = await this.#scan.isAtEnd();
        this.#isCut = !this.#isAtEnd;
        return;
      }
      const next = this.#scan.next();
      const stored = next instanceof Promise ? await next : next;
      if (stored === null) {
        this.#isAtEnd = true;
        return;
      }
      this.#positions.push({ after: (this.#scan.lastKey ?? "").slice(prefixLength) });
      this.#bytesRead += stored.sizeBytes;
      if (this.#pipeline.accepts(stored.document)) this.documents.push(copyDocument(stored));
    }
    if (this.#numItems > 0) this.#isAtEnd = this.#pipeline.isFull || (await this.#scan.isAtEnd());
  }

  close(): void {
    this.#scan.close();
  }
}

/** The part of the range after one position, up to and with the other. */
function narrow(plan: ScanPlan, from: Position | null, to: Position | null): ScanPlan {
  const { isReverse } = plan;
  const prefix = plan.start.slice(0, prefixLength);
  let { start, end } = plan;
  if (from === "end") return { ...plan, end: start };
  if (from !== null && from.after !== "") {
    if (isReverse) end = lesser(end, prefix + from.after);
    else start = greater(start, `${prefix}${from.after}\x00`);
  }
  if (to !== null && to !== "end") {
    if (isReverse) start = greater(start, prefix + to.after);
    else end = lesser(end, `${prefix}${to.after}\x00`);
  }
  return { ...plan, start, end };
}

function greater(a: string, b: string): string {
  return a > b ? a : b;
}

function lesser(a: string, b: string): string {
  return a < b ? a : b;
}

function optionalCursor(cursor: unknown, print: string): Position | null {
  return cursor === null || cursor === undefined ? null : decodeCursor(cursor, print);
}

function checkOptions(options: PageOptions): void {
  if (!(options.numItems >= 0)) {
    throw new TrueupError(
      "INVALID_PAGE_OPTIONS",
      `numItems must be a number that is not negative, got ${String(options.numItems)}.`,
      { option: "numItems" },
    );
  }
  for (const option of ["maximumRowsRead", "maximumBytesRead"] as const) {
    const maximum = options[option];
    if (maximum !== undefined && maximum !== null && !(maximum > 0)) {
      throw new TrueupError("INVALID_PAGE_OPTIONS", `${option} must be above zero, got ${String(maximum)}.`, {
        option,
      });
    }
  }
}
