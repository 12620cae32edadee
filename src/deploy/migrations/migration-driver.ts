/**
 * Changes data after a program was put in place: it starts the program's migrations, each when those that it requires are
 * complete, and narrows a pending schema once every document fits. It remembers nothing that matters: what is due is
 * read from the jobs and the schemas themselves, so after a crash the first round finds where to go on. A migration that
 * failed is left alone until the next deploy, until somebody resumes it, or another process does this work; the schema stays
 * pending, and says why.
 */
import type { Database, QueryTransaction } from "../../database/index.js";
import type { Exported, LoadedProgram } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
import { assertHeld, WorkLoop, type Lease } from "../../work/index.js";
import { DocumentProblems, type ProblemGroup } from "../preparation/document-problems.js";
import { checkTable, tablesToCheck } from "../preparation/check-documents.js";
import { schemasInForce } from "../preparation/data-in-force.js";
import { inOrder } from "./migration-order.js";
import { MigrationCalls, type MigrationRuntime } from "./migration-calls.js";
import { isComplete, progressText } from "./migration-status.js";

/** A schema that documents at rest may not fit yet. */
export interface PendingSchemaStatus {
  readonly componentPath: string;
  readonly sinceMs: number;
  /** The migrations that are to bring every document into it. */
  readonly migrations: readonly string[];
  /** How many documents do not fit though the migrations are done, and why; null while these are at work. */
  readonly violating: number | null;
  readonly violations: readonly ProblemGroup[];
}

/** A migration that a deploy starts, and the component that exports it. */
export interface MigrationStanding extends DeployMigrationStatus {
  readonly componentPath: string;
}

export interface MigrationDriverOptions {
  /** Takes lines about what goes on. */
  readonly log: (line: string) => void;
  readonly onFailure: (error: unknown) => void;
}

/** How long to wait before migrations at work are looked at again: longer each time, while nothing else makes work. */
const pollMs = 100;
const pollFactor = 1.5;
const maxPollMs = 2_000;
const logEveryMs = 5_000;
/** The least time between two looks at documents that did not fit, and its multiple of the time that a look takes. */
const recheckMs = 1_000;
const recheckFactor = 20;

export class MigrationDriver {
  readonly #database: Database;
  readonly #calls: MigrationCalls;
  readonly #options: MigrationDriverOptions;
  readonly #lease: Lease;
  readonly #loop: WorkLoop;
  #program: LoadedProgram | null = null;
  #dueAtMs = Infinity;
  #waitMs = pollMs;
  #started = new Set<string>();
  #settled = new Set<string>();
  #loggedAtMs = 0;
  readonly #problems = new Map<string, DocumentProblems>();
  #checkMs = 0;
  readonly #stopListening: () => void;

  constructor(database: Database, runtime: MigrationRuntime, options: MigrationDriverOptions) {
    this.#database = database;
    this.#lease = database.leases.lease("migrations");
    this.#loop = new WorkLoop(
      {
        nextAtMs: () => this.#dueAtMs,
        step: () => this.#step(),
        retryAfterMs: (error) => this.#retryAfterMs(error),
      },
      { owner: this.#lease },
    );
    this.#lease.onGained?.(() => this.#beginAnew());
    this.#calls = new MigrationCalls(database, runtime, this.#lease);
    this.#options = options;
    const stopSettled = database.onTransformSettled(({ componentPath, name, tableName, impure }) => {
      const mended = `, ${impure} of which it had made otherwise before: it is no function of its document`;
      options.log(
        `transform ${placeOf(componentPath, name)} is done: every document of ${tableName} is written through${impure === 0 ? "" : mended}`,
      );
    });
    const stopCommits = database.onCommit(() => this.#lookAgain());
    this.#stopListening = () => {
      stopSettled();
      stopCommits();
    };
  }

  /** Once the result is called the migrations of the program are due, those that failed before too. */
  takeUp(_tx: QueryTransaction, program: LoadedProgram): Promise<() => void> {
    return Promise.resolve(() => this.#take(program));
  }

  #take(program: LoadedProgram): void {
    this.#program = program;
    // A storage that fails, or is closed by now, shows everywhere else.
    this.#tellTransforms().catch(() => {});
    this.#beginAnew();
  }

  #beginAnew(): void {
    this.#started = new Set();
    this.#settled = new Set();
    this.#problems.clear();
    this.#waitMs = pollMs;
    this.#makeDue(0);
  }

  /** Begins to work on what is due. */
  start(): void {
    this.#loop.start();
  }

  /** Ends what is under way and does nothing else. Idempotent. */
  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
  }

  /** The schemas that are pending, by component. */
  async pending(): Promise<PendingSchemaStatus[]> {
    const program = this.#program;
    if (program === null) return [];
    const paths = [...program.components.keys()];
    const { value } = await this.#database.query(
      async (tx) => paths.map((path) => ({ path, state: tx.schemaState(path) })),
      { limits: null },
    );
    return value.flatMap(({ path, state }) => {
      if (state.state !== "pending") return [];
      const problems = this.#problems.get(path);
      return {
        componentPath: path,
        sinceMs: state.sinceMs,
        migrations: state.migrations,
        violating: problems?.documents ?? null,
        violations: problems?.groups ?? [],
      };
    });
  }

  /** How the migrations stand that deploys start, by component. */
  async standing(): Promise<MigrationStanding[]> {
    const program = this.#program;
    if (program === null) return [];
    const found: MigrationStanding[] = [];
    for (const [componentPath, { declarations }] of program.components) {
      const statuses = await this.#calls.statuses(program, componentPath, declarations.migrations);
      for (const status of statuses.values()) found.push({ componentPath, ...status });
    }
    return found;
  }

  async #step(): Promise<void> {
    this.#dueAtMs = Infinity;
    const isBusy = await this.#work();
    if (isBusy) this.#makeDue(this.#nextWaitMs());
    else this.#waitMs = pollMs;
  }

  #retryAfterMs(error: unknown): number {
    this.#options.onFailure(error);
    this.#makeDue(0);
    return this.#nextWaitMs();
  }

  #nextWaitMs(): number {
    this.#waitMs = Math.min(this.#waitMs * pollFactor, maxPollMs);
    return this.#waitMs;
  }

  /** Unless it is due earlier. */
  #makeDue(inMs: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, Date.now() + inMs);
    this.#loop.wake();
  }

  /** Documents that did not fit may have been mended by hand. */
  #lookAgain(): void {
    if (this.#problems.size === 0 || this.#dueAtMs < Infinity) return;
    this.#makeDue(Math.max(recheckMs, this.#checkMs * recheckFactor));
  }

  /** True when something goes on that has to be looked at again. */
  async #work(): Promise<boolean> {
    const program = this.#program;
    if (program === null) return false;
    let isBusy = false;
    for (const [path, { declarations }] of program.components) {
      if (!this.#loop.isOn) return false;
      isBusy = (await this.#advance(program, path, declarations.migrations)) || isBusy;
    }
    return isBusy;
  }

  /** Starts what may start, and narrows the schema of a component when nothing is at work any more. */
  async #advance(
    program: LoadedProgram,
    path: string,
    migrations: readonly Exported<DeployMigration>[],
  ): Promise<boolean> {
    const statuses = await this.#calls.statuses(program, path, migrations);
    const complete = new Set([...statuses.values()].filter(isComplete).map(({ name }) => name));
    const { value: schema } = await this.#database.query(async (tx) => tx.schemaState(path));
    const awaited = schema.state === "pending" ? schema.migrations : [];
    const taken = new Set<string>();
    let isBusy = false;
    for (const migration of inOrder(migrations, awaited, statuses)) {
      const { name, declared } = migration;
      const status = statuses.get(name);
      this.#tell(path, name, status);
      if (status?.state === "inProgress") isBusy = true;
      // Those of one table run one after the other.
      const isTurn = !taken.has(declared.table);
      if (!complete.has(name)) taken.add(declared.table);
      const mayStart = !complete.has(name) && isTurn && !this.#started.has(`${path}/${name}`);
      if (!mayStart || status?.state === "inProgress" || status?.state === "paused") continue;
      if (!(await this.#isAllowed(program, path, declared.requires, complete, migrations))) continue;
      this.#started.add(`${path}/${name}`);
      this.#options.log(`migration ${placeOf(path, name)} started`);
      await this.#calls.start(program, path, migration);
      isBusy = true;
    }
    if (isBusy) return true;
    await this.#narrow(path);
    return false;
  }

  /** True when the migrations that one requires are complete; those of other modules are asked for by name. */
  async #isAllowed(
    program: LoadedProgram,
    path: string,
    requires: readonly string[],
    complete: ReadonlySet<string>,
    migrations: readonly Exported<DeployMigration>[],
  ): Promise<boolean> {
    const missing = requires.filter((name) => !complete.has(name));
    const [asked] = migrations;
    if (missing.length === 0 || asked === undefined) return missing.length === 0;
    const others = missing.map((name) => ({ name, declared: asked.declared }));
    return (await this.#calls.complete(program, path, others)).size === missing.length;
  }

  /** Checks every document of a pending schema; it is narrow when all of them fit. */
  async #narrow(path: string): Promise<void> {
    const { value: state } = await this.#database.query(async (tx) => tx.schemaState(path));
    if (state.state === "narrow") return;
    const schema = (await schemasInForce(this.#database, [path])).get(path) ?? null;
    const problems = new DocumentProblems();
    const beganAtMs = performance.now();
    for (const table of tablesToCheck(path, null, schema)) await checkTable(this.#database, table, problems);
    this.#checkMs = performance.now() - beganAtMs;
    if (!this.#loop.isOn) return;
    const isKnown = this.#problems.has(path);
    if (problems.documents > 0) {
      this.#problems.set(path, problems);
      if (isKnown) return;
      this.#options.log(
        `the schema${ofComponent(path)} stays pending: no migration is at work, and ${problems.describe()}`,
      );
      return;
    }
    this.#problems.delete(path);
    // Writes have been held to the schema since it came, so whatever fitted still does.
    await this.#database.mutate(
      async (tx) => {
        await assertHeld(this.#lease, tx);
        const now = tx.schemaState(path);
        if (now.state === "pending" && now.sinceMs === state.sinceMs) tx.setNarrowed(path);
      },
      { limits: null },
    );
    this.#options.log(`the schema${ofComponent(path)} is narrow: every document fits`);
  }

  /** Those that are in force while documents are still to be written through. */
  async #tellTransforms(): Promise<void> {
    const { value } = await this.#database.query((tx) => tx.transforms(), { limits: null });
    for (const { componentPath, name, tableName, state, processed, total } of value) {
      if (state !== "lagging") continue;
      const documents = `${processed.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} documents`;
      const place = placeOf(componentPath, name);
      this.#options.log(`transform ${place} is in force: ${documents} of ${tableName} are written through`);
    }
  }

  #tell(path: string, name: string, status: DeployMigrationStatus | undefined): void {
    if (status === undefined) return;
    const key = `${path}/${name}`;
    if (status.state === "inProgress") {
      const nowMs = performance.now();
      if (nowMs - this.#loggedAtMs < logEveryMs) return;
      this.#loggedAtMs = nowMs;
      this.#options.log(`migration ${placeOf(path, name)} ${progressText(status)}`);
    } else if (this.#started.has(key) && !this.#settled.has(key)) {
      this.#settled.add(key);
      this.#options.log(`migration ${placeOf(path, name)} ${progressText(status)}`);
    }
  }
}

function placeOf(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

function ofComponent(path: string): string {
  return path === "" ? "" : ` of component "${path}"`;
}
