/** `ctx.db.system`: the system tables that apps may read, as Convex shows them. */
import type {
  DatabaseReader,
  Document,
  DocumentStream,
  Page,
  PageOptions,
  Query,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { ReadAccess } from "./database-access.js";

const readableTables = new Set(["_scheduled_functions", "_storage"]);

/** The fields of a job's document that apps see; the scheduler keeps more. */
const jobFields = ["name", "args", "scheduledTime", "completedTime", "state"];

export class SystemAccess extends ReadAccess {
  override get reader(): DatabaseReader {
    return this.execution.transaction.tx.system(this.execution.component.path);
  }

  override async next(stream: DocumentStream): Promise<Document | null> {
    const document = await super.next(stream);
    return document === null ? null : visiblePart(document);
  }

  override async take(stream: DocumentStream, count: number): Promise<Document[]> {
    return (await super.take(stream, count)).map(visiblePart);
  }

  override async page(query: Query, options: PageOptions): Promise<Page> {
    const page = await super.page(query, options);
    return { ...page, page: page.page.map(visiblePart) };
  }

  protected override async find(id: string, table: string | undefined): Promise<Document | null> {
    const { reader } = this;
    const tableName = reader.tableOfId(id);
    if (tableName !== null && !tableName.startsWith("_")) {
      throw new TrueupError("INVALID_CALL", "User tables cannot be accessed with db.system.", {
        table: tableName,
      });
    }
    if (tableName !== null && !readableTables.has(tableName)) {
      return null;
    }
    const document = await reader.get(id, table);
    return document === null ? null : visiblePart(document);
  }

  protected override assertReachable(tableName: string, method: string): void {
    if (!tableName.startsWith("_")) {
      throw new TrueupError("INVALID_CALL", `User tables can only be accessed from db.${method}().`, {
        table: tableName,
      });
    }
    if (!readableTables.has(tableName)) {
      const names = [...readableTables].join(" and ");
      throw new TrueupError(
        "INVALID_CALL",
        `There is no system table '${tableName}'. db.system has ${names}.`,
        { table: tableName },
      );
    }
  }
}

function visiblePart(document: Document): Document {
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
