/**
 * What a deploy does to one component, and whether it may: its documents held against the new schema, each violation with what
 * in the deploy mends it. A transform mends its table before the schema holds; a migration afterwards, so that the
 * schema is pending until then; anything else that does not fit is a reason to refuse.
 */
import type { Database } from "../../database/index.js";
import type {
  DeployMigration,
  DeployMigrationStatus,
  Exported,
  ExportedDeclarations,
} from "../../functions/index.js";
import {
  findTable,
  noSchema,
  planSchema,
  type PlannedChange,
  type SchemaJson,
  type SchemaPlan,
  type TableData,
} from "../../schema/index.js";
import type { ComponentSteps } from "../steps/component-steps.js";
import { isComplete } from "../migrations/migration-status.js";
import type { ComponentHandover } from "./component-handover.js";
import { checkTable, isEnforced, tablesToCheck, type TableToCheck } from "./check-documents.js";
import type { ComponentData } from "./data-in-force.js";
import { DocumentProblems } from "./document-problems.js";
import { assertOneShape, migrationsAtWork } from "./migrations-at-work.js";
import type { ComponentRefusal } from "./refusals.js";
import type { TableSteps } from "./rehearse-steps.js";
import { renamedSchema } from "./renamed-schema.js";

export interface ComponentPlanInput {
  readonly componentPath: string;
  readonly before: SchemaJson | null;
  readonly after: SchemaJson | null;
  readonly steps: ComponentSteps;
  readonly data: ComponentData;
  readonly declarations: ExportedDeclarations;
  /** How its data comes from another component, or goes to one; null when it stays. */
  readonly handover: ComponentHandover | null;
  /** What the program's waivers say, wherever they are exported; `programWaivers` has them. */
  readonly waivers: readonly string[];
  /** What the code that runs declares; null when there is none. */
  readonly running: ExportedDeclarations | null;
  /** How the migrations stand that either of them exports, or that the schema in force awaits. */
  readonly statuses: ReadonlyMap<string, DeployMigrationStatus>;
}

export interface ComponentPlan {
  readonly componentPath: string;
  readonly after: SchemaJson | null;
  readonly steps: ComponentSteps;
  readonly handover: ComponentHandover | null;
  /** Tables in which a document written meanwhile has to be looked at again. */
  readonly checked: readonly TableToCheck[];
  /** Tables that the deploy takes migrations from: one that writes meanwhile leaves documents that nobody brings on. */
  readonly abandoned: readonly TableToCheck[];
  readonly rehearsals: readonly TableSteps[];
  /** The migrations that bring documents at rest into the schema; null when all fit when it is put in place. */
  readonly pending: readonly Exported<DeployMigration>[] | null;
  /** Tables that go with their documents, and tables that may go because they have none. */
  readonly dropped: readonly string[];
  readonly vacant: readonly string[];
  /** Null when nothing stands in the way but what a rehearsal finds. */
  readonly refusal: ComponentRefusal | null;
  /** The documents that do not fit and that nothing mends. */
  readonly problems: DocumentProblems;
}

/** O(documents of the tables whose type may refuse some). @throws TRANSFORM_INVALID, MIGRATION_UNFINISHED */
export async function planComponent(database: Database, input: ComponentPlanInput): Promise<ComponentPlan> {
  const { componentPath, before, after, steps, handover } = input;
  const newNames = new Map(steps.renames.map(({ from, to }) => [from, to]));
  const renamed = renamedSchema(before, after, steps);
  const isPending = input.data.schemaState.state === "pending";
  const tables = tablesToCheck(componentPath, isPending ? null : renamed.stored, after, newNames).filter(
    ({ table }) => handover?.tables.has(table.tableName) !== true,
  );
  const atWork = migrationsAtWork(input);
  assertOneShape(input, atWork);
  const migrations = atWork.ordered;
  const data: TableData[] = [...removedTables(input, newNames)];
  const problems = new DocumentProblems();
  const unmigrated: TableToCheck[] = [];
  const abandoned: TableToCheck[] = [];
  const irreversible: string[] = [];
  let isLeftToMigrations = false;
  const change = {
    componentPath,
    before: renamed.before,
    after: after ?? withoutSchema(before),
    renames: renamed.renames,
    waivers: [...input.waivers, ...(handover?.waivers ?? [])],
  };
  const destroyed = planSchema(change).changes.filter(({ counts }) => counts === "destructive");
  const losesData = (table: string): boolean => destroyed.some(({ tableName }) => tableName === table);
  for (const table of tables) {
    const { tableName } = table.table;
    const isTransformed = steps.transforms.some((step) => step.table === tableName);
    const isMigrated = migrations.some(
      ({ name, declared }) =>
        declared.table === tableName && mayMend(input.statuses.get(name), renamed.stored, table),
    );
    if (!isMigrated) unmigrated.push(table);
    if (isMigrated && isTransformed) isLeftToMigrations = true;
    // Nothing is asked of the plan where data is taken back, or carried over and none of it lost: the rehearsal tells.
    if (steps.undone.has(tableName)) continue;
    if (isTransformed && !isMigrated && !losesData(tableName)) continue;
    const found = new DocumentProblems();
    const checked = await checkTable(database, table, found);
    data.push(checked);
    if (isMigrated && checked.violating > 0) {
      isLeftToMigrations = true;
      const among = isTransformed ? undefined : findTable(renamed.stored ?? noSchema, tableName);
      if (among === undefined || !isPending || atWork.brought.has(tableName)) continue;
      // What has come into the schema in force is nothing to the migrations that it awaits.
      const migrated = { ...table, among };
      unmigrated.push(migrated);
      if (atWork.unfinished.some(({ isExported, table: of }) => !isExported && of === tableName)) {
        abandoned.push(table);
      }
      await checkTable(database, migrated, problems);
    }
    if (isMigrated || isTransformed || checked.violating === 0) continue;
    problems.absorb(found);
    const why = steps.irreversible.get(tableName);
    if (why !== undefined) irreversible.push(irreversibleText(tableName, why));
  }
  const plan = planSchema({ ...change, data });
  const destructive = after?.schemaValidation === true ? destructiveChanges(plan, steps) : [];
  const isRefused = problems.documents > 0 || destructive.length > 0;
  const removed = plan.changes.filter(
    ({ rule }) => rule === "table-removed" && after?.schemaValidation === true,
  );
  return {
    componentPath,
    after,
    steps,
    handover,
    checked: isLeftToMigrations ? unmigrated : tables,
    abandoned,
    rehearsals: rehearsals(input, newNames, migrations),
    pending: isLeftToMigrations ? migrations : null,
    dropped: removed.filter(isWaived).map(({ tableName }) => tableName),
    vacant: removed.filter((change) => !isWaived(change)).map(({ tableName }) => tableName),
    refusal: isRefused
      ? {
          componentPath,
          plan,
          destructive,
          irreversible,
          abandoned: atWork.abandoned,
        }
      : null,
    problems,
  };
}

/** One that is complete has done what it can: it answers for what it left of its own type, and for no other one. */
function mayMend(
  status: DeployMigrationStatus | undefined,
  inForce: SchemaJson | null,
  { table }: TableToCheck,
): boolean {
  return status === undefined || !isComplete(status) || isEnforced(inForce, table);
}

function destructiveChanges(plan: SchemaPlan, { undone }: ComponentSteps): readonly PlannedChange[] {
  return plan.changes.filter(({ counts, tableName }) => counts === "destructive" && !undone.has(tableName));
}

function isWaived({ because }: PlannedChange): boolean {
  return because?.startsWith("waived") === true;
}

/** The tables that the schema no longer has, for the plan to know whether they hold data. */
function* removedTables(
  { before, after, data }: ComponentPlanInput,
  newNames: ReadonlyMap<string, string>,
): Generator<TableData> {
  for (const { tableName } of before?.tables ?? []) {
    if (newNames.has(tableName) || (after !== null && findTable(after, tableName) !== undefined)) continue;
    const documents = data.documents.get(tableName) ?? 0;
    yield { tableName, documents, checked: 0, violating: 0, violations: [] };
  }
}

function rehearsals(
  { componentPath, after, steps }: ComponentPlanInput,
  newNames: ReadonlyMap<string, string>,
  migrations: readonly Exported<DeployMigration>[],
): TableSteps[] {
  const oldNames = new Map([...newNames].map(([from, to]) => [to, from]));
  const names = new Set(steps.transforms.map(({ table }) => table));
  return [...names].map((name) => {
    const isMigrated = migrations.some(({ declared }) => declared.table === name);
    const isHeld = after?.schemaValidation === true && !isMigrated;
    return {
      componentPath,
      storedAs: oldNames.get(name) ?? name,
      newName: name,
      newNames,
      table: isHeld ? (findTable(after, name) ?? null) : null,
      steps: steps.transforms.filter(({ table }) => table === name),
    };
  });
}

function irreversibleText(tableName: string, why: string): string {
  return (
    `The schema takes table "${tableName}" back to what it was before. ${why} ` +
    "Deploy a transform that makes documents of the old shape from those of the new one, or keep the new schema."
  );
}

/** What it means to have no schema: tables stay, nothing is validated. */
function withoutSchema(before: SchemaJson | null): SchemaJson {
  return { ...(before ?? noSchema), schemaValidation: false };
}
