/**
 * The documents of a batch as they are at their turn. The page was read before anything was changed, and what was done for
 * one document of it, directly, by a trigger or by a function that was called, may have changed or deleted another. To
 * read every document again would cost a batch a third of what it may read, so only those are read that may differ. Trueup
 * knows which documents a transaction has written. Elsewhere writes are noted as they are made through `ctx.db`, and where
 * others cannot be seen, because a function was called or the app wraps `ctx.db`, all are read.
 */
import { nativeStoreOf } from "../../../seams/index.js";
import { watched } from "./recorded-writes.js";
import { reread, type Ctx, type StoredDocument } from "./stored-document.js";

export class CurrentDocuments {
  /** What the operations on the documents are to use. */
  readonly ctx: Ctx;
  readonly #table: string;
  readonly #mayDiffer: (id: string) => boolean;

  /** @param isWrapped Whether the app may have put something around `ctx.db` that writes by itself. */
  constructor(ctx: Ctx, table: string, isWrapped: boolean) {
    this.#table = table;
    const store = nativeStoreOf(ctx.db);
    if (store?.isWritten !== undefined) {
      this.ctx = ctx;
      this.#mayDiffer = (id) => store.isWritten?.(table, id) === true;
    } else if (isWrapped) {
      this.ctx = ctx;
      this.#mayDiffer = () => true;
    } else {
      const written = new Set<string>();
      let callsOthers = false;
      const runMutation = new Proxy(ctx.runMutation, {
        apply: (target, self, args) => {
          callsOthers = true;
          return Reflect.apply(target, self, args) as unknown;
        },
      });
      const noting = watched(ctx, (_kind, _table, id) => id !== undefined && written.add(id));
      this.ctx = { ...noting, runMutation };
      this.#mayDiffer = (id) => callsOthers || written.has(id);
    }
  }

  /** The document as it is now, null if it is gone; at once when it is as it was read. */
  now(document: StoredDocument): StoredDocument | Promise<StoredDocument | null> {
    return this.#mayDiffer(document._id) ? reread(this.ctx, this.#table, document._id) : document;
  }
}
