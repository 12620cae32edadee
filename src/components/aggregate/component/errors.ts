/**
 * What the component refuses, as `ConvexError`s with a code and a message: they cross from the component to the app, and
 * from there to its clients. The codes are listed with all others in the package's docs/errors.md.
 */
import { ConvexError, convexToJson, type Value } from "convex/values";

/** The codes in the `data` of the component's errors. */
export type AggregateErrorCode =
  | "DELETE_MISSING_KEY"
  | "DUPLICATE_KEY"
  | "INVALID_CURSOR"
  | "INVALID_EDGES"
  | "INVALID_NODE_SIZE"
  | "INVALID_OFFSET"
  | "INVALID_PAGE_SIZE"
  | "INVALID_PERCENTILE"
  | "ITEM_TOO_LARGE"
  | "OFFSET_OUT_OF_RANGE"
  | "PENDING_OPERATIONS";

export function aggregateError(
  code: AggregateErrorCode,
  message: string,
): ConvexError<{ code: AggregateErrorCode; message: string }> {
  return new ConvexError({ code, message });
}

/** True of the error that a tree throws whose nodes are missing or do not fit together. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof ConvexError)) return false;
  const data: unknown = error.data;
  return typeof data === "object" && data !== null && "code" in data && data.code === "TREE_DAMAGED";
}

const SHOWN_CHARS = 200;

/** A value as a message shows it. */
export function show(value: Value): string {
  const text = JSON.stringify(convexToJson(value));
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
