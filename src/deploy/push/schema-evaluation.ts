/**
 * Says what a schema would do to the data, before anything is pushed: which tables have to be read through, which indexes come
 * and go, and how large they are. The CLI warns of large ones.
 */
import type { Database, TableCounts } from "../../database/index.js";
import { instancesOf, type ProgramCode, type Schemas } from "../code/program-code.js";
import { isEnforced } from "../preparation/check-documents.js";
import { indexChanges, type IndexChange, type IndexConfig } from "./index-diff.js";

interface TablePrediction {
  readonly name: string;
  readonly outcome: "notValidated" | "supersetOfEnforced" | "mustWalk";
  readonly numDocs: number;
  readonly sizeBytes: number;
}

type IndexPrediction = IndexConfig & {
  readonly change: IndexChange["change"];
  readonly needsBackfill: boolean;
  readonly numDocs: number;
};

export interface SchemaEvaluation {
  readonly componentSchemaEvaluations: Readonly<
    Record<
      string,
      {
        readonly definitionPath: string;
        readonly schemaValidation: boolean;
        readonly tables: readonly TablePrediction[];
        readonly indexes: readonly IndexPrediction[];
      }
    >
  >;
  readonly newComponentDefinitions: readonly string[];
}

type Counts = ReadonlyMap<string, TableCounts>;

export async function evaluateSchemas(
  database: Database,
  before: Schemas,
  active: ProgramCode | null,
  pushed: ProgramCode,
): Promise<SchemaEvaluation> {
  const evaluations: Record<string, SchemaEvaluation["componentSchemaEvaluations"][string]> = {};
  for (const [path, { schema, definition }] of instancesOf(pushed)) {
    const counts = await countTables(database, path);
    const old = before.get(path) ?? null;
    evaluations[path] = {
      definitionPath: definition.path,
      schemaValidation: schema?.schemaValidation ?? true,
      tables: (schema?.tables ?? []).map((table): TablePrediction => {
        const { documents, sizeBytes } = countOf(counts, table.tableName);
        const isKnown = documents === 0 || isEnforced(old, table);
        const outcome =
          schema?.schemaValidation !== true ? "notValidated" : isKnown ? "supersetOfEnforced" : "mustWalk";
        return { name: table.tableName, outcome, numDocs: documents, sizeBytes };
      }),
      indexes: indexChanges(old, schema).map(({ change, index }) => {
        const { documents } = countOf(counts, index.name.split(".")[0] ?? "");
        return { ...index, change, needsBackfill: change === "added" && documents > 0, numDocs: documents };
      }),
    };
  }
  return {
    componentSchemaEvaluations: evaluations,
    newComponentDefinitions: [...pushed.definitions.keys()].filter((path) => !active?.definitions.has(path)),
  };
}

async function countTables(database: Database, path: string): Promise<Counts> {
  const { value } = await database.query(
    async (tx) => {
      const reader = tx.component(path);
      const counts = new Map<string, TableCounts>();
      for (const table of reader.tables()) counts.set(table, await reader.counts(table));
      return counts;
    },
    { limits: null },
  );
  return value;
}

function countOf(counts: Counts, table: string): TableCounts {
  return counts.get(table) ?? { documents: 0, sizeBytes: 0 };
}
