/**
 * Vector search as tests need it: not an index but a scan of the whole table at each search, O(documents), scored by cosine
 * similarity. Convex's own index is approximate on large tables; this search is exact. It does not check that vectors have
 * the dimensions that the schema declares.
 */
import { compareValues, type Value } from "convex/values";
import { valueAt, type Document, type DatabaseReader } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { SchemaJson, VectorIndexJson } from "../schema/index.js";

type Predicate = (document: Document) => boolean;

interface VectorFilterBuilder {
  eq(fieldPath: string, value: Value): Predicate;
  or(...predicates: Predicate[]): Predicate;
}

/** What `ctx.vectorSearch` is asked. */
export interface VectorQuery {
  readonly vector: readonly number[];
  /** At most 256; 10 when left out. */
  readonly limit?: number;
  readonly filter?: (q: VectorFilterBuilder) => Predicate;
}

export interface VectorMatch {
  readonly _id: string;
  /** From -1 to 1; 1 for the same direction. */
  readonly _score: number;
}

const defaultLimit = 10;
const maxLimit = 256;

const filterBuilder: VectorFilterBuilder = {
  eq: (fieldPath, value) => (document) => compareValues(valueAt(document, fieldPath.split(".")), value) === 0,
  or:
    (...predicates) =>
    (document) =>
      predicates.some((predicate) => predicate(document)),
};

/** @throws INDEX_NOT_FOUND */
export function vectorIndexOf(
  schema: SchemaJson | null,
  tableName: string,
  indexName: string,
): VectorIndexJson {
  const table = schema?.tables.find((candidate) => candidate.tableName === tableName);
  const index = table?.vectorIndexes.find(({ indexDescriptor }) => indexDescriptor === indexName);
  if (index === undefined) {
    throw new TrueupError("INDEX_NOT_FOUND", `Table '${tableName}' has no vector index '${indexName}'.`, {
      table: tableName,
      index: indexName,
    });
  }
  return index;
}

/** The documents whose vectors point most nearly the same way, best first. @throws INVALID_CALL */
export async function nearestVectors(
  reader: DatabaseReader,
  tableName: string,
  { vectorField }: VectorIndexJson,
  { vector, limit = defaultLimit, filter }: VectorQuery,
): Promise<VectorMatch[]> {
  if (!Array.isArray(vector) || vector.length === 0) {
    throw new TrueupError("INVALID_CALL", "`vector` must be a non-empty Array in vectorSearch");
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new TrueupError("INVALID_CALL", `vectorSearch: \`limit\` must be from 1 to ${maxLimit}.`, {
      limit,
    });
  }
  const fits = filter?.(filterBuilder) ?? ((): boolean => true);
  const stream = reader.stream({
    source: { type: "FullTableScan", tableName, order: "asc" },
    operators: [],
  });
  const documents = await stream.take(Infinity);
  stream.close();
  const path = vectorField.split(".");
  return documents
    .flatMap((document) => {
      const candidate = valueAt(document, path);
      return Array.isArray(candidate) && fits(document)
        ? [{ _id: document._id, _score: cosine(vector, candidate as number[]) }]
        : [];
    })
    .sort((a, b) => b._score - a._score)
    .slice(0, limit);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}
