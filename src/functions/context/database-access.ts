/**
 * What `ctx.db` does for one execution: writes take turns, and reads wait while a nested call or a write has its turn.
 * `database.ts` makes the objects of closures that apps see.
 */
import type {
  DatabaseReader,
  DatabaseWriter,
  Document,
  DocumentStream,
  Page,
  PageOptions,
  Query,
} from "../../database/index.js";
import { shown, TrueupError } from "../../errors/index.js";
import type { SearchIndexJson } from "../../schema/index.js";
import { searchIndexOf } from "../../search/index.js";
import { currentExecution, type Execution } from "../execution/execution.js";
import { TableQuery, type TableSource } from "./query-builder.js";
import { notSupported, requireArgument, requireTableName } from "./refused-calls.js";

type Fields = Readonly<Record<string, unknown>>;

/** Reads the tables of an execution's component. */
export class ReadAccess implements TableSource {
  readonly execution: Execution;

  constructor(execution: Execution) {
    this.execution = execution;
  }

  get reader(): DatabaseReader {
    this.execution.assertRunning();
    return this.execution.reader;
  }

  async get(tableOrId: unknown, maybeId?: unknown): Promise<Document | null> {
    const [table, id] = maybeId === undefined ? [undefined, tableOrId] : [tableOrId, maybeId];
    requireArgument(id, 1, "get", "id");
    if (table !== undefined) requireTableName(table, 1, "get");
    const waiting = this.execution.turn.free();
    if (waiting !== null) {
      await waiting;
    }
    const found = this.find(requireId(id, "get"), table);
    return found instanceof Promise ? await found : found;
  }

  query(tableName: string): TableQuery {
    requireTableName(tableName, 1, "query");
    this.assertReachable(tableName, "query");
    return new TableQuery(this, tableName);
  }

  normalizeId(tableName: string, id: string): string | null {
    requireTableName(tableName, 1, "normalizeId");
    requireArgument(id, 2, "normalizeId", "id");
    this.assertReachable(tableName, "normalizeId");
    return this.reader.normalizeId(tableName, id);
  }

  stream(query: Query): DocumentStream {
    return this.reader.stream(query);
  }

  next(stream: DocumentStream): Promise<Document | null> {
    this.execution.assertRunning();
    const waiting = this.execution.turn.free();
    return waiting === null ? stream.next() : waiting.then(() => stream.next());
  }

  take(stream: DocumentStream, count: number): Promise<Document[]> {
    this.execution.assertRunning();
    const waiting = this.execution.turn.free();
    return waiting === null ? stream.take(count) : waiting.then(() => stream.take(count));
  }

  /** @throws PAGINATED_TWICE */
  async page(query: Query, options: PageOptions): Promise<Page> {
    const { execution } = this;
    if (execution.hasPaginated) {
      throw new TrueupError(
        "PAGINATED_TWICE",
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
        { path: execution.subject.path },
      );
    }
    execution.hasPaginated = true;
    await execution.turn.free();
    if (execution.parent !== null) {
      return await this.reader.page(query, options);
    }
    const { journal } = execution.request;
    const endCursor = options.endCursor ?? journal.endCursor;
    const page = await this.reader.page(query, { ...options, endCursor });
    journal.endCursor = page.continueCursor;
    return page;
  }

  async count(tableName: string): Promise<number> {
    return await this.size(tableName);
  }

  /** As `count`, but no promise when nobody has the turn and the storage answers at once. */
  size(tableName: string): number | Promise<number> {
    const waiting = this.execution.turn.free();
    return waiting === null ? this.reader.size(tableName) : waiting.then(() => this.reader.size(tableName));
  }

  /** As `get`, but no promise when nobody has the turn and the storage answers at once. */
  document(tableName: string, id: string): Document | null | Promise<Document | null> {
    const waiting = this.execution.turn.free();
    return waiting === null
      ? this.reader.find(id, tableName)
      : waiting.then(() => this.reader.find(id, tableName));
  }

  searchIndex(tableName: string, indexName: string): SearchIndexJson {
    const { engine, component } = this.execution;
    if (!engine.searchesByScan) {
      throw notSupported("Text search (withSearchIndex)");
    }
    return searchIndexOf(component.program.schema, tableName, indexName);
  }

  protected find(id: string, table: string | undefined): Document | null | Promise<Document | null> {
    return this.reader.find(id, table);
  }

  protected assertReachable(tableName: string, method: string): void {
    if (tableName.startsWith("_")) {
      throw new TrueupError(
        "INVALID_CALL",
        `System tables can only be accessed from db.system.${method}().`,
        { table: tableName },
      );
    }
  }
}

/** Reads and writes the tables of an execution's component. */
export class WriteAccess extends ReadAccess {
  async insert(table: unknown, value: unknown): Promise<string> {
    requireArgument(table, 1, "insert", "table");
    requireArgument(value, 2, "insert", "value");
    if (typeof table !== "string" || table.startsWith("_")) {
      throw new TrueupError("INVALID_CALL", "System tables (prefixed with `_`) are read-only.", {
        table: shown(table),
      });
    }
    return await this.#write((writer) => writer.insert(table, value as Fields));
  }

  async change(
    method: "patch" | "replace",
    tableOrId: unknown,
    idOrValue: unknown,
    maybeValue: unknown,
  ): Promise<void> {
    const [table, id, value] =
      maybeValue === undefined ? [undefined, tableOrId, idOrValue] : [tableOrId, idOrValue, maybeValue];
    requireArgument(id, 1, method, "id");
    requireArgument(value, 2, method, "value");
    if (table !== undefined) requireTableName(table, 1, method);
    const documentId = requireId(id, method);
    const { path: writtenBy } = this.execution.subject;
    await this.#write((writer) => writer[method](documentId, value as Fields, table, { writtenBy }));
  }

  async delete(tableOrId: unknown, maybeId: unknown): Promise<void> {
    const [table, id] = maybeId === undefined ? [undefined, tableOrId] : [tableOrId, maybeId];
    requireArgument(id, 1, "delete", "id");
    if (table !== undefined) requireTableName(table, 1, "delete");
    const documentId = requireId(id, "delete");
    await this.#write((writer) => writer.delete(documentId, table));
  }

  async #write<T>(operation: (writer: DatabaseWriter) => Promise<T>): Promise<T> {
    const { execution } = this;
    execution.assertRunning();
    const entering = execution.turn.enter();
    const entered = typeof entering === "boolean" ? entering : await entering;
    try {
      const writer = execution.mutation.component(execution.component.path);
      // A trigger learns from the current execution in whose name a write is made.
      return execution.isWithoutTriggers
        ? await currentExecution.run(execution, operation, writer)
        : await operation(writer);
    } finally {
      if (entered) {
        execution.turn.leave();
      }
    }
  }
}

function requireId(id: unknown, method: string): string {
  if (typeof id !== "string") {
    throw new TrueupError(
      "INVALID_CALL",
      `Invalid argument \`id\` for \`db.${method}\`, expected string but got '${typeof id}': ${shown(id)}`,
    );
  }
  return id;
}
