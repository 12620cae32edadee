/* eslint-disable */
/** The component's data model. Kept by hand, so that the library builds with isolated declarations. */
import type { SystemTableNames } from "convex/server";
import type { GenericId } from "convex/values";
import type { CheckRow, MigrationRow, QuarantineRow, RangeRow, RunRow } from "../rows.js";

type BuiltIn = { by_id: ["_id"]; by_creation_time: ["_creationTime"] };

type Table<Document, Indexes> = {
  document: Document;
  fieldPaths: keyof Document & string;
  indexes: Indexes & BuiltIn;
  searchIndexes: {};
  vectorIndexes: {};
};

export type DataModel = {
  migrations: Table<
    MigrationRow,
    { name: ["name", "_creationTime"]; isDone: ["isDone", "_creationTime"] }
  >;
  ranges: Table<RangeRow, { migration: ["migration", "_creationTime"] }>;
  runs: Table<RunRow, { migration: ["migration", "_creationTime"] }>;
  quarantine: Table<
    QuarantineRow,
    {
      migration: ["migration", "epoch", "_creationTime"];
      document: ["migration", "epoch", "documentId", "_creationTime"];
    }
  >;
  checks: Table<CheckRow, { migration: ["migration", "kind", "_creationTime"] }>;
};

export type TableNames = keyof DataModel;
export type Doc<TableName extends TableNames> = DataModel[TableName]["document"];
export type Id<TableName extends TableNames | SystemTableNames> = GenericId<TableName>;
