/** A plan as it is printed: as text for a person, and as one JSON document. */
import { basename, relative } from "node:path";
import { exitCodeOf, planText, schemaSource, type PlanStyle } from "../../schema/index.js";
import { quantity } from "../output/quantities.js";
import type { Paint } from "../output/terminal.js";
import type { AppPlan } from "./plan-app.js";
import type { SchemaOrigin } from "./schema-origin.js";
import type { WrittenMigrations } from "./write-migrations.js";

/** The plan as text: what was compared, the plan of the app, and those of the components in which something changes. */
export function planReport(plan: AppPlan, root: string, paint: Paint): string {
  const style = styleOf(paint);
  const lines = [paint.dim(`Compared with ${originText(plan.from, root)}.`), ...dataLines(plan), ""];
  lines.push(planText(plan.app, { style }).trimEnd());
  for (const [path, component] of Object.entries(plan.components)) {
    if (component.changes.length === 0) continue;
    lines.push("", paint.bold(`Component ${path}`), "", planText(component, { style }).trimEnd());
  }
  for (const path of plan.unmounted) {
    lines.push("", `Component ${path} is mounted no longer; its data stays where it is.`);
  }
  return lines.join("\n");
}

/** The plan as JSON, with the exit code, the widened schema as source, and what was written. */
export function planDocument(plan: AppPlan, written: WrittenMigrations | null): object {
  const { widened } = plan.app;
  return {
    ...plan,
    exitCode: exitCodeOf(plan.verdict),
    widenedSource: widened === null ? null : schemaSource(widened),
    written,
  };
}

/** The text about what `--write` wrote, and what is left to do. */
export function writtenReport({ files, advice }: WrittenMigrations): string {
  if (files.length === 0) return "Nothing to write: no migration is needed.";
  return [...files.map((file) => `Wrote ${file}`), ...advice].join("\n");
}

function originText(from: SchemaOrigin, root: string): string {
  switch (from.kind) {
    case "git":
      return from.commit.startsWith(from.ref)
        ? `commit ${from.commit.slice(0, 12)}`
        : `${from.ref} (${from.commit.slice(0, 12)})`;
    case "file":
      return relative(root, from.file) || basename(from.file);
    case "deployment":
      return from.url === null
        ? `the deployment in ${relative(root, from.dataFile)}`
        : `the deployment at ${from.url}`;
  }
}

/** A line about the documents that were checked, if any were. */
function dataLines({ app, components }: AppPlan): readonly string[] {
  const tables = [app, ...Object.values(components)].flatMap(({ data }) => data);
  const checked = tables.reduce((sum, table) => sum + table.checked, 0);
  const violating = tables.reduce((sum, table) => sum + table.violating, 0);
  if (checked === 0) return [];
  return [`Documents checked: ${quantity(checked)}, of which ${quantity(violating)} violate the new schema.`];
}

function styleOf(paint: Paint): PlanStyle {
  return {
    destructive: (text) => paint.bold(paint.red(text)),
    needsMigration: (text) => paint.bold(paint.yellow(text)),
    safe: (text) => paint.bold(paint.green(text)),
    heading: paint.bold,
    target: paint.cyan,
    aside: paint.dim,
  };
}
