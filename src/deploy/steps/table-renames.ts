/**
 * The tables that a deploy gives other names: those whose rename is declared and was not made yet, and those whose rename is no
 * longer declared while the schema has the old name again.
 */
import { TrueupError } from "../../errors/index.js";
import { findTable } from "../../schema/index.js";
import type { StepsInput, TableRename } from "./component-steps.js";
import type { AppliedRename } from "./step-history.js";

export interface TableRenames {
  readonly now: readonly TableRename[];
  readonly history: readonly AppliedRename[];
}

/** Renames to make, forth and back, and the history of renames then. */
export function tableRenames(input: StepsInput): TableRenames {
  const { componentPath, next, after, documents } = input;
  const isNamed = (table: string): boolean => after !== null && findTable(after, table) !== undefined;
  const past = input.history.filter((step) => step.kind === "renameTable");
  const declared = next.declarations.tableRenames;
  const kept: AppliedRename[] = [];
  const now: TableRename[] = [];
  for (const step of past) {
    const isExported = declared.some(({ declared: { from, to } }) => from === step.from && to === step.to);
    const isTakenBack = !isExported && isNamed(step.from) && !isNamed(step.to) && documents.has(step.to);
    if (isTakenBack) now.push({ from: step.to, to: step.from });
    else kept.push(step);
  }
  for (const { name, declared: rename } of declared) {
    const { from, to } = rename;
    if (kept.some((step) => step.from === from && step.to === to)) continue;
    kept.push({ kind: "renameTable", componentPath, name, from, to, appliedAtMs: 0 });
    // Nothing to rename: the data began with the new name.
    if (!documents.has(from) || ((documents.get(from) ?? 0) === 0 && documents.has(to))) continue;
    if (isNamed(from)) {
      throw new TrueupError(
        "TRANSFORM_INVALID",
        `${name} renames the table "${from}", but the schema still has it.`,
        { name, table: from },
      );
    }
    if ((documents.get(to) ?? 0) > 0) {
      throw new TrueupError(
        "TRANSFORM_INVALID",
        `${name} renames the table "${from}" to "${to}", but "${to}" has documents already.`,
        { name, table: to },
      );
    }
    now.push({ from, to });
  }
  return { now, history: kept };
}

/** What a table will be called. */
export function newNames(renames: readonly TableRename[]): (table: string) => string {
  const names = new Map(renames.map(({ from, to }) => [from, to]));
  return (table) => names.get(table) ?? table;
}
