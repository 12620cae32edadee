/**
 * Builds the changed aggregates of a program to come beside those that answer, before it is put in place: the new definition's
 * build goes on while writes are followed by both. The transaction that puts the program in place then begins the new
 * definitions, which are ready, and drops the old ones. Left off, the old program's aggregates drop what was built.
 *
 * Where the deploy transforms the table, the new definition is built from the documents that its transforms make, which
 * must be prepared by then.
 *
 * Which aggregates follow for the program to come stands in the head of the catalog, so every writer of every process obeys it
 * from the commit on that begins the build. A writer that an aggregate cannot follow notes that there, and the build has failed.
 *
 * One deploy builds at a time: the next to begin leaves off what was built for the one before, since both may have the same
 * definition of an aggregate, and other transforms of its table.
 *
 * Only an aggregate that answers reads now is worth it; one that is new, or that is being built itself, is built after.
 */
import type {
  Database,
  Follower,
  FollowerFailure,
  MutationTransaction,
  QueryTransaction,
} from "../database/index.js";
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

/** A program to come, by the name that the head of the catalog has for it. */
export interface ComingProgram {
  readonly name: string;
  readonly program: LoadedProgram;
}

export class StandbyBuild {
  readonly #database: Database;
  readonly #runtime: Pick<Runtime, "programs">;
  readonly #next: ComingProgram;
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
  constructor(database: Database, runtime: Runtime, live: LoadedProgram | null, next: ComingProgram) {
    this.#database = database;
    this.#runtime = runtime;
    this.#next = next;
    this.#loop = new WorkLoop({
      nextAtMs: () => this.#nextAtMs(),
      step: () => this.#step(),
      retryAfterMs: (error, attempts) => this.#retryAfterMs(error, attempts),
      others: liveWritesOf(database, () => this.#nextToBuild()?.work.isInBulk ?? false),
    });
    this.#calls = new AggregateCalls(database, runtime, next.program);
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
    this.#assertFollowed(tx);
    this.#assertSound();
    for (const { found, transforms } of this.#standbys) {
      if (transforms === null) continue;
      const { name, componentPath, aggregate } = found;
      if (this.#outdated.has(name) || !(await transforms.haveBegun(tx))) {
        throw new TrueupError("PUSH_OUTDATED");
      }
      await trustIn(tx, name, tx.tableShape(componentPath, aggregate.table));
    }
    return () => {
      this.#isOver = true;
    };
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

  async #leaveOff(): Promise<void> {
    this.#isOver = true;
    this.#loop.wake();
    await this.#ended?.catch(() => {});
    const live = this.#liveCalls;
    if (live === null || this.#standbys.length === 0) return;
    await this.#database.mutate(
      async (tx) => {
        if (tx.followers?.program === this.#next.name) await leaveOff(tx, live);
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
    if (previous !== undefined) {
      await previous.#begun?.catch(() => {});
      await previous.abandon();
    }
    const live = this.#liveCalls;
    if (live !== null) await this.#database.mutate((tx) => leaveOff(tx, live), { limits: null });
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
    await this.#database.query((tx) => Promise.resolve(this.#assertFollowed(tx)), { limits: null });
    if (this.#failure !== null) return;
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

  /** It is followed by every transaction that sees the commit which begins it. */
  async #begin(found: ExportedAggregate, live: ExportedAggregate): Promise<void> {
    const { name: program } = this.#next;
    const { name, componentPath } = found;
    const standby: Standby = { found, live, work: new AggregateWork(), transforms: null, isReady: false };
    this.#standbys.push(standby);
    this.#runtime.programs.addComing(program, this.#next.program);
    await this.#database.mutate(
      async (tx) => {
        const transforms = await TransformsToCome.read(tx, found);
        standby.transforms = transforms.isEmpty ? null : transforms;
        const record = (await readRecords(tx)).get(name);
        // What another program has brought in between may be of this very definition, and answers.
        if (record?.definition !== live.aggregate.definition) throw new TrueupError("PUSH_OUTDATED");
        await this.#calls.begin(tx, found, { standby: true, fresh: true });
        const { aggregates = [] } = tx.followers?.program === program ? tx.followers : {};
        const { table } = found.aggregate;
        const follower: Follower = { name, componentPath, table, isAhead: standby.transforms !== null };
        const others = aggregates.filter((other) => other.name !== name);
        tx.nameFollowers({ program, aggregates: [...others, follower] });
      },
      { limits: null },
    );
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

  /** Takes note of a writer that gave up what is built here, and of another program that came in between. */
  #assertFollowed({ followers }: QueryTransaction): void {
    if (this.#standbys.length === 0) return;
    if (followers?.program !== this.#next.name) this.#failure ??= new TrueupError("PUSH_OUTDATED");
    else if (followers.failure !== undefined) this.#failure ??= givenUp(followers.failure);
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

/** Drops what is built for a program to come, and has nothing follow for it any more. */
export async function leaveOff(tx: MutationTransaction, live: AggregateCalls): Promise<void> {
  const { followers } = tx;
  if (followers === null) return;
  const current = live.program.aggregates();
  const records = await readRecords(tx);
  for (const { name } of followers.aggregates) {
    const known = current.get(name);
    // Another program may have come in between: what it has is none of ours.
    const isLive = known !== undefined && records.get(name)?.definition === known.aggregate.definition;
    if (isLive) await live.begin(tx, known);
  }
  tx.nameFollowers(null);
}

function givenUp({ code, message, details }: FollowerFailure): Error {
  return ownCodes.has(code) ? new TrueupError("TRANSFORM_FAILED", message, details) : new Error(message);
}

/** The schema of the component that an aggregate, which has its name, is kept in. */
function schemaOf({ program }: AggregateCalls, { name }: ExportedAggregate): string {
  return JSON.stringify(program.components.get(name)?.program.schema ?? null);
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
