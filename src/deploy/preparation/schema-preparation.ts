/**
 * Makes the data ready for the schemas of a program, while the one that runs goes on: every document is checked, transforms
 * are rehearsed on all of them, then the new indexes are built, through the transforms where there are some. As a participant
 * of the activation it puts all of it in place, and looks again at the documents that were written in the meantime.
 * Whatever it finds wrong refuses the program, and has changed nothing.
 */
import type { Database, MutationTransaction, TransformDefinition } from "../../database/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { noSchema } from "../../schema/index.js";
import { PreparationOutdated, type Participant, type TakeUp } from "../activation.js";
import type { Schemas } from "../code/program-code.js";
import type { MigrationCalls } from "../migrations/migration-calls.js";
import { componentSteps, type ComponentSteps } from "../steps/component-steps.js";
import { pushIdOf, type OriginatedProgram, type TransformFunctions } from "../steps/transform-functions.js";
import { handoverOf, type HandoverRuntime } from "./component-handover.js";
import { planComponent, type ComponentPlan } from "./component-plan.js";
import { dataInForce, type DataInForce } from "./data-in-force.js";
import { DocumentProblems } from "./document-problems.js";
import { assertUpToDate, putInPlace } from "./put-in-place.js";
import { programWaivers } from "./program-waivers.js";
import { lossRefusal, refusalOf, rehearsalRefusal } from "./refusals.js";
import { Rehearsals } from "./rehearsals.js";
import { isReadyWithin, newIndexes, schemaProgress, type SchemaStatus } from "./schema-status.js";
import { TouchedDocuments } from "./touched-documents.js";

export interface PreparationInput {
  readonly database: Database;
  readonly functions: TransformFunctions;
  readonly runtime: HandoverRuntime;
  /** The schemas in force. */
  readonly before: Schemas;
  readonly after: Schemas;
  readonly next: OriginatedProgram;
  /** The program that runs; null when there is none. */
  readonly running: OriginatedProgram | null;
  readonly migrations: Pick<MigrationCalls, "standing">;
  /** Whether it checks everything and prepares nothing. */
  readonly isDryRun: boolean;
}

export class SchemaPreparation implements Participant {
  readonly #input: PreparationInput;
  readonly #touched: TouchedDocuments;
  readonly #abort = new AbortController();
  readonly #unchecked: Set<string>;
  #plans: readonly ComponentPlan[] = [];
  #rehearsals: Rehearsals = new Rehearsals([]);
  #data: DataInForce | null = null;
  #isBuilding = false;
  #isInPlace = false;
  #ready: Promise<void>;

  /** Begins at once. */
  constructor(input: PreparationInput) {
    this.#input = input;
    this.#unchecked = new Set(input.after.keys());
    this.#touched = new TouchedDocuments(input.database, input.after.keys());
    this.#ready = this.#begin();
  }

  /** How far it is; waits for the end, but no longer than the time given. Rejects when the storage fails. */
  async wait(timeoutMs: number): Promise<SchemaStatus> {
    const { database } = this.#input;
    try {
      if (await isReadyWithin(this.#ready, timeoutMs)) return { type: "complete" };
    } catch (error) {
      if (isTrueupError(error) && refusals.has(error.code)) return this.#failed(error);
      throw error;
    }
    return await schemaProgress(database, this.#input, {
      unchecked: this.#unchecked,
      isBuilding: this.#isBuilding,
    });
  }

  /**
   * Resolves when the schemas can be put in place.
   * @throws SCHEMA_NOT_SATISFIED, DESTRUCTIVE_CHANGE, MIGRATION_UNFINISHED, TRANSFORM_INVALID, TRANSFORM_MISSING,
   *   TRANSFORM_REHEARSAL_FAILED
   */
  async whenReady(): Promise<void> {
    await this.#ready;
  }

  /** Waits until it has heard of every write up to here. @throws PreparationOutdated */
  async check(tx: MutationTransaction): Promise<void> {
    const data = this.#data;
    if (data === null || !(await this.#touched.upTo(tx.version))) throw new PreparationOutdated();
    await this.#rehearsals.note(tx, this.#touched);
    await assertUpToDate(tx, data.history, this.#plans);
  }

  /** @throws PreparationOutdated; SCHEMA_NOT_SATISFIED and TRANSFORM_FAILED for documents written since it was ready */
  async store(tx: MutationTransaction): Promise<TakeUp> {
    await putInPlace(tx, this.#data?.history ?? [], this.#plans, this.#touched);
    await this.#rehearsals.settle(tx);
    return () => {
      this.#isInPlace = true;
      this.#close();
    };
  }

  prepareAgain(): void {
    this.#ready = this.#begin();
  }

  /** Ends a preparation that is not going to be put in place, so that writes no longer pay for it. Idempotent. */
  async abandon(): Promise<void> {
    this.#close();
    await this.#ready.catch(() => {});
    if (this.#isInPlace || !this.#isBuilding) return;
    const transformed = this.#plans.filter(({ steps }) => steps.transforms.length > 0);
    if (transformed.length === 0) return;
    const abandon = async (tx: MutationTransaction): Promise<void> => {
      const prepared = (await tx.transforms()).filter(({ state }) => state === "prepared");
      for (const { componentPath, steps } of transformed) {
        const ours = new Set(steps.transforms.map(({ definition: { origin } }) => origin));
        // What another deploy has prepared in the meantime stays.
        const isOurs = prepared.some((one) => one.componentPath === componentPath && ours.has(one.origin));
        if (isOurs) tx.abandonPrepared(componentPath);
      }
    };
    await this.#input.database.mutate(abandon, { limits: null });
  }

  #begin(): Promise<void> {
    const ready = this.#run();
    ready.catch(() => {});
    return ready;
  }

  /** Resolves when all is ready. @throws what refuses the program */
  async #run(): Promise<void> {
    const { database, after, next, functions, isDryRun } = this.#input;
    this.#touched.keepTo(null);
    functions.add(next.origin, next.program);
    await assertLoaded(database);
    this.#data = await dataInForce(database, after.keys());
    const steps = [...after.keys()].map((path) => this.#stepsOf(path));
    const waivers = programWaivers(next.program);
    const plans: ComponentPlan[] = [];
    for (const of of steps) plans.push(await this.#plan(of, waivers));
    this.#plans = plans;
    this.#touched.keepTo(watchedTables(plans));
    const refused = plans.flatMap(({ refusal }) => refusal ?? []);
    if (refused.length > 0) throw refusalOf(problemsOf(plans), refused);
    const aggregates = [...next.program.aggregates().values()];
    this.#rehearsals = await Rehearsals.begin(database, plans, aggregates);
    const rehearsed = await this.#rehearsals.run(database, next, this.#abort.signal);
    const failed = rehearsed.filter(({ rehearsal }) => rehearsal.failed > 0);
    if (failed.length > 0) throw rehearsalRefusal(failed);
    const lossy = lossRefusal(rehearsed, waivers);
    if (lossy !== null) throw lossy;
    this.#unchecked.clear();
    if (!isDryRun) await this.#buildIndexes(plans);
  }

  #stepsOf(componentPath: string): ComponentSteps {
    const { before, after, next, running } = this.#input;
    const declaring = ({ program, origin }: OriginatedProgram) => {
      const declarations = program.components.get(componentPath)?.declarations;
      return declarations === undefined ? null : { declarations, origin };
    };
    const data = this.#data?.components.get(componentPath);
    const code = declaring(next);
    if (code === null || data === undefined) throw new Error(`no component ${componentPath}`);
    return componentSteps({
      componentPath,
      next: code,
      running: running === null ? null : declaring(running),
      history: (this.#data?.history ?? []).filter((step) => step.componentPath === componentPath),
      before: before.get(componentPath) ?? null,
      isPending: data.schemaState.state === "pending",
      after: after.get(componentPath) ?? null,
      documents: data.documents,
    });
  }

  async #plan(steps: ComponentSteps, waivers: readonly string[]): Promise<ComponentPlan> {
    const { database, runtime, before, after, next, running, migrations } = this.#input;
    const { componentPath } = steps;
    const schemas = {
      before: before.get(componentPath) ?? null,
      after: after.get(componentPath) ?? null,
    };
    const { declarations } = next.program.component(componentPath);
    const data = this.#data?.components.get(componentPath);
    if (data === undefined) throw new Error(`no component ${componentPath}`);
    const { schemaState } = data;
    const awaited = schemaState.state === "pending" ? schemaState.migrations : [];
    return await planComponent(database, {
      componentPath,
      ...schemas,
      steps,
      handover: handoverOf({
        runtime,
        componentPath,
        ...schemas,
        next: next.program,
        running: running?.program ?? null,
      }),
      data,
      declarations,
      waivers,
      running: running?.program.components.get(componentPath)?.declarations ?? null,
      statuses: await migrations.standing(next.program, running?.program ?? null, componentPath, awaited),
    });
  }

  async #buildIndexes(plans: readonly ComponentPlan[]): Promise<void> {
    const { database, before, after } = this.#input;
    const hasIndexes = [...after].some(
      ([path, schema]) => newIndexes(before.get(path) ?? null, schema).length > 0,
    );
    const hasTransforms = plans.some(({ steps }) => steps.transforms.length > 0);
    if (!hasIndexes && !hasTransforms) return;
    await database.mutate(
      async (tx) => {
        for (const { componentPath, after: schema, steps } of plans) {
          if (schema === null && steps.transforms.length === 0) continue;
          const renames = Object.fromEntries(steps.renames.map(({ from, to }) => [from, to]));
          await tx.prepareIndexes(componentPath, schema ?? noSchema, {
            through: definitionsOf(steps),
            renames,
          });
        }
      },
      { limits: null },
    );
    this.#isBuilding = true;
    await database.background.whenBuilt();
  }

  /** Stops keeping track of what is written, and leaves off what is under way. Idempotent. */
  #close(): void {
    this.#touched.stop();
    this.#abort.abort(new TrueupError("PUSH_OUTDATED"));
  }

  #failed(refusal: TrueupError): SchemaStatus {
    const [first] = problemsOf(this.#plans).groups;
    return {
      type: "failed",
      error: refusal.message.replace(/^Schema validation failed\. /, ""),
      componentPath: first?.componentPath ?? "",
      tableName: first?.tableName ?? null,
    };
  }
}

/**
 * Asserts that the transforms are there with which documents can be read that are not written through yet.
 * @throws TRANSFORM_MISSING
 */
async function assertLoaded(database: Database): Promise<void> {
  const { value: transforms } = await database.query((tx) => tx.transforms(), { limits: null });
  const missing = transforms.filter(({ state, isLoaded }) => state === "lagging" && !isLoaded);
  const [first] = missing;
  if (first === undefined) return;
  const { name, tableName, processed, total, origin } = first;
  const pushId = pushIdOf(origin);
  throw new TrueupError(
    "TRANSFORM_MISSING",
    `Documents of table "${tableName}" still need the transform ${name}, which was applied to it: ${processed} of ${total} are written through. ` +
      (pushId === null
        ? "The code does not export it, or another one by its name. Export it as it was until all are."
        : `The stored code of its push ${pushId} is damaged or lost. Stop the app and run \`trueup check --repair\`; if that does not help, restore a backup.`),
    { names: missing.map((transform) => transform.name), table: tableName },
  );
}

const refusals: ReadonlySet<string> = new Set([
  "SCHEMA_NOT_SATISFIED",
  "DESTRUCTIVE_CHANGE",
  "MIGRATION_UNFINISHED",
  "TRANSFORM_INVALID",
  "TRANSFORM_MISSING",
  "TRANSFORM_REHEARSAL_FAILED",
]);

function problemsOf(plans: readonly ComponentPlan[]): DocumentProblems {
  const all = new DocumentProblems();
  for (const { problems } of plans) all.absorb(problems);
  return all;
}

function* watchedTables(
  plans: readonly ComponentPlan[],
): Generator<{ componentPath: string; storedAs: string }> {
  for (const { checked, abandoned, rehearsals } of plans) yield* [...checked, ...abandoned, ...rehearsals];
}

/** By the new name of the table, in their order. */
function definitionsOf({ transforms }: ComponentSteps): Record<string, TransformDefinition[]> {
  const through: Record<string, TransformDefinition[]> = {};
  for (const { table, definition } of transforms) through[table] = [...(through[table] ?? []), definition];
  return through;
}
