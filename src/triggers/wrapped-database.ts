/**
 * A `ctx.db` whose writes run triggers. It passes everything it does not know through to the database it
 * wraps, so that wrappers of other libraries compose with it in either order. A table without triggers costs
 * nothing. For others the images are read back from the wrapped database, which may itself change what it
 * is given: one read for an insert or a delete, two for a patch or a replace.
 */
import type { GenericDatabaseWriter, GenericDataModel, GenericDocument } from "convex/server";
import type { GenericId } from "convex/values";
import { nativeTriggers } from "../seams/index.js";
import type { Change, Trigger } from "./change.js";
import type { TriggerRun, Write } from "./trigger-run.js";

/** As `nativeTriggers`, of a database that was wrapped here or by another copy of this module. */
const wrappedTriggers: unique symbol = Symbol.for("trueup.wrappedTriggers");

export type Writer = GenericDatabaseWriter<GenericDataModel>;
type Id = GenericId<string>;

/** What the wrapper needs to know of one `Triggers` instance in one transaction. */
export interface Wrapping {
  readonly innerDb: Writer;
  readonly run: TriggerRun;
  /** The instance itself, by which it recognises that it was already applied. */
  readonly owner: object;
  /** The triggers of a table, none if it has none. */
  triggersOf(table: string): readonly Trigger<object, GenericDataModel, string>[];
  /** Tables that have triggers. */
  tables(): readonly string[];
  /** The ctx that triggers receive, given the database for their own writes. */
  contextFor(db: Writer): { innerDb: Writer };
}

/** True when the database already runs the triggers of this instance. */
export function alreadyRuns(db: object, owner: object): boolean {
  return [nativeTriggers, wrappedTriggers].some((question) => {
    const answer: unknown = Reflect.get(db, question);
    return typeof answer === "function" && answer.call(db, owner) === true;
  });
}

/**
 * The database for the application, or for the triggers that are the `depth`th of their chain: those that a write of the
 * application sets off are the first.
 */
export function wrapDatabase(wrapping: Wrapping, depth = 0): Writer {
  const { innerDb, run } = wrapping;
  const write = <Result>(table: string, perform: Write<Result>): Promise<Result> =>
    depth === 0 ? run.writeForApplication(perform) : run.writeForTrigger(table, depth, perform);
  const assertUsable = (): void => (depth === 0 ? run.assertUsable() : run.assertSound());
  let contextOfTriggers: { innerDb: Writer } | undefined;

  function triggersFor(table: string, change: Change<GenericDataModel, string>): (() => Promise<void>)[] {
    contextOfTriggers ??= wrapping.contextFor(wrapDatabase(wrapping, depth + 1));
    const ctx = contextOfTriggers;
    return wrapping.triggersOf(table).map((trigger) => () => trigger(ctx, change));
  }

  /** The table whose triggers a write runs, or null: `table` when given, or found from the id. */
  function watchedTable(table: string | undefined, id: Id): string | null {
    if (table !== undefined) return wrapping.triggersOf(table).length > 0 ? table : null;
    return wrapping.tables().find((name) => innerDb.normalizeId(name, id) !== null) ?? null;
  }

  async function existing(table: string, id: Id): Promise<GenericDocument> {
    const doc = await innerDb.get(table, id);
    if (doc === null) throw new Error(`The document ${id} of table ${table} cannot be read.`);
    return doc;
  }

  /** A write that leaves a document: reads both images around it. */
  function update(table: string, id: Id, apply: () => Promise<void>): Promise<void> {
    return write(table, async (fail) => {
      const oldDoc = await innerDb.get(table, id);
      await apply();
      try {
        const newDoc = await existing(table, id);
        if (oldDoc === null) throw new Error(`The document ${id} of table ${table} could not be read.`);
        return {
          result: undefined,
          triggers: triggersFor(table, { id, operation: "update", oldDoc, newDoc }),
        };
      } catch (error) {
        fail(error);
        throw error;
      }
    });
  }

  async function insert(table: string, value: GenericDocument): Promise<Id> {
    assertUsable();
    if (wrapping.triggersOf(table).length === 0) return innerDb.insert(table, value);
    return write(table, async (fail) => {
      const id = await innerDb.insert(table, value);
      try {
        const newDoc = await existing(table, id);
        return {
          result: id,
          triggers: triggersFor(table, { id, operation: "insert", oldDoc: null, newDoc }),
        };
      } catch (error) {
        fail(error);
        throw error;
      }
    });
  }

  async function patch(table: string | undefined, id: Id, value: GenericDocument): Promise<void> {
    assertUsable();
    const watched = watchedTable(table, id);
    const apply = (): Promise<void> =>
      table === undefined ? innerDb.patch(id, value) : innerDb.patch(table, id, value);
    await (watched === null ? apply() : update(watched, id, apply));
  }

  async function replace(table: string | undefined, id: Id, value: GenericDocument): Promise<void> {
    assertUsable();
    const watched = watchedTable(table, id);
    const apply = (): Promise<void> =>
      table === undefined ? innerDb.replace(id, value) : innerDb.replace(table, id, value);
    await (watched === null ? apply() : update(watched, id, apply));
  }

  async function remove(table: string | undefined, id: Id): Promise<void> {
    assertUsable();
    const watched = watchedTable(table, id);
    const apply = (): Promise<void> => (table === undefined ? innerDb.delete(id) : innerDb.delete(table, id));
    if (watched === null) return apply();
    return write(watched, async (fail) => {
      const oldDoc = await innerDb.get(watched, id);
      await apply();
      if (oldDoc === null) {
        const error = new Error(`The document ${id} of table ${watched} could not be read.`);
        fail(error);
        throw error;
      }
      return {
        result: undefined,
        triggers: triggersFor(watched, { id, operation: "delete", oldDoc, newDoc: null }),
      };
    });
  }

  const overrides = {
    [wrappedTriggers]: (owner: object): boolean => owner === wrapping.owner || alreadyRuns(innerDb, owner),
    insert,
    patch: (a: string, b: string | GenericDocument, c?: GenericDocument): Promise<void> =>
      c === undefined ? patch(undefined, a as Id, b as GenericDocument) : patch(a, b as Id, c),
    replace: (a: string, b: string | GenericDocument, c?: GenericDocument): Promise<void> =>
      c === undefined ? replace(undefined, a as Id, b as GenericDocument) : replace(a, b as Id, c),
    delete: (a: string, b?: string): Promise<void> =>
      b === undefined ? remove(undefined, a as Id) : remove(a, b as Id),
    table: (name: string): object => {
      assertUsable();
      return {
        get: (id: Id) => database.get(name, id),
        query: () => database.query(name),
        insert: (value: GenericDocument) => insert(name, value),
        patch: (id: Id, value: GenericDocument) => patch(name, id, value),
        replace: (id: Id, value: GenericDocument) => replace(name, id, value),
        delete: (id: Id) => remove(name, id),
      };
    },
  };

  const database: Writer = new Proxy(innerDb, {
    has: (target, property) => property in overrides || property in target,
    get: (target, property) => {
      if (property in overrides) return Reflect.get(overrides, property);
      if (property === "get" || property === "query") assertUsable();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return database;
}
