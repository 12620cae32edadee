/**
 * Why a deploy cannot go on, told whole: every document that does not fit, by what is wrong with it, the data that would have
 * no place, the transforms that failed, and the plan that would mend it.
 */
import { TrueupError } from "../../errors/index.js";
import {
  changeTarget,
  planText,
  waiverModule,
  waiverText,
  type PlannedChange,
  type SchemaPlan,
  type TableData,
} from "../../schema/index.js";
import type { DocumentProblems } from "./document-problems.js";

/** What stands in the way of one component's schema. */
export interface ComponentRefusal {
  readonly componentPath: string;
  readonly plan: SchemaPlan;
  /** Changes for which stored data would have no place, and which no waiver allows. */
  readonly destructive: readonly PlannedChange[];
  /** Why documents that do not fit cannot simply be taken back to what they were. */
  readonly irreversible: readonly string[];
  /** Migrations that are at work on documents of a schema that is in force, and that the new code lacks. */
  readonly abandoned: readonly string[];
}

/** @param problems The documents that do not fit and that nothing in the deploy will mend. */
export function refusalOf(problems: DocumentProblems, refusals: readonly ComponentRefusal[]): TrueupError {
  const isOfDocuments = problems.documents > 0;
  const parts = [
    ...(isOfDocuments ? [problems.describe()] : []),
    ...destructivePart(refusals),
    ...refusals.flatMap(({ irreversible }) => irreversible),
    ...refusals.flatMap(({ abandoned }) => (abandoned.length === 0 ? [] : [abandonedPart(abandoned)])),
    ...(isOfDocuments
      ? refusals.filter(({ plan }) => plan.changes.length > 0).map(planPart)
      : [
          "Nothing else is known to stand in the way; transforms, if there are any, are rehearsed after this.",
        ]),
  ];
  const code = isOfDocuments ? "SCHEMA_NOT_SATISFIED" : "DESTRUCTIVE_CHANGE";
  return new TrueupError(code, `Schema validation failed. ${parts.join("\n\n")}`, {
    problems: problems.groups,
    plans: Object.fromEntries(refusals.map(({ componentPath, plan }) => [componentPath, plan])),
  });
}

function abandonedPart(names: readonly string[]): string {
  return (
    `The schema in force is pending: ${names.join(", ")} has not brought every document into it yet, and the new code does ` +
    "not export that. Deploy with it, or wait until the schema is narrow."
  );
}

function planPart({ componentPath, plan }: ComponentRefusal): string {
  const of = componentPath === "" ? "" : ` of component "${componentPath}"`;
  return `The plan${of} (\`trueup plan --write <file>\` writes the migration):\n\n${indented(planText(plan))}`;
}

/** What would be lost, and the lines that say that it may be: one export for all of it, to be pasted as it stands. */
function destructivePart(refusals: readonly ComponentRefusal[]): readonly string[] {
  const lines = refusals.flatMap((of) => of.destructive.map((change) => destructiveLine(of, change)));
  if (lines.length === 0) return [];
  const waivers = refusals.flatMap(({ componentPath, destructive }) =>
    destructive.flatMap((change) => waiverText(change, componentPath) ?? []),
  );
  return [
    ["Data that is stored now has no place in the new schema:", ...lines].join("\n"),
    `Keep it, move it, or say that it may be deleted, by a module of the app (convex/waivers.ts) with these lines:\n\n${waiverModule(waivers).trimEnd()}`,
  ];
}

function destructiveLine({ componentPath, plan }: ComponentRefusal, change: PlannedChange): string {
  const documents = affected(
    change,
    plan.data.find(({ tableName }) => tableName === change.tableName),
  );
  const counted = `${documents.toLocaleString("en-US")} ${documents === 1 ? "document" : "documents"}`;
  const where = componentPath === "" ? "" : ` of component "${componentPath}"`;
  const isTable = change.rule === "table-removed";
  return [
    `  ${changeTarget(change)}${where}: ${isTable ? `a table with ${counted}` : `a field of ${counted}`}.`,
    ...(change.notes ?? []).map((note) => `    ${note}`),
  ].join("\n");
}

function affected(change: PlannedChange, data: TableData | undefined): number {
  if (change.rule === "table-removed") return data?.documents ?? 0;
  return Math.max(0, ...(change.violations ?? []).map(({ documents }) => documents));
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, "  ");
}
