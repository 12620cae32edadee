/**
 * The documents of a batch as they are at their turn. The page was read before anything was changed, and what was done for
 * one document of it, directly, by a trigger or by a function that was called, may have changed or deleted another. To
 * read every document again would cost a batch a third of what it may read, so only those are read that may differ. Trueup
 * knows which documents a transaction has written. Elsewhere writes are noted as they are made through `ctx.db`, and where
 * the writes of others cannot be seen, because a function was called or the app wraps `ctx.db`, all documents are read.
 */
import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import type { GenericId } from "convex/values";
import { nativeStoreOf } from "../../../../seams/index.js";
import type { StoredDocument } from "../range/cursor.js";

export type Ctx = GenericMutationCtx<GenericDataModel>;

/**
 * Does something to one document. The result false, or a promise of it, says that there was nothing to do. Most operations
 * wait only for their one write, whose promise is then returned as it is: promises are half of what a document costs.
 */
export type Operation = (ctx: Ctx, document: StoredDocument) => Promise<unknown> | boolean;

/** The document as it is now, null if it is gone. */
export async function reread(ctx: Ctx, table: string, id: string): Promise<StoredDocument | null> {
  return (await ctx.db.get(table, id as GenericId<string>)) as StoredDocument | null;
}

export class CurrentDocuments {
  /** The ctx that the operations use, so that their writes are seen. */
  readonly #ctx: Ctx;
  readonly #table: string;
  readonly #mayDiffer: (id: string) => boolean;

  /** @param isWrapped Whether the app may have put something around `ctx.db` that writes by itself. */
  constructor(ctx: Ctx, table: string, isWrapped: boolean) {
    this.#table = table;
    const store = nativeStoreOf(ctx.db);
    if (store?.isWritten !== undefined) {
      this.#ctx = ctx;
      this.#mayDiffer = (id) => store.isWritten?.(table, id) === true;
    } else if (isWrapped) {
      this.#ctx = ctx;
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
      this.#ctx = { ...noting, runMutation };
      this.#mayDiffer = (id) => callsOthers || written.has(id);
    }
  }

  /** Runs the operation on the document as it is now, and passes over a document that is gone. */
  run(operation: Operation, document: StoredDocument): Promise<unknown> | boolean {
    if (!this.#mayDiffer(document._id)) return operation(this.#ctx, document);
    return this.#runOnCurrent(operation, document._id);
  }

  async #runOnCurrent(operation: Operation, id: string): Promise<unknown> {
    const document = await reread(this.#ctx, this.#table, id);
    return document !== null && operation(this.#ctx, document);
  }
}

/** Told of a write before it is made; `table` is undefined for a document named by its id alone, `id` for an insert. */
export type NoteWrite = (kind: string, table: string | undefined, id: string | undefined) => void;

/** The same ctx, but `note` is told of the writes of its `db`, which are seen as calls. */
export function watched(ctx: Ctx, note: NoteWrite): Ctx {
  /** How many arguments a method has when the table is named. */
  const named: Record<string, number> = { patch: 3, replace: 3, delete: 2 };
  const noteCall = (method: string, table: string | undefined, args: unknown[]): void => {
    if (method === "insert") note(method, table ?? String(args[0]), undefined);
    else if (table !== undefined) note(method, table, String(args[0]));
    else if (args.length === named[method]) note(method, String(args[0]), String(args[1]));
    else note(method, undefined, String(args[0]));
  };
  const watch = <Target extends object>(target: Target, table: string | undefined): Target =>
    new Proxy(target, {
      get: (db, method) => {
        const value: unknown = Reflect.get(db, method, db);
        if (typeof value !== "function") return value;
        if (method === "table") return (name: string) => watch(value.call(db, name) as object, name);
        const isWrite = typeof method === "string" && (method === "insert" || method in named);
        if (!isWrite) return value.bind(db) as unknown;
        return (...args: unknown[]): unknown => {
          noteCall(method, table, args);
          return value.apply(db, args);
        };
      },
    });
  return { ...ctx, db: watch(ctx.db, undefined) };
}
