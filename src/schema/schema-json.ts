/**
 * The JSON of a schema and of its validators, exactly as `schema.export()` of the `convex` package yields it (parsed) and as a
 * deploy sends it. Everything in this room works on these types, and nothing on the builder classes behind them.
 */
import type { ValidatorJSON } from "convex/values";

export type {
  ObjectFieldType as ObjectFieldJson,
  RecordKeyValidatorJSON as RecordKeyValidatorJson,
  ValidatorJSON as ValidatorJson,
} from "convex/values";

/** A validator of the kind object. */
export type ObjectValidatorJson = Extract<ValidatorJSON, { type: "object" }>;

/** A database index: ordered by `fields`, then `_creationTime`, then `_id`. */
export interface IndexJson {
  readonly indexDescriptor: string;
  readonly fields: readonly string[];
}

/** A full text search index. */
export interface SearchIndexJson {
  readonly indexDescriptor: string;
  readonly searchField: string;
  readonly filterFields: readonly string[];
}

/** A vector index. */
export interface VectorIndexJson {
  readonly indexDescriptor: string;
  readonly vectorField: string;
  readonly dimensions: number;
  readonly filterFields: readonly string[];
}

/** One table of a schema. Staged indexes are built but may not be queried yet. */
export interface TableJson {
  readonly tableName: string;
  readonly indexes: readonly IndexJson[];
  readonly stagedDbIndexes: readonly IndexJson[];
  readonly searchIndexes: readonly SearchIndexJson[];
  readonly stagedSearchIndexes: readonly SearchIndexJson[];
  readonly vectorIndexes: readonly VectorIndexJson[];
  readonly stagedVectorIndexes: readonly VectorIndexJson[];
  /** `any`, an object, or a union of objects. */
  readonly documentType: ValidatorJSON;
  /** A proposed next type, which is checked against the data in the background and not enforced. */
  readonly stagedDocumentType?: ValidatorJSON;
}

/** A whole schema. With `schemaValidation` false its types are not enforced. */
export interface SchemaJson {
  readonly tables: readonly TableJson[];
  readonly schemaValidation: boolean;
}

/** The table of this name, if the schema has it. O(tables). */
export function findTable(schema: SchemaJson, tableName: string): TableJson | undefined {
  return schema.tables.find((table) => table.tableName === tableName);
}

/** The members of a validator: those of a union and of the unions in it. Any other validator is its own only member. */
export function flatMembers(validator: ValidatorJSON): readonly ValidatorJSON[] {
  return validator.type === "union" ? validator.value.flatMap(flatMembers) : [validator];
}

const indexLists = [
  { kind: "index", staged: false, list: "indexes" },
  { kind: "index", staged: true, list: "stagedDbIndexes" },
  { kind: "search-index", staged: false, list: "searchIndexes" },
  { kind: "search-index", staged: true, list: "stagedSearchIndexes" },
  { kind: "vector-index", staged: false, list: "vectorIndexes" },
  { kind: "vector-index", staged: true, list: "stagedVectorIndexes" },
] as const;

/** An index of any kind. */
export interface AnyIndex {
  readonly kind: (typeof indexLists)[number]["kind"];
  readonly staged: boolean;
  readonly index: IndexJson | SearchIndexJson | VectorIndexJson;
}

/** All indexes of a table. */
export function indexesOf(table: TableJson): readonly AnyIndex[] {
  return indexLists.flatMap(({ kind, staged, list }) =>
    table[list].map((index) => ({ kind, staged, index })),
  );
}
