/**
 * Decides what a change counts as in the case at hand: as its rule classifies it, relaxed by a waiver that was given or by what
 * is known of the data. The data relaxes a change only when every document was checked.
 */
import { ruleOf, waivers, type Classification, type WaiverName } from "../changes/rules.js";
import type { SchemaChange } from "../changes/schema-change.js";
import { waiverFor, type GivenWaiver } from "../changes/waivers.js";
import type { TableData, ViolationCount } from "./violation-tally.js";

/** A change with its place in a plan. */
export interface PlannedChange extends SchemaChange {
  /** What the change counts as in this plan. */
  readonly counts: Classification;
  /** Why that is less than its classification, where it is. */
  readonly because?: string;
  readonly explanation: string;
  readonly recipe: string;
  /** The waiver that would relax the change. */
  readonly waiver: WaiverName | null;
  /** The violations by the change among the documents, when the data was looked at. */
  readonly violations?: readonly ViolationCount[];
}

/** Rules about whole tables, which affect every document. */
const wholeTable: ReadonlySet<string> = new Set(["table-removed", "table-renamed"]);

/** Assesses a change of a component's schema, given the waivers and, when it was looked at, the data of the table. */
export function assessChange(
  change: SchemaChange,
  given: readonly GivenWaiver[],
  componentPath: string,
  data: TableData | undefined,
): PlannedChange {
  const { explanation, recipe, waiver } = ruleOf(change.rule);
  const violations = data === undefined ? undefined : violationsOf(change, data);
  const planned = {
    ...change,
    explanation,
    recipe,
    waiver,
    ...(violations === undefined ? {} : { violations }),
  };
  const { classification } = change;
  if (classification === "safe") return { ...planned, counts: classification };
  if (data !== undefined && isUnaffected(change, data)) {
    const because = data.documents === 0 ? "the table is empty" : "no document is affected";
    return { ...planned, counts: "safe", because };
  }
  const waived = waiverFor(change, given, componentPath);
  const disproved = waived?.name === "data-already-fits" && (violations?.length ?? 0) > 0;
  if (waived === undefined || disproved) return { ...planned, counts: classification };
  return { ...planned, counts: waivers[waived.name].becomes, because: `waived by ${waived.name}` };
}

function isUnaffected(change: SchemaChange, data: TableData): boolean {
  if (data.documents === 0) return true;
  if (wholeTable.has(change.rule) || data.checked < data.documents) return false;
  if (data.violating === 0) return true;
  // Where no change of the list explains a violation, each of them may have caused it.
  return change.pattern !== undefined && change.pattern !== "" && isExplained(data, change);
}

/** Whether all violations of the table are at other places than the change. */
function isExplained(data: TableData, change: SchemaChange): boolean {
  const { pattern = "" } = change;
  return data.violations.every(
    ({ pattern: at }) => at !== "" && !isInside(at, pattern) && !isInside(pattern, at),
  );
}

function violationsOf(change: SchemaChange, data: TableData): readonly ViolationCount[] {
  const { pattern } = change;
  if (pattern === undefined) return data.violations;
  return data.violations.filter(({ pattern: at }) => isInside(at, pattern));
}

/** Whether a place equals another one or lies inside it. */
function isInside(pattern: string, around: string): boolean {
  return (
    pattern === around ||
    (pattern.startsWith(around) && [".", "[", ""].includes(pattern.charAt(around.length)))
  );
}
