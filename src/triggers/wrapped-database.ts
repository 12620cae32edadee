/**
 * A `ctx.db` whose writes run triggers, and what these are told. It passes everything it does not know through to the database
 * that it wraps, so that wrappers of other libraries compose with it in either order. A table without triggers costs
 * nothing. For others the images are read back from the wrapped database, which may itself change what it
 * is given: that is one read for an insert or a delete, and two for a patch or a replace.
 */
import type {
  DocumentByName,
  GenericDatabaseWriter,
  GenericDataModel,
  GenericDocument,
  TableNamesInDataModel,
} from "convex/server";
import type { GenericId } from "convex/values";
import { nativeTriggers } from "../seams/index.js";
import type { TriggerRun, Write } from "./trigger-run.js";

/**
 * One write to one document. `oldDoc` is the document before the write, null for an insert. `newDoc` is the
 * document right after it, null for a delete.
 */
export type Change<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = {
  id: GenericId<TableName>;
} & (
  | { operation: "insert"; oldDoc: null; newDoc: DocumentByName<DataModel, TableName> }
  | {
      operation: "update";
      oldDoc: DocumentByName<DataModel, TableName>;
      newDoc: DocumentByName<DataModel, TableName>;
    }
  | { operation: "delete"; oldDoc: DocumentByName<DataModel, TableName>; newDoc: null }
);

/**
 * Runs after a write to a table, in the same transaction. Writes through `ctx.db` run the triggers of the
 * tables they touch; writes through `ctx.innerDb` run none. Throwing aborts the mutation.
 */
export type Trigger<
  Ctx,
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
> = (
  ctx: Ctx & { innerDb: GenericDatabaseWriter<DataModel> },
  change: Change<DataModel, TableName>,
) => Promise<void>;

/** The same question as under `nativeTriggers`, to a database that was wrapped here or by another copy of this module. */
const wrappedTriggers: unique symbol = Symbol.for("trueup.wrappedTriggers");

export type Writer = GenericDatabaseWriter<GenericDataModel>;
type Id = GenericId<string>;

/** What the wrapper needs to know of one `Triggers` instance in one transaction. */
export interface Wrapping {
  readonly innerDb: Writer;
  readonly run: TriggerRun;
  /** The instance itself, by which the wrapper recognises that it was already applied. */
  readonly owner: object;
  /** The triggers of a table, none if it has none. */
  triggersOf(table: string): readonly Trigger<object, GenericDataModel, string>[];
  /** The tables that have triggers. */
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
  const { innerDb, owner } = wrapping;
  const writes = new WatchedWrites(wrapping, depth);
  const overrides = {
    [wrappedTriggers]: (other: object): boolean => other === owner || alreadyRuns(innerDb, other),
    insert: (table: string, value: GenericDocument) => writes.insert(table, value),
    patch: (...args: UpdateArgs) => writes.update("patch", args),
    replace: (...args: UpdateArgs) => writes.update("replace", args),
    delete: (a: string, b?: string) =>
      b === undefined ? writes.delete(undefined, a as Id) : writes.delete(a, b as Id),
    table: (name: string): object => {
      writes.assertUsable();
      return {
        get: (id: Id) => database.get(name, id),
        query: () => database.query(name),
        insert: (value: GenericDocument) => writes.insert(name, value),
        patch: (id: Id, value: GenericDocument) => writes.update("patch", [name, id, value]),
        replace: (id: Id, value: GenericDocument) => writes.update("replace", [name, id, value]),
        delete: (id: Id) => writes.delete(name, id),
      };
    },
  };
  const database: Writer = new Proxy(innerDb, {
    has: (target, property) => property in overrides || property in target,
    get: (target, property) => {
      if (property in overrides) return Reflect.get(overrides, property);
      if (property === "get" || property === "query") writes.assertUsable();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return database;
}

/** The arguments of `patch` and `replace`, which name the table or leave it out. */
type UpdateArgs = [id: string, value: GenericDocument] | [table: string, id: string, value: GenericDocument];

/** The writes at one depth. The table is undefined where a document is named by its id alone. */
class WatchedWrites {
  readonly #wrapping: Wrapping;
  readonly #depth: number;
  /** The ctx of the triggers that these writes set off. */
  #context: { innerDb: Writer } | undefined;

  constructor(wrapping: Wrapping, depth: number) {
    this.#wrapping = wrapping;
    this.#depth = depth;
  }

  /** Throws what a trigger of this transaction has thrown, if one has. */
  assertUsable(): void {
    const { run } = this.#wrapping;
    if (this.#depth === 0) run.assertUsable();
    else run.assertSound();
  }

  async insert(table: string, value: GenericDocument): Promise<Id> {
    const { innerDb } = this.#wrapping;
    this.assertUsable();
    const apply = (): Promise<Id> => innerDb.insert(table, value);
    if (this.#wrapping.triggersOf(table).length === 0) return apply();
    return this.#write(table, null, apply, async (id) => {
      const newDoc = readable(await innerDb.get(table, id), table, id);
      return { id, operation: "insert", oldDoc: null, newDoc };
    });
  }

  async update(method: "patch" | "replace", args: UpdateArgs): Promise<void> {
    const { innerDb } = this.#wrapping;
    this.assertUsable();
    const [table, id] = args[2] === undefined ? [undefined, args[0] as Id] : [args[0], args[1] as Id];
    const watched = this.#watchedTable(table, id);
    const apply = (): Promise<void> => Reflect.apply(innerDb[method], innerDb, args);
    if (watched === null) return apply();
    return this.#write(watched, id, apply, async (_, oldDoc) => {
      const newDoc = readable(await innerDb.get(watched, id), watched, id);
      return { id, operation: "update", oldDoc: readable(oldDoc, watched, id), newDoc };
    });
  }

  async delete(table: string | undefined, id: Id): Promise<void> {
    const { innerDb } = this.#wrapping;
    this.assertUsable();
    const watched = this.#watchedTable(table, id);
    const apply = (): Promise<void> => (table === undefined ? innerDb.delete(id) : innerDb.delete(table, id));
    if (watched === null) return apply();
    return this.#write(watched, id, apply, async (_, oldDoc) => {
      return { id, operation: "delete", oldDoc: readable(oldDoc, watched, id), newDoc: null };
    });
  }

  /** Applies a write, after the document `oldId` was read. `changeOf` says what the triggers are told. */
  #write<Result>(
    table: string,
    oldId: Id | null,
    apply: () => Promise<Result>,
    changeOf: (result: Result, oldDoc: GenericDocument | null) => Promise<Change<GenericDataModel, string>>,
  ): Promise<Result> {
    const { innerDb, run } = this.#wrapping;
    const write: Write<Result> = async () => {
      const oldDoc = oldId === null ? null : await innerDb.get(table, oldId);
      const result = await apply();
      return { result, triggers: async () => this.#triggersFor(table, await changeOf(result, oldDoc)) };
    };
    return this.#depth === 0
      ? run.writeForApplication(write)
      : run.writeForTrigger(table, this.#depth, write);
  }

  #triggersFor(table: string, change: Change<GenericDataModel, string>): (() => Promise<void>)[] {
    const wrapping = this.#wrapping;
    const ctx = (this.#context ??= wrapping.contextFor(wrapDatabase(wrapping, this.#depth + 1)));
    return wrapping.triggersOf(table).map((trigger) => () => trigger(ctx, change));
  }

  /** The table whose triggers a write runs, or null: it is `table` when that is given, and found by the id otherwise. */
  #watchedTable(table: string | undefined, id: Id): string | null {
    const wrapping = this.#wrapping;
    if (table !== undefined) return wrapping.triggersOf(table).length > 0 ? table : null;
    return wrapping.tables().find((name) => wrapping.innerDb.normalizeId(name, id) !== null) ?? null;
  }
}

/** A database that hides the document, as row level security does, hides from the triggers what they must be told. */
function readable(document: GenericDocument | null, table: string, id: Id): GenericDocument {
  if (document === null) throw new Error(`The document ${id} of table ${table} cannot be read.`);
  return document;
}
