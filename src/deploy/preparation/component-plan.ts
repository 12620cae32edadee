/**
 * Decides what a deploy does to one component, and whether it may: holds its documents against the new schema, and each
 * violation against what in the deploy mends it. A transform mends its table before the schema holds; a migration mends it
 * afterwards, so that the schema is pending until then; anything else that does not fit is a reason to refuse.
 */
import type { Database } from "../../database/index.js";
import type { Exported, ExportedDeclarations } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
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
import { assertOneShape, migrationsAtWork, type MigrationsAtWork } from "./migrations-at-work.js";
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
  /** How its data comes from another component or goes to one; null when it stays. */
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
  /**
   * Tables that the deploy takes migrations from: one that writes meanwhile would leave documents that nothing brings into
   * the schema.
   */
  readonly abandoned: readonly TableToCheck[];
  readonly rehearsals: readonly TableSteps[];
  /** The migrations that bring documents at rest into the schema; null when all fit when it is put in place. */
  readonly pending: readonly Exported<DeployMigration>[] | null;
  /** Tables that go with their documents, and tables that may go because they have none. */
  readonly dropped: readonly string[];
  readonly vacant: readonly string[];
  /** Null when nothing stands in the way, as far as no rehearsal finds anything. */
  readonly refusal: ComponentRefusal | null;
  /** The documents that do not fit and that nothing mends. */
  readonly problems: DocumentProblems;
}

/** O(documents of the tables whose type may refuse some). @throws TRANSFORM_INVALID, MIGRATION_UNFINISHED */
export async function planComponent(database: Database, input: ComponentPlanInput): Promise<ComponentPlan> {
  const { componentPath, before, after, steps, handover } = input;
  const newNames = new Map(steps.renames.map(({ from, to }) => [from, to]));
  const renamed = renamedSchema(before, after, steps);
  const atWork = migrationsAtWork(input);
  assertOneShape(input, atWork);
  const isPending = input.data.schemaState.state === "pending";
  const tables = tablesToCheck(componentPath, isPending ? null : renamed.stored, after, newNames).filter(
    ({ table }) => handover?.tables.has(table.tableName) !== true,
  );
  const change = {
    componentPath,
    before: renamed.before,
    after: after ?? withoutSchema(before),
    renames: renamed.renames,
    waivers: [...input.waivers, ...(handover?.waivers ?? [])],
  };
  const destroyed = planSchema(change).changes.filter(({ counts }) => counts === "destructive");
  const losesData = new Set(destroyed.map(({ tableName }) => tableName));
  const found = await checkTables(database, input, { tables, inForce: renamed.stored, atWork, losesData });
  const plan = planSchema({ ...change, data: [...removedTables(input, newNames), ...found.data] });
  const isValidating = after?.schemaValidation === true;
  const destructive = isValidating ? destructiveChanges(plan, steps) : [];
  const removed = plan.changes.filter(({ rule }) => rule === "table-removed" && isValidating);
  const { problems, irreversible } = found;
  const isRefused = problems.documents > 0 || destructive.length > 0;
  return {
    componentPath,
    after,
    steps,
    handover,
    checked: found.isLeftToMigrations ? found.unmigrated : tables,
    abandoned: found.abandoned,
    rehearsals: rehearsals(input, newNames, atWork.ordered),
    pending: found.isLeftToMigrations ? atWork.ordered : null,
    dropped: removed.filter(isWaived).map(({ tableName }) => tableName),
    vacant: removed.filter((each) => !isWaived(each)).map(({ tableName }) => tableName),
    refusal: isRefused
      ? { componentPath, plan, destructive, irreversible, abandoned: missed(atWork, tables, renamed.stored) }
      : null,
    problems,
  };
}

interface TablesInput {
  readonly tables: readonly TableToCheck[];
  /** The schema in force, in the names that tables are going to have. */
  readonly inForce: SchemaJson | null;
  readonly atWork: MigrationsAtWork;
  /** Tables of which the schema has no place for some data. */
  readonly losesData: ReadonlySet<string>;
}

/** What the documents say of a new schema. */
interface CheckedTables {
  readonly data: TableData[];
  /** The documents that nothing mends. */
  readonly problems: DocumentProblems;
  /** Tables whose documents no migration brings into the schema. */
  readonly unmigrated: TableToCheck[];
  readonly abandoned: TableToCheck[];
  /** Why the documents of some tables cannot simply be taken back, in whole sentences. */
  readonly irreversible: string[];
  isLeftToMigrations: boolean;
}

async function checkTables(
  database: Database,
  { steps, data, statuses }: ComponentPlanInput,
  { tables, inForce, atWork, losesData }: TablesInput,
): Promise<CheckedTables> {
  const found: CheckedTables = {
    data: [],
    problems: new DocumentProblems(),
    unmigrated: [],
    abandoned: [],
    irreversible: [],
    isLeftToMigrations: false,
  };
  for (const table of tables) {
    const { tableName } = table.table;
    const isTransformed = steps.transforms.some((step) => step.table === tableName);
    const isMigrated = atWork.ordered.some(
      ({ name, declared }) => declared.table === tableName && mayMend(statuses.get(name), inForce, table),
    );
    if (!isMigrated) found.unmigrated.push(table);
    if (isMigrated && isTransformed) found.isLeftToMigrations = true;
    // Nothing is asked of the plan where data is taken back, or carried over and none of it lost: the rehearsal tells.
    if (steps.undone.has(tableName)) continue;
    if (isTransformed && !isMigrated && !losesData.has(tableName)) continue;
    const misfits = new DocumentProblems();
    const checked = await checkTable(database, table, misfits);
    found.data.push(checked);
    if (isMigrated && checked.violating > 0) {
      found.isLeftToMigrations = true;
      const among = isTransformed ? undefined : findTable(inForce ?? noSchema, tableName);
      const isPending = data.schemaState.state === "pending";
      if (among === undefined || !isPending || atWork.brought.has(tableName)) continue;
      // The migrations that the schema in force awaits do nothing about a document which has come into that schema.
      const migrated = { ...table, among };
      found.unmigrated.push(migrated);
      if (atWork.unfinished.some(({ isExported, table: of }) => !isExported && of === tableName)) {
        found.abandoned.push(table);
      }
      await checkTable(database, migrated, found.problems);
    }
    if (isMigrated || isTransformed || checked.violating === 0) continue;
    found.problems.absorb(misfits);
    const why = steps.irreversible.get(tableName);
    if (why !== undefined) found.irreversible.push(irreversibleText(tableName, why));
  }
  return found;
}

/** The migrations that the new code should still export, since the documents that they make fit its schema. */
function missed(
  { abandoned }: MigrationsAtWork,
  tables: readonly TableToCheck[],
  inForce: SchemaJson | null,
): readonly string[] {
  const fitting = new Set(
    tables.filter(({ table }) => isEnforced(inForce, table)).map(({ table }) => table.tableName),
  );
  return [...abandoned].filter(([, table]) => fitting.has(table ?? "")).map(([name]) => name);
}

/**
 * Whether a migration may bring documents of the table into the schema. A complete one has done what it can do for its own
 * type.
 */
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

/** Having no schema means that tables stay and nothing is validated. */
function withoutSchema(before: SchemaJson | null): SchemaJson {
  return { ...(before ?? noSchema), schemaValidation: false };
}
