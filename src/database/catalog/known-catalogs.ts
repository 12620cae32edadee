/**
 * Keeps the latest catalogs by the text of their heads. So a transaction reads one record, the head, to find its catalog, and
 * loads a catalog only when another process has changed it.
 */
import type { MaybePromise } from "../../storage/storage.js";
import type { BaseView } from "../transaction/base-view.js";
import { emptyCatalog, type Catalog } from "./catalog.js";
import { catalogKeys } from "./key-layout.js";
import { loadCatalog } from "./records.js";

const maxKnown = 4;

export class KnownCatalogs {
  readonly #byHead = new Map<string, Catalog>();
  /** The newest catalog that was seen; that of a transaction may be older or newer. */
  latest: Catalog = emptyCatalog;
  #confirmed: Catalog = emptyCatalog;

  /** The catalog that the view sees. */
  of(view: BaseView): MaybePromise<Catalog> {
    const head = view.record(catalogKeys.head);
    return head instanceof Promise ? head.then((text) => this.#find(view, text)) : this.#find(view, head);
  }

  /** Notes that the commit of this catalog succeeded. */
  confirm(catalog: Catalog): void {
    if (catalog.head.generation > this.#confirmed.head.generation) this.#confirmed = catalog;
  }

  /** Adds a catalog that is about to be committed. */
  add(catalog: Catalog): void {
    this.#byHead.set(JSON.stringify(catalog.head), catalog);
    if (catalog.head.generation > this.latest.head.generation) this.latest = catalog;
    for (const head of this.#byHead.keys()) {
      if (this.#byHead.size <= maxKnown) break;
      this.#byHead.delete(head);
    }
  }

  /** Goes back to the confirmed catalog after a failed commit, which may have changed the catalog. */
  forget(): void {
    this.#byHead.clear();
    this.latest = this.#confirmed;
  }

  #find(view: BaseView, head: string | undefined): MaybePromise<Catalog> {
    if (head === undefined) return emptyCatalog;
    const known = this.#byHead.get(head);
    if (known !== undefined) return known;
    return loadCatalog(view.storage).then((catalog) => {
      this.add(catalog);
      this.confirm(catalog);
      return catalog;
    });
  }
}
