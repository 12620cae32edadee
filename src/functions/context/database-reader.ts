/**
 * `ctx.db` for reading: plain objects of closures, since apps spread, bind and destructure them. Each
 * read waits for its turn among the function's own writes; results are fresh copies of the database's.
 */
import type {
  DatabaseReader,
  Document,
  DocumentStream,
  Page,
  PageOptions,
  Query,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { Execution } from "../execution/execution.js";
import { TableQuery, type DocumentSource } from "./query-builder.js";
import { requireArgument } from "./require-argument.js";

/** System tables that apps may read. */
const readableSystemTables = new Set(["_scheduled_functions", "_storage"]);

/** `ctx.db.table(name)` of a query. */
export interface TableHandle {
  get(id: string): Promise<Document | null>;
  query(): TableQuery;
}

/** `ctx.db.system`. */
export interface SystemDatabase {
  /** `get(id)` or `get(table, id)`. */
  get(tableOrId: string, id?: string): Promise<Document | null>;
  query(tableName: string): TableQuery;
  normalizeId(tableName: string, id: string): string | null;
  table(tableName: string): TableHandle;
}

/** `ctx.db` of a query. */
export interface ReadDatabase extends SystemDatabase {
  readonly system: SystemDatabase;
}

/** `ctx.db` of a query function. */
export function readDatabase(execution: Execution): ReadDatabase {
  return {
    ...reading(execution, new TableSource(execution), false),
    system: reading(execution, new SystemSource(execution), true),
  };
}

function reading(execution: Execution, source: TableSource, isSystem: boolean): SystemDatabase {
  const get = (table: string | undefined, id: unknown): Promise<Document | null> => {
    requireArgument(id, 1, "get", "id");
    if (typeof id !== "string") {
      throw new TrueupError(
        "INVALID_CALL",
        `Invalid argument \`id\` for \`db.get\`, expected string but got '${typeof id}': ${String(id)}`,
      );
    }
    return execution.turn.read(() => source.get(id, table));
  };
  const query = (tableName: string): TableQuery => {
    requireArgument(tableName, 1, "query", "tableName");
    assertReachable(tableName, isSystem, "query");
    return new TableQuery(source, tableName);
  };
  return {
    get: async (tableOrId, id) =>
      await (id === undefined ? get(undefined, tableOrId) : get(tableOrId, id)),
    query,
    normalizeId: (tableName, id) => {
      requireArgument(tableName, 1, "normalizeId", "tableName");
      requireArgument(id, 2, "normalizeId", "id");
      assertReachable(tableName, isSystem, "normalizeId");
      return source.reader.normalizeId(tableName, id);
    },
    table: (tableName) => ({
      get: async (id) => await get(tableName, id),
      query: () => query(tableName),
    }),
  };
}

function assertReachable(tableName: string, isSystem: boolean, method: string): void {
  if (tableName.startsWith("_") === isSystem && (!isSystem || readableSystemTables.has(tableName))) {
    return;
  }
  throw new TrueupError(
    "INVALID_CALL",
    isSystem && tableName.startsWith("_")
      ? `There is no system table '${tableName}'. db.system has ${[...readableSystemTables].join(" and ")}.`
      : `${isSystem ? "User" : "System"} tables can only be accessed from db.${isSystem ? "" : "system."}${method}().`,
    { table: tableName },
  );
}

/** The tables of an execution's component. */
class TableSource implements DocumentSource {
  readonly execution: Execution;

  constructor(execution: Execution) {
    this.execution = execution;
  }

  get reader(): DatabaseReader {
    this.execution.assertRunning();
    return this.execution.reader;
  }

  get(id: string, table: string | undefined): Promise<Document | null> {
    return this.reader.get(id, table);
  }

  stream(query: Query): DocumentStream {
    return this.reader.stream(query);
  }

  next(stream: DocumentStream): Promise<Document | null> {
    this.execution.assertRunning();
    return this.execution.turn.read(() => stream.next());
  }

  take(stream: DocumentStream, count: number): Promise<Document[]> {
    this.execution.assertRunning();
    return this.execution.turn.read(() => stream.take(count));
  }

  /** @throws PAGINATED_TWICE, INVALID_CALL inside a component */
  async page(query: Query, options: PageOptions): Promise<Page> {
    const { execution } = this;
    if (execution.component.path !== "") {
      throw new TrueupError(
        "INVALID_CALL",
        "`paginate` is not supported inside components: use the paginator of convex-helpers.",
      );
    }
    if (execution.paginated) {
      throw new TrueupError(
        "PAGINATED_TWICE",
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
        { path: execution.subject.path },
      );
    }
    execution.paginated = true;
    return await execution.turn.read(() => this.reader.page(query, options));
  }

  count(tableName: string): Promise<number> {
    return this.execution.turn.read(() => this.reader.count(tableName));
  }
}

/** The system tables; what the scheduler keeps beside a job's document is left out. */
class SystemSource extends TableSource {
  override get reader(): DatabaseReader {
    return this.execution.transaction.tx.system(this.execution.component.path);
  }

  override async get(id: string, table: string | undefined): Promise<Document | null> {
    const reader = this.reader;
    const tableName = table ?? reader.tableOfId(id) ?? "";
    if (!readableSystemTables.has(tableName)) {
      return null;
    }
    return visiblePart(await reader.get(id, tableName));
  }

  override async next(stream: DocumentStream): Promise<Document | null> {
    return visiblePart(await super.next(stream));
  }

  override async take(stream: DocumentStream, count: number): Promise<Document[]> {
    const documents = await super.take(stream, count);
    return documents.map(visibleDocument);
  }

  override async page(query: Query, options: PageOptions): Promise<Page> {
    const page = await super.page(query, options);
    return { ...page, page: page.page.map(visibleDocument) };
  }
}

const jobFields = ["name", "args", "scheduledTime", "completedTime", "state"];

function visiblePart(document: Document | null): Document | null {
  return document === null ? null : visibleDocument(document);
}

function visibleDocument(document: Document): Document {
  if (!("scheduledTime" in document)) {
    return document;
  }
  const { _id, _creationTime } = document;
  const visible: Document = { _id, _creationTime };
  for (const field of jobFields) {
    const value = document[field];
    if (value !== undefined) {
      visible[field] = value;
    }
  }
  return visible;
}
