/** One change between two schemas: which rule it falls under, and where. */
import type { Place } from "../validation/place.js";
import { ruleOf, type Classification, type RuleName } from "./rules.js";

/** A change, as JSON values only. */
export interface SchemaChange {
  readonly rule: RuleName;
  readonly classification: Classification;
  /** As the new schema names it; a removed table as the old one does. */
  readonly tableName: string;
  /**
   * Of a field or type: ".address.city", ".tags[]", ".prices.values()"; members of a union are told by
   * their tag, `(kind: "click").x`. "" is the document. Absent for tables and indexes.
   */
  readonly path?: string;
  /** The path without union members, as violations have it. */
  readonly pattern?: string;
  /** The name of an index. */
  readonly index?: string;
  /** What stood there before, as source text. */
  readonly before?: string;
  /** What stands there now, as source text. */
  readonly after?: string;
  /** A value that fitted before and does not now, as source text: the proof that it is not safe. */
  readonly counterexample?: string;
  /** What else there is to know: references that dangle, renames that it may be. */
  readonly notes?: readonly string[];
}

/** The optional parts of a change. */
export type ChangeParts = Omit<SchemaChange, "rule" | "classification" | "tableName" | "path" | "pattern">;

/** A change of a table or an index. */
export function tableChange(rule: RuleName, tableName: string, parts: ChangeParts = {}): SchemaChange {
  return { rule, classification: ruleOf(rule).classification, tableName, ...parts };
}

/** A change at a place of a table's documents. */
export function placeChange(
  rule: RuleName,
  tableName: string,
  place: Place,
  parts: ChangeParts = {},
): SchemaChange {
  const { path, pattern } = place;
  return { ...tableChange(rule, tableName, parts), path, pattern };
}

/** Where a change is, in one phrase: `users.address.city`, `users index by_name`. */
export function changeTarget(change: SchemaChange): string {
  const { tableName, path = "", index } = change;
  return index === undefined ? `${tableName}${path}` : `${tableName} index ${index}`;
}
