/**
 * Tells programs of modules that nobody pushed apart, by what can be seen of them: functions with their source, schemas, cron
 * jobs, triggers and what they declare. Two that differ only in what their functions call are taken as equal.
 */
import { createHash } from "node:crypto";
import type { LoadedComponent, LoadedProgram } from "../../functions/index.js";
import { fingerprintOf } from "../steps/transform-functions.js";

export function programFingerprint(program: LoadedProgram): string {
  const parts = [...program.components.values()].map(componentParts);
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function componentParts(component: LoadedComponent): unknown {
  const { path, program, functions, triggers, aggregates, declarations, crons } = component;
  return {
    path,
    schema: program.schema,
    functions: [...functions.values()]
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
      .map((fn) => [fn.path, fn.kind, fn.visibility, fn.args?.validator, String(fn.handler)]),
    triggers: [...triggers.byTable].map(([table, list]) => [table, list.map(String)]),
    aggregates: aggregates.all.map(({ name, aggregate }) => [name, aggregate.table, aggregate.definition]),
    transforms: declarations.transforms.map(({ name, declared }) => [name, fingerprintOf(declared)]),
    renames: declarations.tableRenames,
    waivers: declarations.waivers,
    migrations: declarations.migrations.map(({ name, declared }) => [
      name,
      declared.table,
      declared.requires,
    ]),
    crons,
  };
}
