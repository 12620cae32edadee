/** Runs a transform's function on one document, and refuses results that are no document of the same id. */
import { TrueupError } from "../../errors/index.js";
import { isPlainObject } from "../../values/index.js";
import { prepareDocument } from "../documents/prepare-document.js";
import { copyDocument, type StoredDocument } from "../documents/stored-document.js";
import { runGuarded } from "./guarded-globals.js";
import type { TransformFunction } from "./types.js";

/** What went wrong. */
export class TransformProblem extends Error {
  readonly kind: "threw" | "notADocument" | "systemFields" | "impure";

  constructor(kind: TransformProblem["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "TransformProblem";
    this.kind = kind;
  }
}

/** The document in its next shape. O(size). @throws TransformProblem */
export function applyTransform(
  transform: TransformFunction,
  before: StoredDocument,
  shape: number,
): StoredDocument {
  const { outcome, touched } = runGuarded(() => transform(copyDocument(before)));
  if (touched !== null) {
    throw new TransformProblem(
      "impure",
      `It reached for ${touched}: a transform must be a function of its document alone.`,
    );
  }
  let fields: unknown;
  try {
    fields = outcome();
  } catch (error) {
    throw new TransformProblem("threw", error instanceof Error ? error.message : String(error), error);
  }
  // Nobody awaits the promise, so its rejection must not become an unhandled one.
  if (fields instanceof Promise) fields.catch(() => {});
  if (!isPlainObject(fields)) {
    throw new TransformProblem("notADocument", `It returned ${describe(fields)} instead of a document.`);
  }
  const { _id, _creationTime } = before.document;
  assertSame("_id", _id, fields["_id"]);
  assertSame("_creationTime", _creationTime, fields["_creationTime"]);
  const after = prepare(fields, _id, _creationTime, shape);
  if (after.awaitsCommit && !before.awaitsCommit) {
    throw new TransformProblem("notADocument", "It returned a commit timestamp, which only writes may set.");
  }
  return after;
}

function prepare(
  fields: Readonly<Record<string, unknown>>,
  id: string,
  creationTime: number,
  shape: number,
): StoredDocument {
  try {
    return prepareDocument(fields, id, creationTime, shape);
  } catch (error) {
    if (error instanceof TrueupError) throw new TransformProblem("notADocument", error.message, error);
    throw error;
  }
}

function assertSame(field: string, before: string | number, after: unknown): void {
  if (after === undefined || after === before) return;
  throw new TransformProblem("systemFields", `It changed \`${field}\`, which belongs to the database.`);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Promise) return "a promise (a transform must be synchronous)";
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
