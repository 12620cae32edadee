/** Keeps which documents of some tables were written since it began to listen: those have to be looked at once more. */
import type { Database } from "../../database/index.js";
import type { Version } from "../../storage/storage.js";
import { encodeId } from "../../values/index.js";

const maxWaitMs = 10_000;

/** A table by the name that it has while documents are written. */
export interface WatchedTable {
  readonly componentPath: string;
  readonly storedAs: string;
}

export class TouchedDocuments {
  #heard: Version;
  #only: ReadonlySet<string> | null = null;
  readonly #ids = new Map<string, Set<string>>();
  /** Look anew whether they have heard of what they wait for. */
  readonly #waiting = new Set<() => void>();
  readonly #stop: () => void;

  /** Begins to watch every table of the components. */
  constructor(database: Database, componentPaths: Iterable<string>) {
    const watched = new Set(componentPaths);
    this.#heard = database.storage.version;
    this.#stop = database.onCommit((commit) => {
      this.#heard = Math.max(this.#heard, commit.version);
      for (const { table, internalId } of commit.documents()) {
        if (watched.has(table.componentPath)) this.#add(table, encodeId(table.number, internalId));
      }
      for (const look of this.#waiting) look();
    });
  }

  of({ componentPath, storedAs }: WatchedTable): ReadonlySet<string> {
    return this.#ids.get(keyOf(componentPath, storedAs)) ?? new Set();
  }

  /** From now on it watches these tables alone; null stands for all tables of the components. */
  keepTo(tables: Iterable<WatchedTable> | null): void {
    if (tables === null) {
      this.#only = null;
      return;
    }
    const only = new Set([...tables].map((table) => keyOf(table.componentPath, table.storedAs)));
    this.#only = only;
    for (const key of this.#ids.keys()) if (!only.has(key)) this.#ids.delete(key);
  }

  /**
   * Waits until it has heard of the commit that a transaction sees: commits are told of a little later than they are seen.
   * False when that takes too long, because the commit has failed.
   */
  async upTo(version: Version): Promise<boolean> {
    if (this.#heard >= version) return true;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => end(false), maxWaitMs);
      const end = (hasHeard: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(hasHeard);
      };
      const look = (): void => {
        if (this.#heard >= version) end(true);
      };
      this.#waiting.add(look);
    });
  }

  stop(): void {
    this.#stop();
  }

  #add(table: { readonly componentPath: string; readonly name: string }, id: string): void {
    const key = keyOf(table.componentPath, table.name);
    if (this.#only?.has(key) === false) return;
    const known = this.#ids.get(key);
    if (known === undefined) this.#ids.set(key, new Set([id]));
    else known.add(id);
  }
}

function keyOf(componentPath: string, tableName: string): string {
  return `${componentPath}\0${tableName}`;
}
