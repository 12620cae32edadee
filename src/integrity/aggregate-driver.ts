/**
 * Carries on the work of every managed aggregate of the active program: build, check, verify, repair, clearing. It keeps no state
 * that matters: what is due is asked of the aggregates themselves, so after a crash the first round finds where to go on. A
 * commit that changes how an aggregate stands (its generations, or the drift that a write found) makes it look again. A step is
 * one call of `advance`, aggregates take turns, and live writes get theirs between two steps. An error puts an aggregate off for
 * a while, longer each time, and is remembered until it is over. Of several processes that share a storage one does this; the
 * others read how it stands.
 */
import {
  nextCommit,
  type Database,
  type DatabaseCommit,
  type MutationTransaction,
  type QueryTransaction,
} from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { ExportedAggregate, LoadedProgram } from "../functions/index.js";
import type { Advance, AggregateStanding, AggregateStatus, StartVerifyOptions } from "../seams/index.js";
import { backoffMs, LeaseLost, WorkLoop, type Lease } from "../work/index.js";
import { AggregateCalls, type AggregateRuntime, liveWritesOf, sizeOf } from "./aggregate-calls.js";
import { AggregateWork } from "./aggregate-work.js";
import {
  type AggregateProblem,
  type AggregateRecord,
  keepRecords,
  noteProblem,
  readRecords,
} from "./aggregate-records.js";

/** Is told after each step of an aggregate's work that did not fail. */
export type StepListener = (name: string, advance: Advance) => void;

/** Is told of an aggregate after each commit that notes drift. */
export type DriftListener = (name: string) => void;

export interface DriverOptions {
  /** Is told of each error. The work is tried again. */
  readonly onFailure?: (name: string, error: unknown) => void;
}

interface Entry {
  readonly found: ExportedAggregate;
  readonly work: AggregateWork;
  readonly sinceMs: number;
  /** When to call `advance` next; Infinity when nothing is due. */
  dueAtMs: number;
  /** When to begin to verify it. */
  verifyAtMs: number;
  /** Somebody waits for its work, whether or not the driver runs. */
  isWanted: boolean;
  /** How many steps of its work have begun. */
  steps: number;
  problem: AggregateProblem | null;
}

/** An aggregate of a table with at most so many documents is built in the transaction that begins it. */
const builtInside = 1000;
const firstRetryMs = 100;
const maxRetryMs = 60_000;
/** How long whoever waits for the work of another process goes without looking. */
const maxSilenceMs = 500;

export class AggregateDriver {
  readonly #database: Database;
  readonly #runtime: AggregateRuntime;
  readonly #onFailure: (name: string, error: unknown) => void;
  readonly #listeners = new Set<StepListener>();
  readonly #driftListeners = new Set<DriftListener>();
  readonly #stopListening: () => void;
  readonly #loop: WorkLoop;
  readonly #lease: Lease;
  #calls: AggregateCalls | null = null;
  #entries = new Map<string, Entry>();
  #runs = false;
  /** Other processes may begin runs of verify, which then are only seen in the data. */
  readonly #isShared: boolean;
  /** Whether the last step was one of a build in bulk. */
  #isInBulk = false;

  /** Looks for commits that change an aggregate's own tables. */
  readonly #look = ({ tables }: DatabaseCommit): void => {
    if (this.#entries.size === 0) return;
    for (const { componentPath, tableName } of tables) {
      const isDrift = tableName === "drift";
      const isNews = isDrift || tableName === "generations" || (this.#isShared && tableName === "checkRuns");
      const entry = isNews ? this.#entries.get(componentPath) : undefined;
      if (entry === undefined) continue;
      this.#makeDue(entry);
      if (isDrift) for (const listener of this.#driftListeners) listener(componentPath);
    }
  };

  constructor(database: Database, runtime: AggregateRuntime, options: DriverOptions = {}) {
    this.#database = database;
    this.#runtime = runtime;
    this.#isShared = database.leases.isShared;
    this.#onFailure = options.onFailure ?? ((): void => {});
    this.#stopListening = database.onCommit(this.#look);
    this.#lease = database.leases.lease("aggregates", { isForAll: true });
    this.#loop = new WorkLoop(
      {
        nextAtMs: () => timeOf(this.#next()),
        step: () => this.#step(),
        retryAfterMs: (error) => this.#retryAfterMs(error),
        others: liveWritesOf(database, () => this.#isInBulk),
      },
      { owner: this.#lease },
    );
    // What this process knows of the work is from before another one had it.
    this.#lease.onGained?.(() => this.#lookForAll());
    this.#loop.start();
  }

  /**
   * Part of the transaction that puts a program in place, after its schemas: begins each of its aggregates. One that no
   * program has followed up to now, or whose table has got another shape, is built anew, whatever it holds. One whose table has
   * no more than 1,000 documents is ready when the transaction commits, however long that takes. A component whose aggregate
   * the program does not export any more is set free.
   */
  async store(tx: MutationTransaction, program: LoadedProgram): Promise<void> {
    const calls = new AggregateCalls(this.#database, this.#runtime, program);
    const found = [...program.aggregates().values()];
    const known = await readRecords(tx);
    const records: AggregateRecord[] = [];
    for (const each of found) {
      const { name, componentPath, aggregate } = each;
      const { definition, table } = aggregate;
      const shape = tx.tableShape(componentPath, table);
      const record = known.get(name);
      await calls.begin(tx, each, record?.shape === shape ? {} : { fresh: true });
      const isSmall = (await sizeOf(tx, each)) <= builtInside;
      const isSound = !isSmall || (await calls.workInside(tx, each));
      const problem = isSound || record?.definition !== definition ? null : record.problem;
      records.push({ name, definition, shape, sinceMs: record?.sinceMs ?? tx.beganAtMs, problem });
    }
    const names = new Set(found.map(({ name }) => name));
    for (const name of known.keys()) if (!names.has(name)) await calls.release(tx, name);
    if (found.length > 0 || known.size > 0) await keepRecords(tx, records);
  }

  /** Reads what `store` wrote, here or in another process; works on these aggregates once the result is called. */
  async takeUp(tx: QueryTransaction, program: LoadedProgram): Promise<() => void> {
    const records = await readRecords(tx);
    return () => {
      this.#calls = new AggregateCalls(this.#database, this.#runtime, program, this.#lease);
      const before = this.#entries;
      this.#entries = new Map(
        [...program.aggregates()].map(([name, found]) => [
          name,
          newEntry(found, records.get(name), before.get(name)),
        ]),
      );
      this.#loop.wake();
    };
  }

  /** Begins to work on what is due. */
  start(): void {
    this.#runs = true;
    this.#loop.wake();
  }

  /** Lets the step under way end and begins no other. Idempotent. */
  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
    for (const { work } of this.#entries.values()) await work.close();
  }

  /** Calls the listener after each step; returns how to stop. */
  onStep(listener: StepListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Calls the listener after each commit that notes drift; returns how to stop. */
  onDrift(listener: DriftListener): () => void {
    this.#driftListeners.add(listener);
    return () => {
      this.#driftListeners.delete(listener);
    };
  }

  /** The aggregates of the active program by name. */
  get aggregates(): ReadonlyMap<string, ExportedAggregate> {
    return new Map([...this.#entries].map(([name, { found }]) => [name, found]));
  }

  /** @throws AGGREGATE_NOT_FOUND */
  find(name: string): { readonly calls: AggregateCalls; readonly found: ExportedAggregate } {
    const entry = this.#entries.get(name);
    if (entry === undefined || this.#calls === null) {
      const names = [...this.#entries.keys()];
      const known = names.length === 0 ? "It exports none." : `It exports: ${names.join(", ")}.`;
      throw new TrueupError(
        "AGGREGATE_NOT_FOUND",
        `The app exports no managed aggregate '${name}'. ${known}`,
        {
          name,
          names,
        },
      );
    }
    return { calls: this.#calls, found: entry.found };
  }

  /** How an aggregate stands, with the error that holds up its work. @throws AGGREGATE_NOT_FOUND */
  async status(name: string): Promise<AggregateStatus> {
    const { calls, found } = this.find(name);
    return this.#withProblem(name, await calls.status(found));
  }

  /** The same without what it holds. @throws AGGREGATE_NOT_FOUND */
  async standing(name: string): Promise<AggregateStanding> {
    const { calls, found } = this.find(name);
    return this.#withProblem(name, await calls.standing(found));
  }

  #withProblem<Standing extends AggregateStanding>(name: string, standing: Standing): Standing {
    const problem = this.problem(name);
    return problem === null || standing.error !== null ? standing : { ...standing, error: problem.message };
  }

  /** What holds up the work on an aggregate, while something does. */
  problem(name: string): AggregateProblem | null {
    return this.#entries.get(name)?.problem ?? null;
  }

  /** Begins a run, which is then carried out even if the driver does not run. @throws AGGREGATE_NOT_FOUND */
  async startVerify(name: string, options: StartVerifyOptions): Promise<string> {
    const { calls, found } = this.find(name);
    const runId = await calls.startVerify(found, options);
    this.want(name);
    return runId;
  }

  /**
   * Carries on the work on an aggregate until nothing is due, even if the driver does not run: now, unless an error
   * has put it off.
   */
  want(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.isWanted = true;
    this.#makeDue(entry);
  }

  #lookForAll(): void {
    for (const entry of this.#entries.values()) {
      entry.dueAtMs = Date.now();
      entry.verifyAtMs = Infinity;
    }
    this.#loop.wake();
  }

  #makeDue(entry: Entry): void {
    if (entry.problem === null || entry.dueAtMs === Infinity) {
      entry.dueAtMs = Math.min(entry.dueAtMs, Date.now());
    }
    this.#loop.wake();
  }

  /**
   * Wants the work on an aggregate, and resolves after the next step of it that begins, failed or not; where another process
   * does the work, when that may have done one.
   * @throws BACKEND_CLOSED when the driver is stopped
   */
  async whenStepped(name: string): Promise<void> {
    this.want(name);
    const before = this.#entries.get(name)?.steps;
    if (!this.#lease.holds()) await this.#whenSteppedElsewhere(name);
    else {
      while (!this.#loop.isDone && this.#entries.get(name)?.steps === before) await this.#loop.whenStepped();
    }
    if (!this.#loop.isOn) throw new TrueupError("BACKEND_CLOSED");
  }

  /** Resolves after the next commit to an aggregate or the records of all, or after a while, and knows what went wrong. */
  async #whenSteppedElsewhere(name: string): Promise<void> {
    await nextCommit(this.#database, maxSilenceMs, ({ tables }) =>
      tables.some(({ componentPath }) => componentPath === name),
    );
    const { value: records } = await this.#database.query((tx) => readRecords(tx), { limits: null });
    const entry = this.#entries.get(name);
    if (entry !== undefined) entry.problem = records.get(name)?.problem ?? null;
  }

  async #step(): Promise<void> {
    const calls = this.#calls;
    const entry = this.#next();
    if (calls === null || entry === null) return;
    await this.#workOn(entry, calls);
    this.#isInBulk = entry.work.isInBulk;
  }

  /** Errors of one aggregate put off that aggregate alone; what is thrown beside them puts off all. */
  #retryAfterMs(error: unknown): number {
    this.#onFailure("", error);
    return maxRetryMs;
  }

  /** The entry to work on next; null when there is none. */
  #next(): Entry | null {
    let next: Entry | null = null;
    for (const entry of this.#entries.values()) {
      if ((this.#runs || entry.isWanted) && timeOf(entry) < timeOf(next)) next = entry;
    }
    return next;
  }

  /** Rejects only when the storage is closed. */
  async #workOn(entry: Entry, calls: AggregateCalls): Promise<void> {
    const { found, isWanted } = entry;
    // Whoever wants it from here on wants another step.
    entry.dueAtMs = Infinity;
    entry.isWanted = false;
    entry.steps += 1;
    let advance: Advance | null = null;
    try {
      if (entry.verifyAtMs <= Date.now()) {
        entry.verifyAtMs = Infinity;
        await calls.startVerify(found, { startedBy: "schedule" });
      }
      advance = await entry.work.step(calls, found, found.aggregate.definition);
      if (advance === null) return;
      if (entry.problem !== null) await this.#note(entry, null);
      if (advance.due) {
        entry.dueAtMs = Math.min(entry.dueAtMs, Date.now() + (advance.waitMs ?? 0));
        entry.isWanted ||= isWanted;
      } else if (advance.state === "ready") {
        entry.verifyAtMs = await this.#nextVerify(entry, calls);
      }
    } catch (error) {
      entry.isWanted ||= isWanted;
      if (error instanceof LeaseLost) {
        entry.dueAtMs = Date.now();
        throw error;
      }
      await this.#failed(entry, error);
    }
    if (advance === null) return;
    for (const listener of this.#listeners) listener(found.name, advance);
  }

  /** When to verify next, counted from the last time that anybody verified it, so that restarts change nothing. */
  async #nextVerify({ found, sinceMs }: Entry, calls: AggregateCalls): Promise<number> {
    const { verifyEveryMs } = found.aggregate;
    if (verifyEveryMs === null) return Infinity;
    const { lastVerified } = await calls.status(found);
    return Math.max(sinceMs, lastVerified?.atMs ?? 0) + verifyEveryMs;
  }

  async #failed(entry: Entry, error: unknown): Promise<void> {
    const { name } = entry.found;
    if (isTrueupError(error) && error.code === "STORAGE_CLOSED") throw error;
    const attempts = (entry.problem?.attempts ?? 0) + 1;
    const message = error instanceof Error ? error.message : String(error);
    entry.dueAtMs = Date.now() + backoffMs(attempts, firstRetryMs, maxRetryMs);
    await this.#note(entry, { message, atMs: Date.now(), attempts });
    this.#onFailure(name, error);
  }

  /** Notes a problem in memory, and in the data where that can be written. */
  async #note(entry: Entry, problem: AggregateProblem | null): Promise<void> {
    entry.problem = problem;
    try {
      await this.#database.mutate((tx) => noteProblem(tx, entry.found.name, problem), { limits: null });
    } catch (error) {
      if (!isTrueupError(error)) throw error;
    }
  }
}

/** A build that is under way goes on when the next program defines the aggregate as the one before it did. */
function newEntry(
  found: ExportedAggregate,
  record: AggregateRecord | undefined,
  before: Entry | undefined,
): Entry {
  const isSame = before?.found.aggregate.definition === found.aggregate.definition;
  return {
    found,
    work: isSame && before !== undefined ? before.work : new AggregateWork(),
    sinceMs: record?.sinceMs ?? Date.now(),
    dueAtMs: Date.now(),
    verifyAtMs: Infinity,
    isWanted: false,
    steps: 0,
    problem: record?.problem ?? null,
  };
}

function timeOf(entry: Entry | null): number {
  return entry === null ? Infinity : Math.min(entry.dueAtMs, entry.verifyAtMs);
}
