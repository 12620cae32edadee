/**
 * The migrations that a deploy of a component finds at work, and those that it brings. One of an earlier deploy that is not
 * complete leaves its table with documents of two shapes, or of two meanings. Code that is written for one kind must not get
 * the other. So transforms, and migrations that are to take its place, are refused unless they say that they take both.
 */
import { TrueupError } from "../../errors/index.js";
import type { Exported, ExportedDeclarations } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
import { inOrder } from "../migrations/migration-order.js";
import { hasBegun, isComplete, progressText } from "../migrations/migration-status.js";
import type { ComponentSteps } from "../steps/component-steps.js";
import type { ComponentData } from "./data-in-force.js";

export interface MigrationsInput {
  readonly steps: ComponentSteps;
  readonly data: ComponentData;
  readonly declarations: ExportedDeclarations;
  /** What the code that runs declares; null when there is none. */
  readonly running: ExportedDeclarations | null;
  /** How the migrations stand that either of them exports, or that the schema in force awaits. */
  readonly statuses: ReadonlyMap<string, DeployMigrationStatus>;
}

/** A migration that an earlier deploy brought and that is not complete. */
interface Unfinished {
  readonly name: string;
  /** By its new name. */
  readonly table: string;
  readonly progress: string;
  readonly isExported: boolean;
}

export interface MigrationsAtWork {
  /** Those that the deploy starts or goes on with, in the order in which those of one table run. */
  readonly ordered: readonly Exported<DeployMigration>[];
  /** The tables of those that no earlier deploy brought. */
  readonly brought: ReadonlySet<string>;
  /** Those that the schema in force awaits and the code no longer exports: the tables of their documents, by name. */
  readonly abandoned: ReadonlyMap<string, string | undefined>;
  /** Those of earlier deploys that are not complete. */
  readonly unfinished: readonly Unfinished[];
}

/** O(migrations). @throws TRANSFORM_INVALID */
export function migrationsAtWork(input: MigrationsInput): MigrationsAtWork {
  const { declarations, data, statuses } = input;
  const { schemaState } = data;
  const awaited = schemaState.state === "pending" ? schemaState.migrations : [];
  const exported = new Set(declarations.migrations.map(({ name }) => name));
  const going = declarations.migrations.filter(
    ({ name }) => !isDone(statuses.get(name)) || awaited.includes(name),
  );
  const earlier = tablesOfEarlier(input);
  return {
    ordered: inOrder(going, awaited, statuses),
    brought: new Set(going.filter(({ name }) => !earlier.has(name)).map(({ declared }) => declared.table)),
    abandoned: new Map(
      awaited.filter((name) => !exported.has(name)).map((name) => [name, earlier.get(name)] as const),
    ),
    unfinished: [...earlier]
      .filter(([name]) => !isDone(statuses.get(name)))
      .map(([name, table]) => ({
        name,
        table,
        progress: progressOf(statuses.get(name)),
        isExported: exported.has(name),
      })),
  };
}

/** The tables of migrations that earlier deploys brought, by the migrations' names. */
function tablesOfEarlier({
  steps,
  data,
  declarations,
  running,
  statuses,
}: MigrationsInput): Map<string, string> {
  const newNames = new Map(steps.renames.map(({ from, to }) => [from, to]));
  const newName = (table: string): string => newNames.get(table) ?? table;
  const tables = new Map<string, string>();
  for (const { name, declared } of running?.migrations ?? []) tables.set(name, newName(declared.table));
  const { schemaState } = data;
  if (schemaState.state === "pending") {
    for (const [at, name] of schemaState.migrations.entries()) {
      tables.set(name, newName(schemaState.tables[at] ?? ""));
    }
  }
  for (const { name, declared } of declarations.migrations) {
    if (!tables.has(name) && hasBegun(statuses.get(name))) tables.set(name, declared.table);
  }
  return tables;
}

/** @throws MIGRATION_UNFINISHED with all that is written for one kind of documents where there are two */
export function assertOneShape(
  { steps, declarations }: MigrationsInput,
  { ordered, unfinished }: MigrationsAtWork,
): void {
  const problems: Problem[] = [];
  const earlier = new Set(unfinished.map(({ name }) => name));
  for (const migration of unfinished) {
    const { table, isExported } = migration;
    for (const { definition, record } of steps.transforms.filter((step) => step.table === table)) {
      const { name: newcomer } = definition;
      const declared = declarations.transforms.find(({ name }) => name === newcomer)?.declared;
      const kind = record === null ? "taken back" : "transform";
      const takesBoth = declared?.takesUnmigrated === true;
      // Whether a `down` may have a document is asked of each document, in the rehearsal.
      if (isExported || !(takesBoth || kind === "taken back")) {
        problems.push({ migration, newcomer, kind, takesBoth });
      }
    }
    const rename = steps.renames.find(({ to }) => to === table);
    // How far the migration has come is a place in the table by its old name, so it could not go on.
    if (rename !== undefined && isExported) {
      problems.push({
        migration,
        newcomer: `${rename.from} → ${rename.to}`,
        kind: "rename",
        takesBoth: true,
      });
    }
    for (const { name: newcomer, declared } of isExported ? [] : ordered) {
      if (declared.table !== table || earlier.has(newcomer) || declared.takesUnmigrated === true) continue;
      problems.push({ migration, newcomer, kind: "migration", takesBoth: false });
    }
  }
  if (problems.length === 0) return;
  const message = `${problems.map(describe).join("\n\n")}\n\nNothing has changed.`;
  throw new TrueupError("MIGRATION_UNFINISHED", message, {
    unfinished: problems.map(({ newcomer, migration: { name, table } }) => ({
      newcomer,
      migration: name,
      table,
    })),
  });
}

interface Problem {
  readonly migration: Unfinished;
  readonly newcomer: string;
  readonly kind: "transform" | "taken back" | "migration" | "rename";
  /** Whether it says that it takes documents of both kinds. */
  readonly takesBoth: boolean;
}

function describe(problem: Problem): string {
  const { migration, newcomer, kind } = problem;
  const { name, table, progress } = migration;
  if (kind === "rename") {
    return (
      `The deploy gives a table another name, ${newcomer}, but the migration ${name} of it ${progress}: it could not go on under ` +
      "the new name. Wait until it is complete (`trueup migrations --watch`) and deploy again."
    );
  }
  const does = kind === "taken back" ? "takes back the transform" : `brings the ${kind}`;
  return (
    `The deploy ${does} ${newcomer}, but the migration ${name} of table "${table}" ${progress}. ` +
    `Some documents are migrated and others are not, and ${newcomer} is written for one kind of them. ${advice(problem)}`
  );
}

function advice({ migration: { name }, newcomer, kind, takesBoth }: Problem): string {
  const wait = "Wait until it is complete (`trueup migrations --watch`) and deploy again";
  if (kind === "taken back") return `${wait}, or no longer export ${name}.`;
  if (takesBoth) return `${newcomer} says that it takes both, in place of ${name}: no longer export ${name}.`;
  if (kind === "transform") {
    return `${wait}; or say \`takesUnmigrated: true\` of ${newcomer}, if its \`up\` takes both, and no longer export ${name}.`;
  }
  return (
    `Export ${name} too, and ${newcomer} waits for it; or give ${newcomer} the name of ${name}, if it is a better one of it; ` +
    `or say \`takesUnmigrated: true\` of ${newcomer}, if it takes both.`
  );
}

function isDone(status: DeployMigrationStatus | undefined): boolean {
  return status !== undefined && isComplete(status);
}

function progressOf(status: DeployMigrationStatus | undefined): string {
  if (status === undefined) return "is not known to be complete";
  return hasBegun(status) ? progressText(status) : "has not begun";
}
