/**
 * What a change counts as in the case at hand: its rule's classification, relaxed by a waiver that was
 * given or by what is known of the data. Data relaxes only when every document was checked.
 */
import { ruleOf, waivers, type Classification, type WaiverName } from "../changes/rules.js";
import type { SchemaChange } from "../changes/schema-change.js";
import { waiverFor, type GivenWaiver } from "../changes/waivers.js";
import type { TableData, ViolationCount } from "./violation-tally.js";

/** A change with its place in a plan. */
export interface PlannedChange extends SchemaChange {
  /** What it counts as here. */
  readonly counts: Classification;
  /** Why that is less than its classification, if it is. */
  readonly because?: string;
  readonly explanation: string;
  readonly recipe: string;
  /** The waiver that would relax it. */
  readonly waiver: WaiverName | null;
  /** The documents that it affects, when the data was looked at. */
  readonly violations?: readonly ViolationCount[];
}

/** Rules about tables as wholes, where any document is affected. */
const wholeTable: ReadonlySet<string> = new Set(["table-removed", "table-renamed"]);

/** A change of a component's schema as it counts, given the waivers and, when it was looked at, the table's data. */
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
  // Where the violations fit no change of the list, none of the changes is beyond suspicion.
  return change.pattern !== undefined && change.pattern !== "" && isExplained(data, change);
}

/** True when the table's violations are all at other places than the change. */
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

/** True when a place is another, or lies inside it. */
function isInside(pattern: string, around: string): boolean {
  return (
    pattern === around ||
    (pattern.startsWith(around) && [".", "[", ""].includes(pattern.charAt(around.length)))
  );
}
