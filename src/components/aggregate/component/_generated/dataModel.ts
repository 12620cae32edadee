/**
 * The component's data model, kept by hand beside `schema.ts`: the package is compiled with isolated declarations,
 * which cannot infer it from there.
 */
import type { GenericId } from "convex/values";
import type {
  CheckBucketsFields,
  CheckDamageFields,
  CheckRunFields,
  CheckStepFields,
  CheckSumsFields,
  DifferenceFields,
  DriftFields,
} from "../check/types.js";
import type { BuildFields, GenerationFields } from "../generation/types.js";
import type {
  DeadLetterFields,
  NodeFields,
  PendingFields,
  ProgressFields,
  SettingsFields,
  TreeFields,
  WorkerFields,
} from "../interface/documents.js";

type SystemFields<TableName extends string> = {
  _id: GenericId<TableName>;
  _creationTime: number;
};

type Table<TableName extends string, Fields, Indexes extends Record<string, string[]>> = {
  document: Fields & SystemFields<TableName>;
  fieldPaths: Extract<keyof Fields, string> | keyof SystemFields<TableName>;
  indexes: { by_id: ["_id"]; by_creation_time: ["_creationTime"] } & Indexes;
  searchIndexes: Record<never, never>;
  vectorIndexes: Record<never, never>;
};

/** Every table of the component. */
export type DataModel = {
  trees: Table<
    "trees",
    TreeFields,
    { by_generation: ["generation", "namespace", "_creationTime"]; by_root: ["root", "_creationTime"] }
  >;
  nodes: Table<"nodes", NodeFields, Record<never, never>>;
  pendingOperations: Table<"pendingOperations", PendingFields, { by_commitTs: ["commitTs", "_creationTime"] }>;
  deadLetterOperations: Table<
    "deadLetterOperations",
    DeadLetterFields,
    { by_commitTs: ["commitTs", "_creationTime"] }
  >;
  worker: Table<"worker", WorkerFields, Record<never, never>>;
  progress: Table<"progress", ProgressFields, Record<never, never>>;
  settings: Table<"settings", SettingsFields, Record<never, never>>;
  generations: Table<
    "generations",
    GenerationFields,
    { by_definition: ["definition", "_creationTime"]; by_generation: ["generation", "_creationTime"] }
  >;
  builds: Table<"builds", BuildFields, { by_generation: ["generation", "_creationTime"] }>;
  drift: Table<"drift", DriftFields, { by_generation: ["generation", "_creationTime"] }>;
  checkRuns: Table<"checkRuns", CheckRunFields, { by_generation: ["generation", "_creationTime"] }>;
  checkSteps: Table<"checkSteps", CheckStepFields, { by_run: ["run", "_creationTime"] }>;
  checkBuckets: Table<"checkBuckets", CheckBucketsFields, { by_run: ["run", "_creationTime"] }>;
  checkSums: Table<"checkSums", CheckSumsFields, { by_run: ["run", "_creationTime"] }>;
  checkDamage: Table<
    "checkDamage",
    CheckDamageFields,
    { by_run: ["run", "space", "_creationTime"]; by_run_and_state: ["run", "state", "_creationTime"] }
  >;
  differences: Table<
    "differences",
    DifferenceFields,
    {
      by_run: ["run", "_creationTime"];
      by_run_and_id: ["run", "id", "_creationTime"];
      by_run_and_kind: ["run", "kind", "fixed", "_creationTime"];
    }
  >;
};

export type TableNames = keyof DataModel;
export type Doc<TableName extends TableNames> = DataModel[TableName]["document"];
export type Id<TableName extends TableNames | "_scheduled_functions"> = GenericId<TableName>;
