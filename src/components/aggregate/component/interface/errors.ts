/**
 * The errors of the component. They are `ConvexError`s with a code and a message, because they cross from the component to the
 * app, and from there to its clients. The package's docs/errors.md lists the codes with all others.
 */
import { ConvexError, convexToJson, type Value } from "convex/values";

/** The codes in the `data` of the component's errors. */
export type AggregateErrorCode =
  | "AGGREGATE_COMPONENT_SHARED"
  | "DELETE_MISSING_KEY"
  | "DUPLICATE_KEY"
  | "INVALID_CURSOR"
  | "INVALID_EDGES"
  | "INVALID_NODE_SIZE"
  | "INVALID_OFFSET"
  | "INVALID_PAGE_SIZE"
  | "INVALID_PERCENTILE"
  | "OFFSET_OUT_OF_RANGE"
  | "PENDING_OPERATIONS";

/** An error with a code. */
export function aggregateError(
  code: AggregateErrorCode,
  message: string,
  details: Record<string, string> = {},
): ConvexError<{ code: AggregateErrorCode; message: string }> {
  return new ConvexError({ code, message, ...details });
}

/** Whether an error says that a tree is damaged: that its nodes are missing or do not fit together. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof ConvexError)) return false;
  const data: unknown = error.data;
  return typeof data === "object" && data !== null && "code" in data && data.code === "TREE_DAMAGED";
}

const shownChars = 200;

/** A value as a message shows it. */
export function show(value: Value): string {
  const text = JSON.stringify(convexToJson(value));
  return text.length > shownChars ? `${text.slice(0, shownChars)}…` : text;
}
