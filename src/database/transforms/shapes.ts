/**
 * Carries documents from the shape they are stored in to the one they are read in, through the transforms in
 * between. A transform that undoes the one before it cancels it, so that after a rollback a document which
 * was never written in the new shape is what it always was. Results are remembered by the stored document that they
 * were made from and by the entry of the catalog that led there. So a cached document serves transactions
 * that see different shapes, and a transaction that began a transform and was rolled back leaves nothing behind.
 */
import { TrueupError } from "../../errors/index.js";
import type { TableEntry, TransformEntry } from "../catalog/catalog.js";
import type { StoredDocument } from "../documents/stored-document.js";
import { applyTransform, TransformProblem } from "./apply-transform.js";
import type { TransformFunction, TransformRequest, TransformResolver } from "./types.js";

type Made = Map<TransformEntry, StoredDocument>;

/** Documents are read in the table's shape, and by writes in a prepared one; rarely in more. */
const maxMade = 2;
const maxImpure = 1000;

export class Shapes {
  #resolve: TransformResolver = () => undefined;
  #functions = new WeakMap<TransformEntry, TransformFunction>();
  readonly #made = new WeakMap<StoredDocument, Made>();
  readonly #impure = new Map<number, Set<string>>();
  #generation = 0;

  /** Rises when functions may have been loaded that were missing before. */
  get generation(): number {
    return this.#generation;
  }

  setResolver(resolve: TransformResolver): void {
    this.#resolve = resolve;
    this.#functions = new WeakMap();
    this.#generation++;
  }

  /**
   * The document in another shape of its table, an older one excepted. O(1) when it is in that shape or was made
   * before, else O(size × transforms).
   * @throws TRANSFORM_MISSING, TRANSFORM_FAILED
   */
  at(table: TableEntry, stored: StoredDocument, shape: number): StoredDocument {
    if (stored.shape >= shape) return stored;
    const source = stored.source ?? stored;
    const last = table.transforms.find((transform) => transform.shape === shape);
    if (last === undefined) throw unknownShape(table, source);
    let made = this.#made.get(source);
    const known = made?.get(last);
    if (known !== undefined) return known;
    const result = this.make(table, source, shape);
    if (made === undefined || made.size >= maxMade) {
      made = new Map();
      this.#made.set(source, made);
    }
    made.set(last, result);
    return result;
  }

  /** Notes that a document was not found in an index where its transforms put it. */
  noteImpure(table: TableEntry, id: string): void {
    let known = this.#impure.get(table.id);
    if (known === undefined) this.#impure.set(table.id, (known = new Set()));
    if (known.size < maxImpure) known.add(id);
  }

  /** Forgets those documents of a table, because no document needs its transforms any more. */
  forgetImpure(table: TableEntry): void {
    this.#impure.delete(table.id);
  }

  /** The documents of a table that were noted since the process began, at most 1,000. */
  impure(table: TableEntry): ReadonlySet<string> {
    return this.#impure.get(table.id) ?? new Set();
  }

  /** The error for a document that stands elsewhere in an index than its transforms put it. */
  misplaced(table: TableEntry, { document, source }: StoredDocument, indexName: string): TrueupError {
    this.noteImpure(table, document._id);
    const from = source?.shape ?? table.settledShape;
    const [transform] = stepsBetween(table, from, table.shape).slice(-1);
    const name = transform === undefined ? "" : ` "${transform.name}"`;
    const message = `Transform${name} made another document of ${document._id} of table "${table.name}" than when index ${indexName} was built: it is no function of its document.`;
    return new TrueupError("TRANSFORM_FAILED", message, {
      ...(transform === undefined
        ? { id: document._id, table: table.name, componentPath: table.componentPath }
        : detailsOf(table, transform, document._id)),
      kind: "impure",
      error: message,
    });
  }

  /** The function of a transform, if it is loaded. */
  functionOf(table: TableEntry, transform: TransformEntry): TransformFunction | undefined {
    let found = this.#functions.get(transform);
    if (found !== undefined) return found;
    found = this.#resolve(requestOf(table, transform));
    if (found !== undefined) this.#functions.set(transform, found);
    return found;
  }

  /** Whether all functions are loaded that carry stored documents of the table to this shape. */
  isLoaded(table: TableEntry, shape: number): boolean {
    for (let from = table.settledShape; from < shape; from++) {
      for (const transform of stepsBetween(table, from, shape)) {
        if (this.functionOf(table, transform) === undefined) return false;
      }
    }
    return true;
  }

  /** Carries a stored document to another shape and remembers nothing: for documents that nobody is going to read again. */
  make(table: TableEntry, source: StoredDocument, shape: number): StoredDocument {
    if (source.shape < table.settledShape) throw unknownShape(table, source);
    let document = source;
    for (const transform of stepsBetween(table, source.shape, shape)) {
      const run = this.functionOf(table, transform);
      if (run === undefined) throw missing(table, transform, source);
      try {
        document = applyTransform(run, document, transform.shape);
      } catch (error) {
        throw error instanceof TransformProblem ? failed(table, transform, source, error) : error;
      }
    }
    return { ...document, shape, source };
  }
}

/** What a resolver is asked for the function of a transform. */
export function requestOf(table: TableEntry, transform: TransformEntry): TransformRequest {
  const { name, origin, hasDown, undoes, shape } = transform;
  const { componentPath, name: tableName } = table;
  const request = { componentPath, tableName, shape, name, origin, hasDown };
  return undoes === undefined ? request : { ...request, undoes };
}

/** The transforms that lead from one shape to another, without those that a later one undoes. */
export function stepsBetween(table: TableEntry, from: number, to: number): readonly TransformEntry[] {
  const steps: TransformEntry[] = [];
  for (const transform of table.transforms) {
    if (transform.shape <= from || transform.shape > to) continue;
    if (transform.undoes !== undefined && steps.at(-1)?.shape === transform.undoes) steps.pop();
    else steps.push(transform);
  }
  return steps;
}

export function missing(
  table: TableEntry,
  transform: TransformEntry,
  { document }: StoredDocument,
): TrueupError {
  return new TrueupError(
    "TRANSFORM_MISSING",
    `Document ${document._id} of table "${table.name}" is still in an older shape, and the transform "${transform.name}" that carries it over is not loaded.`,
    detailsOf(table, transform, document._id),
  );
}

function failed(
  table: TableEntry,
  transform: TransformEntry,
  { document }: StoredDocument,
  problem: TransformProblem,
): TrueupError {
  return new TrueupError(
    "TRANSFORM_FAILED",
    `Transform "${transform.name}" failed on document ${document._id} of table "${table.name}": ${problem.message}`,
    { ...detailsOf(table, transform, document._id), kind: problem.kind, error: problem.message },
    problem,
  );
}

function detailsOf(table: TableEntry, transform: TransformEntry, id: string): Record<string, unknown> {
  const { name: tableName, componentPath } = table;
  return { id, table: tableName, componentPath, transform: transform.name, shape: transform.shape };
}

function unknownShape(table: TableEntry, { document, shape }: StoredDocument): TrueupError {
  return new TrueupError(
    "STORAGE_CORRUPT",
    `Document ${document._id} of table ${table.name} is stored in shape ${shape}, from which nothing leads on.`,
    { table: table.name, componentPath: table.componentPath, id: document._id, shape },
  );
}
