/**
 * The rehearsals of a deploy, one for each table to which it brings transforms. What they find out has to hold until the deploy
 * is put in place: which aggregates can stay as they are, and which documents come back as they are stored.
 */
import type { Database, MutationTransaction, TransformStatus } from "../../database/index.js";
import type { ExportedAggregate } from "../../functions/index.js";
import { PreparationOutdated } from "../activation.js";
import type { ComponentPlan } from "./component-plan.js";
import {
  rehearseSteps,
  type RehearsedSteps,
  type TableRehearsal,
  type TableSteps,
} from "./rehearse-steps.js";
import type { OriginatedProgram } from "../steps/transform-functions.js";
import type { TouchedDocuments } from "./touched-documents.js";
import { UntouchedAggregates } from "./untouched-aggregates.js";

export class Rehearsals {
  readonly #tables: readonly TableRehearsal[];

  constructor(tables: readonly TableRehearsal[]) {
    this.#tables = tables;
  }

  /** Finds what is to be rehearsed, as the data is now. @param aggregates Those that the next program exports. */
  static async begin(
    database: Database,
    plans: readonly Pick<ComponentPlan, "rehearsals">[],
    aggregates: readonly ExportedAggregate[],
  ): Promise<Rehearsals> {
    const { value: known } = await database.query((tx) => tx.transforms(), { limits: null });
    const tables = plans
      .flatMap(({ rehearsals }) => rehearsals)
      .map((of) => {
        const { componentPath, newName, steps } = of;
        const isBack = steps.some(({ definition: { undoes } }) => undoes !== undefined);
        const lagging = isBack ? laggingText(known, of) : null;
        // A document that lags behind a transform which is taken back is not made by its `down`, so it cannot be compared.
        const comparable = lagging === null ? aggregates : [];
        return { ...of, lagging, aggregates: new UntouchedAggregates(componentPath, newName, comparable) };
      });
    return new Rehearsals(tables);
  }

  /**
   * Tries all transforms; new ones beside those of another instance of the program, where there can be one. O(documents ×
   * transforms).
   */
  async run(
    database: Database,
    { program, anew }: OriginatedProgram,
    signal: AbortSignal,
  ): Promise<readonly RehearsedSteps[]> {
    const isNew = this.#tables.some(({ steps }) => steps.some(({ record }) => record !== null));
    const programs = { program, anew: isNew ? ((await anew?.()) ?? null) : null };
    const rehearsed: RehearsedSteps[] = [];
    for (const of of this.#tables) {
      rehearsed.push({ ...of, rehearsal: await rehearseSteps(database, of, programs, signal) });
    }
    return rehearsed;
  }

  /** Is part of the transaction that puts the program in place, before anything changes. @throws PreparationOutdated */
  async note(tx: MutationTransaction, touched: TouchedDocuments): Promise<void> {
    await this.#assertLagging(tx);
    for (const table of this.#tables) await table.aggregates.note(tx, table, touched.of(table));
  }

  /** Is part of the same transaction, when everything is in place. */
  async settle(tx: MutationTransaction): Promise<void> {
    for (const { aggregates } of this.#tables) await aggregates.settle(tx);
  }

  /**
   * While a schema is pending, `down` may not be written for a document that would come back as it is stored. So what was
   * written through since the rehearsal has to be rehearsed again, as what it is now.
   */
  async #assertLagging(tx: MutationTransaction): Promise<void> {
    const pending = this.#tables.filter(
      ({ componentPath, lagging }) => lagging !== null && tx.schemaState(componentPath).state === "pending",
    );
    if (pending.length === 0) return;
    const known = await tx.transforms();
    if (pending.some((of) => of.lagging !== laggingText(known, of))) throw new PreparationOutdated();
  }
}

/** How far a table is written through; null when nothing of it lags. */
function laggingText(
  known: readonly TransformStatus[],
  { componentPath, storedAs }: TableSteps,
): string | null {
  const lagging = known.filter(
    (one) => one.state === "lagging" && one.componentPath === componentPath && one.tableName === storedAs,
  );
  if (lagging.length === 0) return null;
  return JSON.stringify(lagging.map(({ shape, processed }) => [shape, processed]));
}
