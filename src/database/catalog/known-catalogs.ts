/**
 * Keeps the latest catalogs by the text of their heads. So a transaction reads one record, the head, to find its catalog, and
 * loads a catalog only when another process has changed it.
 */
import { changesEverything, type Commit, type MaybePromise } from "../../storage/storage.js";
import type { BaseView } from "../transaction/base-view.js";
import { emptyCatalog, type Catalog } from "./catalog.js";
import { catalogKeys } from "./key-layout.js";
import { loadCatalog } from "./records.js";

const maxKnown = 4;

export class KnownCatalogs {
  readonly #byHead = new Map<string, Catalog>();
  #latest: Catalog = emptyCatalog;

  /** The catalog as of the last commit that was heard of; that of a transaction may be older or newer. */
  get latest(): Catalog {
    return this.#latest;
  }

  /** The catalog that the view sees. */
  of(view: BaseView): MaybePromise<Catalog> {
    const head = view.record(catalogKeys.head);
    return head instanceof Promise ? head.then((text) => this.#find(view, text)) : this.#find(view, head);
  }

  /** Adds a catalog that is handed over: should the commit fail, nobody is going to read its head. */
  add(catalog: Catalog): void {
    this.#keep(JSON.stringify(catalog.head), catalog);
  }

  /** Makes the catalog of a commit the latest. False when the commit has changed it and what it is now is not known here. */
  follow(commit: Commit): boolean {
    if (changesEverything(commit)) return false;
    const head = commit.writes.find(([key]) => key === catalogKeys.head);
    if (head === undefined) return true;
    const known = this.#byHead.get(head[1] ?? "");
    if (known !== undefined) this.note(known);
    return known !== undefined;
  }

  /** Makes a catalog the latest, be it older. */
  replace(catalog: Catalog): void {
    this.#latest = catalog;
  }

  /** Makes a catalog that was committed the latest, unless a newer one is. */
  note(catalog: Catalog): void {
    if (catalog.head.generation > this.#latest.head.generation) this.#latest = catalog;
  }

  #find(view: BaseView, head: string | undefined): MaybePromise<Catalog> {
    if (head === undefined) return emptyCatalog;
    const known = this.#byHead.get(head);
    if (known !== undefined) return known;
    return loadCatalog(view.storage).then((catalog) => {
      this.#keep(head, catalog);
      return catalog;
    });
  }

  #keep(head: string, catalog: Catalog): void {
    this.#byHead.set(head, catalog);
    for (const oldest of this.#byHead.keys()) {
      if (this.#byHead.size <= maxKnown) break;
      this.#byHead.delete(oldest);
    }
  }
}
