/**
 * Why a deploy cannot go on, told whole: every document that does not fit, by what is wrong with it, the data that would have
 * no place, the transforms that failed, what transforms would lose, and what would mend it.
 */
import type { RehearsalLoss } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import {
  changeTarget,
  isFieldWaived,
  parseWaivers,
  planText,
  waiverModule,
  waiverText,
  type FieldPlace,
  type PlannedChange,
  type SchemaPlan,
  type TableData,
} from "../../schema/index.js";
import type { TransformStep } from "../steps/transform-step.js";
import type { DocumentProblems } from "./document-problems.js";
import type { RehearsedSteps } from "./rehearse-steps.js";

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
  const where = componentPath === "" ? "" : ` of component "${componentPath}"`;
  const isTable = change.rule === "table-removed";
  return [
    `  ${changeTarget(change)}${where}: ${isTable ? `a table with ${counted(documents)}` : `a field of ${counted(documents)}`}.`,
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

/** What is said of transforms that failed. */
export function rehearsalRefusal(failed: readonly RehearsedSteps[]): TrueupError {
  const message = `${failed.map(describeFailed).join("\n\n")}\n\nNothing has changed.`;
  return new TrueupError("TRANSFORM_REHEARSAL_FAILED", message, {
    failures: failed.map(({ componentPath, storedAs, steps, rehearsal }) => ({
      componentPath,
      table: storedAs,
      transforms: steps.map(({ definition: { name } }) => name),
      processed: rehearsal.processed,
      failed: rehearsal.failed,
      failures: rehearsal.failures,
    })),
  });
}

function describeFailed({ componentPath, storedAs, steps, rehearsal }: RehearsedSteps): string {
  const names = steps.map(nameOf);
  const where = componentPath === "" ? "" : ` of component "${componentPath}"`;
  const head =
    `Rehearsal of ${names.join(", ")} failed on ${counted(rehearsal.failed)} of ` +
    `${rehearsal.processed.toLocaleString("en-US")} in table "${storedAs}"${where}:`;
  const kinds = rehearsal.failures.map(({ kind, count, message, ids }, at) => {
    return `${at + 1}. ${counted(count)} (${kind}): ${someOf(ids, count)}\n${message.replaceAll(/^/gm, "   ")}`;
  });
  return [head, ...kinds].join("\n\n");
}

function nameOf({ definition: { name }, record }: TransformStep): string {
  return record === null ? `the \`down\` of ${name}` : name;
}

interface Found extends FieldPlace {
  readonly loss: RehearsalLoss;
}

/**
 * What transforms would lose, as their rehearsal has seen it in the documents, and that no waiver allows: values that neither
 * stay nor are used, and values that `down` does not bring back. A value that may be deleted for good (`drop-field`) need
 * not come back either; `lossy-down` says that another one may come in its place.
 * @param waivers As seen from the app.
 * @returns null when nothing is lost, or all of it is waived
 */
export function lossRefusal(
  rehearsed: readonly RehearsedSteps[],
  waivers: readonly string[],
): TrueupError | null {
  const given = parseWaivers(waivers);
  const found = rehearsed
    .flatMap(({ componentPath, newName, rehearsal }) =>
      rehearsal.losses.map((loss): Found => ({ componentPath, tableName: newName, path: loss.path, loss })),
    )
    .filter((one) => !waiverNames[one.loss.kind].some((name) => isFieldWaived(given, name, one)));
  if (found.length === 0) return null;
  const lost = new Set(found.filter(({ loss }) => loss.kind === "lost").map(placeOf));
  const asked = found.flatMap((one) => {
    if (one.loss.kind === "lost") return `drop-field:${placeOf(one)}`;
    return one.loss.kind === "notBroughtBack" && lost.has(placeOf(one)) ? [] : `lossy-down:${placeOf(one)}`;
  });
  const message = [
    "Transforms would lose data that is stored now:",
    found.map(describeLoss).join("\n"),
    "Let `up` keep the values and `down` bring them back, or say that they may go, by a module of the app (convex/waivers.ts) with these lines:",
    waiverModule(asked).trimEnd(),
    "Nothing has changed.",
  ].join("\n\n");
  return new TrueupError("DESTRUCTIVE_CHANGE", message, {
    losses: found.map(({ componentPath, tableName, loss }) => ({ componentPath, table: tableName, ...loss })),
    waivers: asked,
  });
}

/** The waivers that allow a loss, by its kind. */
const waiverNames = {
  lost: ["drop-field"],
  notBroughtBack: ["drop-field", "lossy-down"],
  broughtBackOtherwise: ["lossy-down"],
} as const;

function placeOf({ componentPath, tableName, path }: FieldPlace): string {
  const table = componentPath === "" ? tableName : `${componentPath}/${tableName}`;
  return path === "" ? table : `${table}.${path}`;
}

function describeLoss(one: Found): string {
  const { kind, transform, count, ids, example } = one.loss;
  const which = `${counted(count)} (${someOf(ids, count)})`;
  if (kind === "lost") {
    return `  ${placeOf(one)}: \`up\` of ${transform} neither keeps nor uses its value in ${which}, for instance ${example}.`;
  }
  return `  ${placeOf(one)}: \`down\` of ${transform} does not undo its \`up\` in ${which}: ${example}.`;
}

/** "51 documents". */
function counted(documents: number): string {
  return documents === 1 ? "1 document" : `${documents.toLocaleString("en-US")} documents`;
}

/** The first of so many documents. */
function someOf(ids: readonly string[], count: number): string {
  const listed = ids.slice(0, 3).map((id) => `"${id}"`);
  return (count > listed.length ? [...listed, "..."] : listed).join(", ");
}
