/**
 * The cron jobs of a program, stored in a system table of their component with the time at which each is due next.
 * That time moves on in the transaction that runs a mutation, and before an action is called, so no
 * occurrence runs twice. An occurrence is skipped while the last one still runs. Of those that a stopped
 * process missed, only the latest runs. Of several processes the one that has the lease runs them; what it has in memory may be
 * outdated when it gets that, so the stored time decides.
 */
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import {
  readAll,
  type Database,
  type MutationTransaction,
  type QueryTransaction,
} from "../../database/index.js";
import type { CronSpec, FunctionOutcome, JobRun, LoadedProgram, Runtime } from "../../functions/index.js";
import { assertHeld, LeaseLost, type Lease } from "../../work/index.js";
import type { SchedulerFailure } from "../run-job.js";
import { nextDue } from "./cron-schedule.js";

const cronsTable = "_cron_jobs";

interface CronRow {
  readonly name: string;
  readonly spec: string;
  readonly due: number;
}

interface Cron {
  readonly id: string;
  readonly componentPath: string;
  readonly name: string;
  readonly spec: CronSpec;
  due: number;
}

export class CronTable {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #onFailure: (failure: SchedulerFailure) => void;
  readonly #lease: Lease;
  readonly #running = new Map<string, Promise<void>>();
  #crons: Cron[] = [];

  constructor(database: Database, runtime: Runtime, onFailure: (failure: SchedulerFailure) => void) {
    this.#database = database;
    this.#runtime = runtime;
    this.#onFailure = onFailure;
    this.#lease = database.leases.lease("crons");
  }

  /** Calls the listener whenever this process gets to run them. */
  onGained(listener: () => void): void {
    this.#lease.onGained?.(listener);
  }

  /** When the next cron job is due here; Infinity when there is none. */
  get next(): number {
    if (!this.#lease.holds()) return Infinity;
    return Math.min(Infinity, ...this.#crons.map((cron) => cron.due));
  }

  /** The actions that run. */
  get running(): Iterable<Promise<void>> {
    return this.#running.values();
  }

  /** Stores the cron jobs of a program. One that did not change keeps its time. @throws INVALID_CRON */
  async store(tx: MutationTransaction, program: LoadedProgram): Promise<void> {
    for (const [path, component] of program.components) await storeCrons(tx, path, component.crons);
  }

  /** Reads the cron jobs of a program that is in place. They run once the result has been called. */
  async takeUp(tx: QueryTransaction, program: LoadedProgram): Promise<() => void> {
    const crons: Cron[] = [];
    for (const componentPath of program.components.keys()) {
      const rows = await readAll<CronRow>(tx.system(componentPath), cronsTable);
      for (const { _id: id, name, spec, due } of rows) {
        crons.push({ id, componentPath, name, spec: JSON.parse(spec) as CronSpec, due });
      }
    }
    return () => {
      this.#crons = crons;
    };
  }

  /** Runs what is due; actions go on in the background. */
  async runDue(): Promise<void> {
    if (!this.#lease.holds()) return;
    for (const cron of this.#crons.filter((candidate) => candidate.due <= Date.now())) {
      if (this.#running.has(cron.id)) {
        await this.#moveOn(cron);
        continue;
      }
      try {
        await this.#run(cron);
      } catch (error) {
        if (error instanceof LeaseLost) throw error;
        this.#failed(cron, error, "");
        await this.#moveOn(cron);
      }
    }
  }

  async #run(cron: Cron): Promise<void> {
    const { componentPath, spec } = cron;
    const { program } = await this.#runtime.newest();
    const fn = program.component(componentPath).functionAt(spec.name);
    if (fn.kind !== "mutation") {
      if (!(await this.#moveOn(cron))) return;
      const ended = this.#call(cron)
        .catch((error: unknown) => this.#failed(cron, error, ""))
        .then(() => void this.#running.delete(cron.id));
      this.#running.set(cron.id, ended);
      return;
    }
    let due = cron.due;
    const status = await this.#call(cron, {
      before: async (tx) => {
        due = await this.#storedDue(tx, cron);
        return due === cron.due;
      },
      after: async (tx) => {
        due = await advance(tx, cron);
      },
    });
    if (status === "error") await this.#moveOn(cron);
    else cron.due = due;
  }

  async #call(
    cron: Cron,
    around: Pick<JobRun, "before" | "after"> = unguarded,
  ): Promise<FunctionOutcome["status"]> {
    const { componentPath, spec } = cron;
    const outcome = await this.#runtime.run(
      {
        path: spec.name,
        componentPath,
        args: argumentsOf(spec),
        identity: null,
        allowInternal: true,
      },
      { componentPath, id: null, origin: null, ...around },
    );
    if (outcome.status === "error") {
      if (outcome.error instanceof LeaseLost) throw outcome.error;
      this.#failed(cron, outcome.error, outcome.requestId);
    }
    return outcome.status;
  }

  /** Moves a cron job to its next time in a transaction of its own; false when somebody else has. */
  async #moveOn(cron: Cron): Promise<boolean> {
    const { value } = await this.#database.mutate(
      async (tx) => {
        const due = await this.#storedDue(tx, cron);
        const isMoved = due === cron.due;
        return { isMoved, due: isMoved ? await advance(tx, cron) : due };
      },
      { limits: null },
    );
    cron.due = value.due;
    return value.isMoved;
  }

  /** When a cron job is due, as it is stored; Infinity when it was removed. @throws LeaseLost */
  async #storedDue(tx: MutationTransaction, cron: Cron): Promise<number> {
    await assertHeld(this.#lease, tx);
    const stored = await tx.system(cron.componentPath).get(cron.id, cronsTable);
    return stored === null ? Infinity : Number(stored["due"]);
  }

  #failed(cron: Cron, error: unknown, requestId: string): void {
    const { componentPath, spec } = cron;
    this.#onFailure({ componentPath, functionPath: spec.name, error, requestId });
  }
}

const unguarded = {
  before: (): Promise<boolean> => Promise.resolve(true),
  after: (): Promise<void> => Promise.resolve(),
};

function argumentsOf(spec: CronSpec): Value {
  return jsonToConvex((spec.args[0] ?? {}) as JSONValue);
}

async function advance(tx: MutationTransaction, cron: Cron): Promise<number> {
  const due = nextDue(cron.name, cron.spec.schedule, Math.max(Date.now(), cron.due), cron.due);
  await tx.system(cron.componentPath).patch(cron.id, { due, lastDue: cron.due }, cronsTable);
  return due;
}

async function storeCrons(
  tx: MutationTransaction,
  componentPath: string,
  specs: Readonly<Record<string, CronSpec>>,
): Promise<void> {
  await tx.ensureTable(componentPath, cronsTable, []);
  const table = tx.system(componentPath);
  const rows = await readAll<CronRow>(table, cronsTable);
  const stored = new Map(rows.map((row) => [row.name, row]));
  for (const [name, spec] of Object.entries(specs)) {
    const old = stored.get(name);
    stored.delete(name);
    const text = JSON.stringify(spec);
    if (old?.spec === text) continue;
    const due = nextDue(name, spec.schedule, Date.now(), null);
    if (old === undefined) await table.insert(cronsTable, { name, spec: text, due });
    else await table.patch(old._id, { name, spec: text, due, lastDue: undefined }, cronsTable);
  }
  for (const gone of stored.values()) {
    await table.delete(gone._id, cronsTable);
  }
}
