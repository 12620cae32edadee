/**
 * Vector search as tests need it: not an index but a scan of the whole table at each search, O(documents),
 * scored by cosine similarity. Convex's own index is approximate on large tables; this one is exact, and
 * leaves it to the app that vectors have the dimensions that the schema declares.
 */
import { compareValues, type Value } from "convex/values";
import type { Document } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { VectorIndexJson } from "../../schema/index.js";
import type { Execution } from "../execution/execution.js";
import { requireArgument } from "./require-argument.js";
import { fieldAt } from "./text-search.js";

type Predicate = (document: Document) => boolean;

interface VectorFilterBuilder {
  eq(fieldPath: string, value: Value): Predicate;
  or(...predicates: Predicate[]): Predicate;
}

/** What `ctx.vectorSearch` is asked. */
interface VectorQuery {
  readonly vector: readonly number[];
  /** 10 when left out, at most 256. */
  readonly limit?: number;
  readonly filter?: (q: VectorFilterBuilder) => Predicate;
}

interface VectorMatch {
  readonly _id: string;
  /** From -1 to 1, 1 for the same direction. */
  readonly _score: number;
}

/** `ctx.vectorSearch`. */
export type VectorSearch = (
  tableName: string,
  indexName: string,
  query: VectorQuery,
) => Promise<VectorMatch[]>;

const defaultLimit = 10;
const maxLimit = 256;

const filterBuilder: VectorFilterBuilder = {
  eq: (fieldPath, value) => (document) => compareValues(fieldAt(document, fieldPath), value) === 0,
  or:
    (...predicates) =>
    (document) =>
      predicates.some((predicate) => predicate(document)),
};

/** The documents whose vectors point most nearly the same way, best first. @throws INVALID_CALL, INDEX_NOT_FOUND */
export async function searchVectors(
  execution: Execution,
  tableName: string,
  indexName: string,
  query: VectorQuery,
): Promise<VectorMatch[]> {
  requireArgument(tableName, 1, "vectorSearch", "tableName");
  requireArgument(indexName, 2, "vectorSearch", "indexName");
  requireArgument(query, 3, "vectorSearch", "query");
  const index = vectorIndex(execution, tableName, indexName);
  const { vector, limit = defaultLimit } = query;
  if (!Array.isArray(vector) || vector.length === 0) {
    throw new TrueupError("INVALID_CALL", "`vector` must be a non-empty Array in vectorSearch");
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new TrueupError("INVALID_CALL", `vectorSearch: \`limit\` must be from 1 to ${maxLimit}.`, {
      limit,
    });
  }
  const fits = query.filter?.(filterBuilder) ?? ((): boolean => true);
  const { value: matches } = await execution.engine.database.query(
    async (tx) => {
      const stream = tx.component(execution.component.path).stream({
        source: { type: "FullTableScan", tableName, order: "asc" },
        operators: [],
      });
      const documents = await stream.take(Infinity);
      stream.close();
      return documents.flatMap((document) => {
        const candidate = fieldAt(document, index.vectorField);
        return Array.isArray(candidate) && fits(document)
          ? [{ _id: document._id, _score: cosine(vector, candidate as number[]) }]
          : [];
      });
    },
    { limits: null },
  );
  return matches.sort((a, b) => b._score - a._score).slice(0, limit);
}

function vectorIndex(execution: Execution, tableName: string, indexName: string): VectorIndexJson {
  const { schema } = execution.component.program;
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
