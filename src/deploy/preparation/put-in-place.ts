/**
 * Puts schemas in place: renames, transforms, schemas and the record of them, all in the transaction that also stores the
 * program. It first looks again at whatever the preparation relied on.
 */
import type { MutationTransaction, SchemaChange } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { Exported } from "../../functions/index.js";
import type { DeployMigration } from "../../seams/index.js";
import { PreparationOutdated } from "../activation.js";
import { readSteps, writeSteps, type AppliedStep } from "../steps/step-history.js";
import { checkSome } from "./check-documents.js";
import type { ComponentPlan } from "./component-plan.js";
import { DocumentProblems } from "./document-problems.js";
import { rehearseSome } from "./rehearse-steps.js";
import type { TouchedDocuments } from "./touched-documents.js";

/**
 * Whether the plans still go by what is there: the history of steps, and tables without documents.
 * @param history The steps that the plans were made from.
 * @throws PreparationOutdated
 */
export async function assertUpToDate(
  tx: MutationTransaction,
  history: readonly AppliedStep[],
  plans: readonly ComponentPlan[],
): Promise<void> {
  const now = await readSteps(tx.system(""));
  if (JSON.stringify(now) !== JSON.stringify(history)) throw new PreparationOutdated();
  for (const plan of plans) await assertVacant(tx, plan);
}

/**
 * O(documents touched since the preparation began).
 * @param history The steps that were applied up to now.
 * @throws PreparationOutdated, SCHEMA_NOT_SATISFIED, TRANSFORM_FAILED
 */
export async function putInPlace(
  tx: MutationTransaction,
  history: readonly AppliedStep[],
  plans: readonly ComponentPlan[],
  touched: TouchedDocuments,
): Promise<void> {
  const planned = new Set(plans.map(({ componentPath }) => componentPath));
  const steps = history.filter(({ componentPath }) => !planned.has(componentPath));
  for (const plan of plans) steps.push(...(await putComponentInPlace(tx, plan, touched)));
  if (steps.length > 0 || history.length > 0) await writeSteps(tx.system(""), steps);
  await checkTouched(tx, plans, touched);
}

async function putComponentInPlace(
  tx: MutationTransaction,
  plan: ComponentPlan,
  touched: TouchedDocuments,
): Promise<AppliedStep[]> {
  const { componentPath, after, steps, handover, pending } = plan;
  const finishHandover = await handover?.begin(tx);
  await tx.renameTables(componentPath, new Map(steps.renames.map(({ from, to }) => [from, to])));
  for (const table of plan.rehearsals) {
    await rehearseSome(tx.component(componentPath), table, touched.of(table));
  }
  const begun: AppliedStep[] = [];
  for (const { table, definition, record } of steps.transforms) {
    const shape = tx.beginTransform(componentPath, table, definition);
    if (record !== null) begun.push({ ...record, shape, appliedAtMs: tx.beganAtMs });
  }
  for (const table of plan.dropped) tx.removeTable(componentPath, table);
  const options = pending === null ? {} : { pending: awaiting(pending) };
  assertBuilt(await tx.applySchema(componentPath, after, options));
  await finishHandover?.(tx);
  const dropped = new Set(plan.dropped);
  const kept = steps.history.filter((step) => step.kind === "renameTable" || !dropped.has(step.table));
  const dated = kept.map((step) => (step.appliedAtMs === 0 ? { ...step, appliedAtMs: tx.beganAtMs } : step));
  return [...dated, ...begun];
}

function awaiting(migrations: readonly Exported<DeployMigration>[]): {
  readonly migrations: readonly string[];
  readonly tables: readonly string[];
} {
  return {
    migrations: migrations.map(({ name }) => name),
    tables: migrations.map(({ declared }) => declared.table),
  };
}

/** Asserts that the tables on whose having no documents the plan relies still have none. */
async function assertVacant(
  tx: MutationTransaction,
  { componentPath, steps, vacant }: ComponentPlan,
): Promise<void> {
  const reader = tx.component(componentPath);
  const known = new Set(reader.tables());
  const oldNames = new Map(steps.renames.map(({ from, to }) => [to, from]));
  // Their transforms count as applied. The record of an earlier deploy has a time already.
  const settled = steps.history.flatMap((step) =>
    step.kind === "transform" && step.shape === null && step.appliedAtMs === 0 ? [step.table] : [],
  );
  const storedNames = [...vacant, ...settled].map((table) => oldNames.get(table) ?? table);
  for (const storedAs of [...storedNames, ...steps.makeWay]) {
    if (known.has(storedAs) && (await reader.count(storedAs)) > 0) throw new PreparationOutdated();
  }
}

/**
 * No query may meet an index that is not built: it would be one that another deploy has dropped after it was prepared for
 * this one.
 */
function assertBuilt({ indexesAdded, indexesKept }: SchemaChange): void {
  const missing = [...indexesAdded, ...indexesKept].filter(({ needsBackfill }) => needsBackfill);
  if (missing.some(({ isStaged }) => !isStaged)) {
    throw new PreparationOutdated("Indexes that were prepared for this deploy are gone.");
  }
}

async function checkTouched(
  tx: MutationTransaction,
  plans: readonly ComponentPlan[],
  touched: TouchedDocuments,
): Promise<void> {
  const problems = new DocumentProblems();
  const left = new DocumentProblems();
  for (const { checked, abandoned, rehearsals } of plans) {
    for (const table of abandoned) {
      await checkSome(tx.component(table.componentPath), table, touched.of(table), left);
    }
    for (const table of checked) {
      await checkSome(tx.component(table.componentPath), table, touched.of(table), problems);
    }
    for (const table of rehearsals) {
      // It is read through the transforms, and a transform that fails on it throws.
      const reader = tx.component(table.componentPath);
      for (const id of touched.of(table)) await reader.get(id);
    }
  }
  if (left.documents > 0) throw new PreparationOutdated();
  if (problems.documents === 0) return;
  const message = `Schema validation failed. ${problems.describe()}`;
  throw new TrueupError("SCHEMA_NOT_SATISFIED", message, { problems: problems.groups });
}
