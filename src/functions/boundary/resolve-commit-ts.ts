/** What a mutation returns may hold its commit's timestamp, which is known once it is committed. */
import { CommitTsPlaceholder, type Value } from "convex/values";

/** The value with commit timestamps in place of their placeholders. */
export function resolveCommitTs(value: Value, commitTs: bigint): Value {
  if (value instanceof CommitTsPlaceholder) {
    return commitTs;
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolveCommitTs(item, commitTs));
  }
  if (typeof value === "object" && value !== null && !(value instanceof ArrayBuffer)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        field === undefined ? undefined : resolveCommitTs(field, commitTs),
      ]),
    );
  }
  return value;
}
