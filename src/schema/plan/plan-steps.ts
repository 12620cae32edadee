/**
 * Writes the steps of a plan in words: to widen, migrate and narrow where every deploy is held to the stored data, and the one
 * deploy that does the same on Trueup.
 */
import type { Classification } from "../changes/rules.js";
import { changeTarget } from "../changes/schema-change.js";
import { waiverText } from "../changes/waivers.js";
import type { PlannedChange } from "./assess-change.js";
import type { MigrationStub } from "./migration-source.js";

/** One step. */
export interface PlanStep {
  readonly kind: "deploy" | "drop" | "migrate" | "narrow" | "rename" | "stop" | "widen";
  /** One sentence that says what to do. */
  readonly title: string;
  readonly details: readonly string[];
}

/** Both ways to deploy a change. */
export interface PlanSteps {
  readonly oneDeploy: readonly PlanStep[];
  readonly severalDeploys: readonly PlanStep[];
}

/** The steps for changes that have been assessed, and the migrations they take. */
export function planSteps(
  componentPath: string,
  changes: readonly PlannedChange[],
  migrations: readonly MigrationStub[],
  verdict: Classification,
): PlanSteps {
  const stops = stopSteps(componentPath, changes);
  const renames = changes.filter(({ rule }) => rule === "table-renamed");
  const drops = changes.filter(
    ({ rule, because }) => rule === "table-removed" && because?.startsWith("waived") === true,
  );
  const names = migrations.map(({ name }) => name);
  const running = migrations.filter(({ migrateOne }) => migrateOne !== null).map(({ name }) => name);
  const toWrite = (isTransform: boolean): readonly string[] =>
    migrations.flatMap(({ decisions, downDecisions, unresolved }) => [
      ...unresolved.map((what) => `To write: ${what}.`),
      ...[...decisions, ...(isTransform ? downDecisions : [])].map((what) => `Check: ${what}.`),
    ]);
  const details = [
    ...renames.map(({ before, after }) => `Table "${before}" takes the name "${after}".`),
    ...drops.map(({ tableName }) => `The documents of "${tableName}" are deleted.`),
  ];
  const oneDeploy = deployTogether(names, details, toWrite(true));
  if (migrations.length === 0 && renames.length === 0) {
    const safe = verdict === "safe" && stops.length === 0;
    const title = safe ? "Deploy the new schema; every document fits it." : "Deploy the new schema.";
    const deploy: PlanStep = { kind: "deploy", title, details: [] };
    return { oneDeploy: [...stops, oneDeploy], severalDeploys: [...stops, deploy, ...dropSteps(drops)] };
  }
  return {
    oneDeploy: [...stops, oneDeploy],
    severalDeploys: [
      ...stops,
      ...renames.map(copyStep),
      ...(running.length === 0 ? [] : widenSteps(running, toWrite(false))),
      {
        kind: "narrow",
        title: "Deploy the new schema, and code that expects only the new shape.",
        details: ["Remove the migrations once this deploy is stable."],
      },
      ...dropSteps(drops),
    ],
  };
}

/** The step that comes before any deploy: what its author has to decide. */
function stopSteps(componentPath: string, changes: readonly PlannedChange[]): readonly PlanStep[] {
  const destructive = changes.filter(({ counts }) => counts === "destructive");
  if (destructive.length === 0) return [];
  return [
    {
      kind: "stop",
      title: "Decide about the data that has no place in the new schema.",
      details: destructive.map(
        (change) =>
          `${changeTarget(change)}: keep it, move it, or waive ${waiverText(change, componentPath)}.`,
      ),
    },
  ];
}

function deployTogether(
  names: readonly string[],
  details: readonly string[],
  write: readonly string[],
): PlanStep {
  const title =
    names.length === 0
      ? "Deploy the new schema."
      : `Deploy the new schema together with ${listed(names)}; the schema narrows by itself when the last document fits.`;
  return { kind: "deploy", title, details: [...details, ...write] };
}

function widenSteps(names: readonly string[], write: readonly string[]): readonly PlanStep[] {
  return [
    {
      kind: "widen",
      title: "Deploy the widened schema, and code that reads both shapes and writes the new one.",
      details: [],
    },
    {
      kind: "migrate",
      title: `Run ${listed(names)}, first with dryRun, and wait until it is done.`,
      details: write,
    },
  ];
}

function copyStep({ before, after }: PlannedChange): PlanStep {
  return {
    kind: "rename",
    title: `Copy the documents of "${before}" to "${after}" by a migration; ids change, so references to them do too.`,
    details: [],
  };
}

function dropSteps(drops: readonly PlannedChange[]): readonly PlanStep[] {
  return drops.map(({ tableName }) => ({
    kind: "drop",
    title: `Delete the documents of "${tableName}".`,
    details: [],
  }));
}

function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
