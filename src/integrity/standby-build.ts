/**
 * Builds the changed aggregates of a program to come beside those that answer, before it is put in place: the new definition's
 * build goes on while writes are followed by both. The transaction that puts the program in place then begins the new
 * definitions, which are ready, and drops the old ones. Left off, the old program's aggregates drop what was built.
 *
 * Where the deploy transforms the table, the new definition is built from the documents that its transforms make, which
 * must be prepared by then.
 *
 * One deploy builds at a time: the next to begin leaves off what was built for the one before, since both may have the same
 * definition of an aggregate, and other transforms of its table.
 *
 * Only an aggregate that answers reads now is worth it; one that is new, or that is being built itself, is built after.
 */
import type { Change, Database, DocumentImages, MutationTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { ExportedAggregate, LoadedProgram, Runtime } from "../functions/index.js";
import { AggregateCalls, liveWritesOf, type ReaderOf } from "./aggregate-calls.js";
import { AggregateWork } from "./aggregate-work.js";
import { readRecords, trustIn } from "./aggregate-records.js";
import { WorkLoop } from "../work/index.js";
import { TransformsToCome } from "./transforms-to-come.js";

/** How far the builds of one component's aggregates are. */
export interface StandbyProgress {
  readonly componentPath: string;
  readonly ready: number;
  readonly total: number;
}

interface Standby {
  readonly found: ExportedAggregate;
  readonly live: ExportedAggregate;
  readonly work: AggregateWork;
  readonly unfollow: () => void;
  /** What it is built and followed through; null when its table stays as it is. */
  transforms: TransformsToCome | null;
  isReady: boolean;
}

/** Of failures that are not the aggregate's. */
const ownCodes: ReadonlySet<string> = new Set(["PUSH_OUTDATED", "TRANSFORM_FAILED"]);
/** The one that builds for a database, or was the last to do so. */
const latest = new WeakMap<Database, StandbyBuild>();
const maxAttempts = 3;
const retryMs = 200;

export class StandbyBuild {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #calls: AggregateCalls;
  readonly #liveCalls: AggregateCalls | null;
  readonly #loop: WorkLoop;
  readonly #standbys: Standby[] = [];
  /** Resolves when it is known what there is to build; null as long as nobody has asked for it. */
  #begun: Promise<void> | null = null;
  #ended: Promise<void> | null = null;
  /** Aggregates whose transforms were prepared anew, or given up, when the transaction looked. */
  #outdated: ReadonlySet<string> = new Set();
  #closing: Promise<void> | null = null;
  #failure: Error | null = null;
  #isOver = false;
  #dueAtMs = 0;

  /** @param live The program that runs; null when there is none, and nothing to be built beside. */
  constructor(database: Database, runtime: Runtime, live: LoadedProgram | null, next: LoadedProgram) {
    this.#database = database;
    this.#runtime = runtime;
    this.#loop = new WorkLoop({
      nextAtMs: () => this.#nextAtMs(),
      step: () => this.#step(),
      retryAfterMs: (error, attempts) => this.#retryAfterMs(error, attempts),
      others: liveWritesOf(database, () => this.#nextToBuild()?.work.isInBulk ?? false),
    });
    this.#calls = new AggregateCalls(database, runtime, next);
    this.#liveCalls = live === null ? null : new AggregateCalls(database, runtime, live);
  }

  /**
   * Begins when it is called first, after the schemas are ready; resolves when every build is ready to be taken over.
   * @throws AGGREGATE_BUILD_FAILED; TRANSFORM_FAILED on a document written meanwhile; PUSH_OUTDATED once it is left off
   */
  async whenReady(): Promise<void> {
    if (this.#ended === null) {
      this.#assertSound();
      this.#begun = this.#beginAll();
      this.#ended = this.#begun.then(() => this.#buildAll());
    }
    await this.#ended;
  }

  /** Notes which transforms are no longer those that it was built through: `store` refuses the program then. */
  async check(tx: MutationTransaction): Promise<void> {
    const outdated = new Set<string>();
    for (const { found, transforms } of this.#standbys) {
      const isKept = transforms?.isSameAs(await TransformsToCome.read(tx, found)) ?? true;
      if (!isKept) outdated.add(found.name);
    }
    this.#outdated = outdated;
  }

  /**
   * Comes after the schemas, which begin the transforms. No write since may have gone wrong, and the transforms must be those
   * that it was built through. @throws AGGREGATE_BUILD_FAILED, TRANSFORM_FAILED, PUSH_OUTDATED
   */
  async store(tx: MutationTransaction): Promise<() => void> {
    this.#assertSound();
    for (const { found, transforms } of this.#standbys) {
      if (transforms === null) continue;
      const { name, componentPath, aggregate } = found;
      if (this.#outdated.has(name) || !(await transforms.haveBegun(tx))) {
        throw new TrueupError("PUSH_OUTDATED");
      }
      await trustIn(tx, name, tx.tableShape(componentPath, aggregate.table));
    }
    return () => this.#end();
  }

  /** How far it is, by component. */
  progress(): StandbyProgress[] {
    const paths = new Set(this.#standbys.map(({ found }) => found.componentPath));
    return [...paths].map((componentPath) => {
      const own = this.#standbys.filter(({ found }) => found.componentPath === componentPath);
      return { componentPath, ready: own.filter(({ isReady }) => isReady).length, total: own.length };
    });
  }

  /** Leaves it off and drops what was built, unless it was taken over. Idempotent. */
  abandon(): Promise<void> {
    this.#closing ??= this.#isOver ? Promise.resolve() : this.#leaveOff();
    return this.#closing;
  }

  /** Stops following: the program is in place and follows by itself, or the build is left off. */
  #end(): void {
    this.#isOver = true;
    for (const { unfollow } of this.#standbys) unfollow();
  }

  async #leaveOff(): Promise<void> {
    this.#end();
    this.#loop.wake();
    await this.#ended?.catch(() => {});
    const live = this.#liveCalls;
    if (live === null || this.#standbys.length === 0) return;
    await this.#database.mutate(
      async (tx) => {
        const records = await readRecords(tx);
        for (const standby of this.#standbys) {
          // Another program may have come in between: what it has is none of ours.
          const isLive = records.get(standby.live.name)?.definition === standby.live.aggregate.definition;
          if (isLive) await live.begin(tx, standby.live);
        }
      },
      { limits: null },
    );
  }

  async #beginAll(): Promise<void> {
    const live = this.#liveCalls;
    if (live === null) return;
    const current = live.program.aggregates();
    for (const found of this.#calls.program.aggregates().values()) {
      const known = current.get(found.name);
      if (known === undefined || !(await this.#isWorthIt(found, known, live))) continue;
      if (this.#standbys.length === 0) await this.#takeTurn();
      await this.#begin(found, known);
    }
  }

  /** From here on this is the one that builds. Waits until what the one before has built is dropped. */
  async #takeTurn(): Promise<void> {
    const previous = latest.get(this.#database);
    latest.set(this.#database, this);
    if (previous === undefined) return;
    await previous.#begun?.catch(() => {});
    await previous.abandon();
  }

  async #buildAll(): Promise<void> {
    this.#loop.start();
    try {
      await this.#loop.whenDone();
    } finally {
      for (const { work } of this.#standbys) await work.close();
    }
    this.#assertSound();
  }

  #nextAtMs(): number {
    const isEnded = this.#isOver || this.#failure !== null || this.#nextToBuild() === undefined;
    return isEnded ? Infinity : this.#dueAtMs;
  }

  async #step(): Promise<void> {
    const standby = this.#nextToBuild();
    if (standby === undefined) return;
    const waitMs = await this.#work(standby);
    this.#dueAtMs = Date.now() + waitMs;
  }

  #retryAfterMs(error: unknown, attempts: number): number {
    if (attempts >= maxAttempts) this.#failure ??= errorOf(error);
    return retryMs;
  }

  #nextToBuild(): Standby | undefined {
    return this.#standbys.find(({ isReady }) => !isReady);
  }

  async #isWorthIt(
    found: ExportedAggregate,
    known: ExportedAggregate,
    live: AggregateCalls,
  ): Promise<boolean> {
    if (known.aggregate.definition === found.aggregate.definition) return false;
    // Other code of the component itself may need tables and indexes that come with the program.
    if (schemaOf(live, found) !== schemaOf(this.#calls, found)) return false;
    if (!(await this.#canBeRead(found))) return false;
    return (await live.status(known)).state === "ready";
  }

  /** Whether its table is there, as it will be. */
  async #canBeRead(found: ExportedAggregate): Promise<boolean> {
    const { componentPath, aggregate } = found;
    const { value } = await this.#database.query(
      async (tx) => {
        if (!tx.component(componentPath).tables().includes(aggregate.table)) return false;
        return (await TransformsToCome.read(tx, found)).areStable;
      },
      { limits: null },
    );
    return value;
  }

  /** Follows from the end of the transaction that begins it: to follow before would be to begin it as the one that runs. */
  async #begin(found: ExportedAggregate, live: ExportedAggregate): Promise<void> {
    const unfollow: (() => void)[] = [];
    const onFailure = (error: unknown): void => {
      this.#failure ??= errorOf(error);
    };
    const standby: Standby = {
      found,
      live,
      work: new AggregateWork(),
      transforms: null,
      isReady: false,
      unfollow: () => {
        for (const stop of unfollow.splice(0)) stop();
      },
    };
    this.#standbys.push(standby);
    await this.#database.mutate(
      async (tx) => {
        const transforms = await TransformsToCome.read(tx, found);
        standby.transforms = transforms.isEmpty ? null : transforms;
        const record = (await readRecords(tx)).get(found.name);
        // What another program has brought in between may be of this very definition, and answers.
        if (record?.definition !== live.aggregate.definition) throw new TrueupError("PUSH_OUTDATED");
        await this.#calls.begin(tx, found, { standby: true, fresh: true });
        const imagesOf = (change: Change): DocumentImages =>
          standby.transforms === null ? change : change.prepared();
        unfollow.push(this.#runtime.followFor(this.#calls.program, found, imagesOf, onFailure));
      },
      { limits: null },
    );
    if (this.#isOver) standby.unfollow();
  }

  /** One step of a build; returns how long to wait for the next. */
  async #work(standby: Standby): Promise<number> {
    const { found, live, transforms } = standby;
    const readerOf: ReaderOf = (tx, path) => (transforms === null ? tx.component(path) : tx.prepared(path));
    const advance = await standby.work.step(this.#calls, found, live.aggregate.definition, readerOf);
    if (advance === null) {
      this.#failure ??= new TrueupError("PUSH_OUTDATED");
      return 0;
    }
    if (advance.state === "ready") standby.isReady = true;
    if (advance.state !== "failed") return advance.waitMs ?? 0;
    this.#failure ??= new Error((await this.#calls.status(found)).error ?? "");
    return 0;
  }

  /** @throws AGGREGATE_BUILD_FAILED, TRANSFORM_FAILED, PUSH_OUTDATED */
  #assertSound(): void {
    if (isTrueupError(this.#failure) && ownCodes.has(this.#failure.code)) throw this.#failure;
    if (this.#failure !== null) {
      const reason = this.#failure.message;
      const names = this.#standbys.filter(({ isReady }) => !isReady).map(({ found }) => found.name);
      throw new TrueupError(
        "AGGREGATE_BUILD_FAILED",
        `An aggregate of the new code cannot be built (${names.join(", ")}): ${reason}`,
        { names },
        this.#failure,
      );
    }
    if (this.#isOver) throw new TrueupError("PUSH_OUTDATED");
  }
}

/** The schema of the component that an aggregate, which has its name, is kept in. */
function schemaOf({ program }: AggregateCalls, { name }: ExportedAggregate): string {
  return JSON.stringify(program.components.get(name)?.program.schema ?? null);
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
