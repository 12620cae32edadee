/** Watches the writes of a migration's functions, which it sees as calls of `ctx.db`. */
import type { Ctx } from "./stored-document.js";

/** Told of a write before it is made; `table` is undefined for a document named by its id alone, `id` for an insert. */
type Note = (kind: string, table: string | undefined, id: string | undefined) => void;

/** A ctx whose writes `note` is told of. */
export function watched(ctx: Ctx, note: Note): Ctx {
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

export interface Recording {
  /** The ctx to rehearse with. */
  readonly ctx: Ctx;
  /** Writes by kind and table, as in `{ "insert preferences": 12 }`. */
  readonly writes: Record<string, number>;
}

/**
 * A ctx whose writes are counted, except those to the documents of `own`. A document written by its id alone
 * is counted under the first of `tables` that has it.
 */
export function recorded(ctx: Ctx, own: ReadonlySet<string>, tables: readonly string[]): Recording {
  const writes: Record<string, number> = {};
  const tableOf = (id: string): string =>
    tables.find((table) => ctx.db.normalizeId(table, id) !== null) ?? "a document";
  const note: Note = (kind, table, id) => {
    if (id !== undefined && own.has(id)) return;
    const what = `${kind} ${table ?? tableOf(id ?? "")}`;
    writes[what] = (writes[what] ?? 0) + 1;
  };
  return { ctx: watched(ctx, note), writes };
}
