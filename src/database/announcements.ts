/**
 * Tells of commits in their order, each once the catalog as of it is known, so that whoever hears of a table or an index for the
 * first time finds it there. Those of this process are told of at once; one of another process that changed the catalog
 * waits until that is loaded, and all that follow wait behind it.
 */
import { isTrueupError } from "../errors/index.js";
import { changesEverything, type Commit, type Version } from "../storage/storage.js";
import { pause } from "../work/index.js";
import type { Catalog } from "./catalog/catalog.js";
import type { KnownCatalogs } from "./catalog/known-catalogs.js";
import { DatabaseCommit } from "./commit.js";

const retryAfterMs = 100;

export class Announcements {
  readonly #catalogs: KnownCatalogs;
  readonly #load: (version: Version) => Promise<Catalog>;
  readonly #listeners = new Set<(commit: DatabaseCommit) => void>();
  readonly #waiting: Commit[] = [];

  /** @param load Loads the catalog as of a commit or a later one. */
  constructor(catalogs: KnownCatalogs, load: (version: Version) => Promise<Catalog>) {
    this.#catalogs = catalogs;
    this.#load = load;
  }

  /** Calls the listener after each commit, in the order of commits; returns how to stop. */
  add(listener: (commit: DatabaseCommit) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  hear(commit: Commit): void {
    if (this.#waiting.length === 0 && this.#catalogs.follow(commit)) this.#tell(commit);
    else if (this.#waiting.push(commit) === 1) void this.#tellWaiting();
  }

  async #tellWaiting(): Promise<void> {
    for (let commit = this.#waiting[0]; commit !== undefined; commit = this.#waiting[0]) {
      if (!this.#catalogs.follow(commit) && !(await this.#loadFor(commit))) return;
      try {
        this.#tell(commit);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
      this.#waiting.shift();
    }
  }

  /** False when the storage is closed. */
  async #loadFor(commit: Commit): Promise<boolean> {
    for (;;) {
      try {
        const catalog = await this.#load(commit.version);
        if (changesEverything(commit)) this.#catalogs.replace(catalog);
        else this.#catalogs.note(catalog);
        return true;
      } catch (error) {
        if (!isTrueupError(error) || error.code === "STORAGE_CLOSED") return false;
      }
      await pause(retryAfterMs);
    }
  }

  #tell(commit: Commit): void {
    if (this.#listeners.size === 0) return;
    const seen = new DatabaseCommit(commit, this.#catalogs.latest);
    for (const listener of this.#listeners) listener(seen);
  }
}
