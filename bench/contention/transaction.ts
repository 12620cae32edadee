/** Runs one transaction: it reads a snapshot with its own writes over it, and keeps what it read and which jobs it schedules. */
import type { Value } from "convex/values";
import {
  compareKeys,
  copyOf,
  keyOf,
  type Change,
  type Document,
  type Documents,
  type Fields,
  type Indexes,
} from "./documents.js";
import { isWithin, ReadSet, type Bound, type Stretch } from "./read-set.js";

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly args: Fields;
  readonly dueMs: number;
}

/** Ids and times that are the same in every run. */
export interface Sources {
  nowMs(): number;
  /** Numbers documents and jobs. */
  next(): number;
}

export class Transaction {
  readonly reads = new ReadSet();
  readonly scheduled: Job[] = [];
  readonly cancelled = new Set<string>();
  readonly #documents: Documents;
  readonly #indexes: Indexes;
  readonly #sources: Sources;
  /** What the transaction wrote, by table and id, with what was there before it. */
  #writes = new Map<string, Change>();

  constructor(documents: Documents, indexes: Indexes, sources: Sources) {
    this.#documents = documents;
    this.#indexes = indexes;
    this.#sources = sources;
  }

  get changes(): Change[] {
    return [...this.#writes.values()].filter(({ before, after }) => before !== null || after !== null);
  }

  /** Undoes what a nested mutation wrote when it throws. What it read still counts as read. */
  async nested<T>(run: () => Promise<T>): Promise<T> {
    const [writes, scheduled] = [new Map(this.#writes), this.scheduled.length];
    try {
      return await run();
    } catch (error) {
      this.#writes = writes;
      this.scheduled.length = scheduled;
      throw error;
    }
  }

  get(table: string, id: string, isTracked: boolean): Document | null {
    if (isTracked) this.reads.addDocument(table, id);
    return copyOf(this.#current(table, id));
  }

  /** Yields the documents of a stretch in its order. Those that are taken count as read. */
  *scan(stretch: Stretch, isTracked: boolean): Generator<Document> {
    if (isTracked) this.reads.addStretch(stretch);
    const sign = stretch.order === "asc" ? 1 : -1;
    const found = this.#all(stretch.table)
      .filter((document) => isWithin(document, stretch.bounds))
      .map((document) => ({ document, key: keyOf(document, stretch.fields) }))
      .toSorted((a, b) => sign * compareKeys(a.key, b.key));
    for (const { document, key } of found) {
      stretch.until = key;
      yield copyOf(document);
    }
    stretch.until = null;
  }

  fieldsOf(table: string, index: string): readonly string[] {
    if (index === "by_creation_time") return [];
    const fields = this.#indexes.get(`${table}.${index}`);
    if (fields === undefined) throw new Error(`there is no index ${table}.${index}`);
    return fields;
  }

  insert(table: string, fields: Fields): string {
    const number = this.#sources.next();
    const id = `${table}:${number}`;
    // Later documents of the same millisecond are later.
    const _creationTime = this.#sources.nowMs() + number / 1e6;
    this.#write(table, id, { ...copyOf(fields), _id: id, _creationTime });
    return id;
  }

  /** Patches, or with `isWhole` replaces. Reads the document, as Convex does. */
  update(id: string, fields: Fields, isWhole: boolean): void {
    const table = tableOf(id);
    const before = this.get(table, id, true);
    if (before === null) throw new Error(`there is no document ${id}`);
    const { _id, _creationTime } = before;
    const merged: Fields = { ...(isWhole ? {} : before), ...copyOf(fields) };
    for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
    this.#write(table, id, { ...merged, _id, _creationTime });
  }

  delete(id: string): void {
    const table = tableOf(id);
    if (this.get(table, id, true) === null) throw new Error(`there is no document ${id}`);
    this.#write(table, id, null);
  }

  schedule(delayMs: number, name: string, args: Fields): string {
    const id = `_scheduled_functions:${this.#sources.next()}`;
    this.scheduled.push({ id, name, args: copyOf(args), dueMs: this.#sources.nowMs() + delayMs });
    return id;
  }

  #write(table: string, id: string, after: Document | null): void {
    const before = this.#documents.get(table, id);
    this.#writes.set(`${table}/${id}`, { table, before, after });
  }

  #current(table: string, id: string): Document | null {
    const written = this.#writes.get(`${table}/${id}`);
    return written === undefined ? this.#documents.get(table, id) : written.after;
  }

  #all(table: string): Document[] {
    const stored = [...this.#documents.all(table)].filter(({ _id }) => !this.#writes.has(`${table}/${_id}`));
    const written = [...this.#writes.values()].flatMap(({ after, ...write }) =>
      write.table === table && after !== null ? [after] : [],
    );
    return [...stored, ...written];
  }
}

/** The bounds that `withIndex` is given. */
export function boundsFrom(build: ((q: unknown) => unknown) | undefined): Bound[] {
  const bounds: Bound[] = [];
  const builder = Object.fromEntries(
    (["eq", "gt", "gte", "lt", "lte"] as const).map((operator) => [
      operator,
      (field: string, value: Value | undefined) => {
        bounds.push({ field, operator, value });
        return builder;
      },
    ]),
  );
  build?.(builder);
  return bounds;
}

export function tableOf(id: string): string {
  return id.slice(0, id.lastIndexOf(":"));
}
