/** One change between two schemas: the rule that it falls under, and its place. */
import type { Place } from "../validation/place.js";
import { ruleOf, type Classification, type RuleName } from "./rules.js";

/** A change, as JSON values only. */
export interface SchemaChange {
  readonly rule: RuleName;
  readonly classification: Classification;
  /** The name of the table in the new schema; of a removed table, in the old one. */
  readonly tableName: string;
  /**
   * The path of a field or type: ".address.city", ".tags[]", ".prices.values()". A member of a union is named by its tag:
   * `(kind: "click").x`. "" is the document. Absent for tables and indexes.
   */
  readonly path?: string;
  /** The path without members of unions, as violations have it. */
  readonly pattern?: string;
  /** The name of an index. */
  readonly index?: string;
  /** The source text that stood there before. */
  readonly before?: string;
  /** The source text that stands there now. */
  readonly after?: string;
  /** The source text of a value that fitted before and does not fit now, which proves that the change is not safe. */
  readonly counterexample?: string;
  /** Further sentences about it: which references dangle, which rename it may be. */
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

/** The place of a change in one phrase: `users.address.city`, `users index by_name`. */
export function changeTarget(change: SchemaChange): string {
  const { tableName, path = "", index } = change;
  return index === undefined ? `${tableName}${path}` : `${tableName} index ${index}`;
}
