/** The seam between the engine and the triggers of an app: how the database finds them, and how it says that it runs them. */

/** A `Triggers` instance carries `{ registered }`, its trigger functions by table, under this symbol. */
export const triggersBrand: unique symbol = Symbol.for("trueup.triggers");

/**
 * A `ctx.db` that has a method under this symbol runs triggers itself; the method answers whether it runs those of the given
 * instance.
 */
export const nativeTriggers: unique symbol = Symbol.for("trueup.nativeTriggers");

/** One write of a document, as triggers and aggregates that follow a table are told of it. */
export interface TableWrite {
  readonly id: string;
  readonly operation: "insert" | "update" | "delete";
  /** The document before the write; null for an insert. */
  readonly oldDoc: object | null;
  /** The document after the write; null for a delete. */
  readonly newDoc: object | null;
}

/** Runs after a write, in its transaction. `ctx` is that of a mutation, with an `innerDb` whose writes run no triggers. */
export type TriggerFunction = (ctx: object, change: TableWrite) => unknown;
