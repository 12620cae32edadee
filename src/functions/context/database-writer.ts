/**
 * `ctx.db` of a mutation: reading, and writes that take turns with the function's nested calls. It tells
 * `trueup/triggers` which instances the database runs by itself, so that wrapping adds nothing twice.
 */
import type { CommitTsPlaceholder } from "convex/values";
import { jsonToConvex } from "convex/values";
import type { DatabaseWriter } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { currentExecution, type Execution } from "../execution/execution.js";
import { readDatabase, type ReadDatabase, type TableHandle } from "./database-reader.js";
import { requireArgument } from "./require-argument.js";

const nativeTriggers = Symbol.for("trueup.nativeTriggers");
const commitTs = jsonToConvex({ $commitTs: null }) as CommitTsPlaceholder;

type Fields = Readonly<Record<string, unknown>>;

/** `ctx.db.table(name)` of a mutation. */
export interface WritableTable extends TableHandle {
  insert(value: Fields): Promise<string>;
  patch(id: string, fields: Fields): Promise<void>;
  replace(id: string, value: Fields): Promise<void>;
  delete(id: string): Promise<void>;
}

/** `ctx.db` of a mutation. Writes name the document by id, or by table and id. */
export interface WriteDatabase extends ReadDatabase {
  insert(table: string, value: Fields): Promise<string>;
  patch(tableOrId: string, idOrFields: string | Fields, fields?: Fields): Promise<void>;
  replace(tableOrId: string, idOrValue: string | Fields, value?: Fields): Promise<void>;
  delete(tableOrId: string, id?: string): Promise<void>;
  table(tableName: string): WritableTable;
  readonly vars: { readonly commitTs: CommitTsPlaceholder };
}

/** `ctx.db` of a mutation function. */
export function writeDatabase(execution: Execution): WriteDatabase {
  const reader = readDatabase(execution);
  const path = execution.component.path;
  const write = <T>(operation: (writer: DatabaseWriter) => Promise<T>): Promise<T> => {
    execution.assertRunning();
    const run = (): Promise<T> => operation(execution.mutation.component(path));
    // Triggers find out in whose name a write is made from the current execution.
    return execution.turn.take(
      execution.triggersOff ? () => currentExecution.run(execution, run) : run,
    );
  };
  const insert = async (table: unknown, value: unknown): Promise<string> => {
    requireArgument(table, 1, "insert", "table");
    requireArgument(value, 2, "insert", "value");
    if (typeof table !== "string") {
      throw new TrueupError("INVALID_CALL", `Arg 1 \`table\` to \`insert\` must be a string`);
    }
    if (table.startsWith("_")) {
      throw new TrueupError("INVALID_CALL", "System tables (prefixed with `_`) are read-only.");
    }
    return await write((writer) => writer.insert(table, value as Fields));
  };
  const change =
    (method: "patch" | "replace") =>
    async (table: string | undefined, id: unknown, value: unknown): Promise<void> => {
      requireArgument(id, 1, method, "id");
      requireArgument(value, 2, method, "value");
      await write((writer) => writer[method](documentId(id, method), value as Fields, table));
    };
  const patch = change("patch");
  const replace = change("replace");
  const remove = async (table: string | undefined, id: unknown): Promise<void> => {
    requireArgument(id, 1, "delete", "id");
    await write((writer) => writer.delete(documentId(id, "delete"), table));
  };
  return {
    ...reader,
    insert,
    patch: async (a, b, c) =>
      await (c === undefined ? patch(undefined, a, b) : patch(a, b, c)),
    replace: async (a, b, c) =>
      await (c === undefined ? replace(undefined, a, b) : replace(a, b, c)),
    delete: async (a, b) => await (b === undefined ? remove(undefined, a) : remove(a, b)),
    table: (tableName) => ({
      ...reader.table(tableName),
      insert: (value) => insert(tableName, value),
      patch: (id, fields) => patch(tableName, id, fields),
      replace: (id, value) => replace(tableName, id, value),
      delete: (id) => remove(tableName, id),
    }),
    vars: {
      get commitTs(): CommitTsPlaceholder {
        execution.transaction.usesCommitTs = true;
        return commitTs;
      },
    },
    [nativeTriggers]: (triggers: object): boolean => execution.component.triggers.has(triggers),
  } as WriteDatabase;
}

function documentId(id: unknown, method: string): string {
  if (typeof id !== "string") {
    throw new TrueupError(
      "INVALID_CALL",
      `Invalid argument \`id\` for \`db.${method}\`, expected string but got '${typeof id}'.`,
    );
  }
  return id;
}
