/** Writes a plan for a person to read, as plain text. Whoever prints it gives the style. */
import type { Classification } from "../changes/rules.js";
import { changeTarget } from "../changes/schema-change.js";
import { waiverText } from "../changes/waivers.js";
import type { PlannedChange } from "./assess-change.js";
import type { PlanStep } from "./plan-steps.js";
import type { SchemaPlan } from "./plan-schema.js";

/** Marks parts of the text, for instance with colours. */
export type PlanStyle = Readonly<
  Record<Classification | "heading" | "target" | "aside", (text: string) => string>
>;

const asIs = (text: string): string => text;
const plain: PlanStyle = {
  safe: asIs,
  needsMigration: asIs,
  destructive: asIs,
  heading: asIs,
  target: asIs,
  aside: asIs,
};

export interface PlanTextOptions {
  readonly style?: PlanStyle;
}

const headings: readonly (readonly [Classification, string])[] = [
  ["destructive", "Destructive"],
  ["needsMigration", "Needs a migration"],
  ["safe", "Safe"],
];

/** The whole plan as lines. */
export function planText(plan: SchemaPlan, { style = plain }: PlanTextOptions = {}): string {
  if (plan.changes.length === 0) return "Nothing changes.\n";
  const lines = [verdictLine(plan), ""];
  for (const [classification, heading] of headings) {
    const changes = plan.changes.filter(({ counts }) => counts === classification);
    if (changes.length === 0) continue;
    const described = changes.flatMap((change) => changeLines(plan.componentPath, change, style));
    lines.push(style[classification](heading), ...described, "");
  }
  if (plan.verdict === "safe") {
    lines.push(...stepLines(style.heading("To deploy it"), plan.oneDeploy));
  } else {
    lines.push(...stepLines(style.heading("In one deploy, on Trueup"), plan.oneDeploy), "");
    lines.push(...stepLines(style.heading("In several deploys, on Convex Cloud"), plan.severalDeploys));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

/** The verdict in one line, with which the message of a refused deploy begins. */
export function verdictLine(plan: SchemaPlan): string {
  const count = (classification: Classification): number =>
    plan.changes.filter(({ counts }) => counts === classification).length;
  const migrating = count("needsMigration");
  const parts = [
    `${count("safe")} safe`,
    `${migrating} that ${migrating === 1 ? "needs" : "need"} a migration`,
    `${count("destructive")} destructive`,
  ];
  const total = plan.changes.length;
  return `${total} ${total === 1 ? "change" : "changes"}: ${parts.join(", ")}.`;
}

function changeLines(componentPath: string, change: PlannedChange, style: PlanStyle): readonly string[] {
  const lines = [`  ${style.target(changeTarget(change))}  ${change.rule}${transition(change)}`];
  const say = (line: string): void => {
    lines.push(`      ${line}`);
  };
  if (change.because !== undefined) say(`Counts as ${inWords(change.counts)}: ${change.because}.`);
  if (change.counts === "safe") return lines;
  if (change.because === undefined) say(change.explanation);
  if (change.counterexample !== undefined) say(`For example: ${change.counterexample}`);
  for (const { group, documents, samples } of change.violations ?? []) {
    const ids = samples.map(({ id }) => id).join(", ");
    say(`${documents} ${documents === 1 ? "document" : "documents"}: ${group} (${ids})`);
  }
  if (change.because === undefined) {
    say(change.recipe);
    const waiver = waiverText(change, componentPath);
    if (waiver !== null) say(style.aside(`Waiver: ${waiver}`));
  }
  for (const note of change.notes ?? []) say(note);
  return lines;
}

function transition({ before, after }: PlannedChange): string {
  if (before === undefined) return after === undefined ? "" : `: ${after}`;
  return after === undefined ? `: was ${before}` : `: ${before} → ${after}`;
}

function inWords(classification: Classification): string {
  return classification === "needsMigration" ? "needing a migration" : classification;
}

function stepLines(heading: string, steps: readonly PlanStep[]): readonly string[] {
  return [
    heading,
    ...steps.flatMap(({ title, details }, index) => [
      `  ${index + 1}. ${title}`,
      ...details.map((detail) => `     ${detail}`),
    ]),
  ];
}
