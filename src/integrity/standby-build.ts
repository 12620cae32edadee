/**
 * Builds the changed aggregates of a program to come beside those that answer, before it is put in place: the new
 * definition's build goes on while writes are followed by both. The transaction that puts the program in place then begins the new
 * definitions, which are ready, and drops the old ones. Left off, the old program's aggregates drop what was built.
 *
 * Only an aggregate that answers reads now is worth it; one that is new, or that is being built itself, is built after. So is
 * one whose table gets another shape by the same deploy: its definition may not suit the documents as they are.
 */
import type { Database } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { ExportedAggregate, LoadedProgram, Runtime } from "../functions/index.js";
import { AggregateCalls } from "./aggregate-calls.js";
import { readRecords } from "./aggregate-records.js";
import { LiveWrites } from "./live-writes.js";

/** How far the builds of one component's aggregates are. */
export interface StandbyProgress {
  readonly componentPath: string;
  readonly ready: number;
  readonly total: number;
}

interface Standby {
  readonly found: ExportedAggregate;
  readonly live: ExportedAggregate;
  readonly unfollow: () => void;
  isReady: boolean;
}

const maxAttempts = 3;
const retryMs = 200;

export class StandbyBuild {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #calls: AggregateCalls;
  readonly #liveCalls: AggregateCalls | null;
  readonly #standbys: Standby[] = [];
  readonly #ended: Promise<void>;
  #failure: Error | null = null;
  #isOver = false;

  /** Begins at once. @param live The program that runs; null when there is none, and nothing to be built beside. */
  constructor(database: Database, runtime: Runtime, live: LoadedProgram | null, next: LoadedProgram) {
    this.#database = database;
    this.#runtime = runtime;
    this.#calls = new AggregateCalls(database, runtime, next);
    this.#liveCalls = live === null ? null : new AggregateCalls(database, runtime, live);
    this.#ended = this.#run(live, next);
    this.#ended.catch(() => {});
  }

  /** Resolves when every build is ready to be taken over. @throws AGGREGATE_BUILD_FAILED, PUSH_OUTDATED once it is left off */
  async ready(): Promise<void> {
    await this.#ended;
  }

  /** Part of the transaction that puts the program in place: no write since may have gone wrong. @throws AGGREGATE_BUILD_FAILED */
  checkAgain(): void {
    this.#assertSound();
  }

  /** How far it is, by component. */
  progress(): StandbyProgress[] {
    const paths = new Set(this.#standbys.map(({ found }) => found.componentPath));
    return [...paths].map((componentPath) => {
      const own = this.#standbys.filter(({ found }) => found.componentPath === componentPath);
      return { componentPath, ready: own.filter(({ isReady }) => isReady).length, total: own.length };
    });
  }

  /** The program is in place: its own followers have taken over. */
  takenOver(): void {
    this.#isOver = true;
    for (const { unfollow } of this.#standbys) unfollow();
  }

  /** Leaves it off and drops what was built, unless it was taken over. Idempotent. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.takenOver();
    await this.#ended.catch(() => {});
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

  async #run(live: LoadedProgram | null, next: LoadedProgram): Promise<void> {
    if (live === null) return;
    const current = live.aggregates();
    for (const found of next.aggregates().values()) {
      const known = current.get(found.name);
      if (known !== undefined && (await this.#isWorthIt(known, found, live, next))) {
        await this.#begin(found, known);
      }
    }
    for (const standby of this.#standbys) await this.#build(standby);
    this.#assertSound();
  }

  async #isWorthIt(
    known: ExportedAggregate,
    found: ExportedAggregate,
    live: LoadedProgram,
    next: LoadedProgram,
  ): Promise<boolean> {
    if (known.aggregate.definition === found.aggregate.definition) return false;
    // Other code of the component itself may need tables and indexes that come with the program.
    if (schemaOf(live, found.name) !== schemaOf(next, found.name)) return false;
    if (await this.#willChange(found)) return false;
    return (await this.#liveCalls?.status(known))?.state === "ready";
  }

  /** Whether the program brings its table, or another shape of it. */
  async #willChange({ componentPath, aggregate: { table } }: ExportedAggregate): Promise<boolean> {
    const { value } = await this.#database.query(
      async (tx) => {
        if (!tx.component(componentPath).tables().includes(table)) return true;
        const transforms = await tx.transforms();
        return transforms.some(
          (transform) =>
            transform.state === "prepared" &&
            transform.componentPath === componentPath &&
            transform.tableName === table,
        );
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
      isReady: false,
      unfollow: () => {
        for (const stop of unfollow.splice(0)) stop();
      },
    };
    this.#standbys.push(standby);
    await this.#database.mutate(
      async (tx) => {
        await this.#calls.begin(tx, found, { standby: true });
        unfollow.push(this.#runtime.followFor(this.#calls.program, found, onFailure));
      },
      { limits: null },
    );
    if (this.#isOver) standby.unfollow();
  }

  async #build(standby: Standby): Promise<void> {
    const liveWrites = new LiveWrites(this.#database);
    let attempts = 0;
    try {
      while (!standby.isReady) {
        this.#assertSound();
        let waitMs = 0;
        await liveWrites.letThroughAfter(async () => {
          try {
            waitMs = await this.#work(standby);
            attempts = 0;
          } catch (error) {
            attempts += 1;
            if (attempts === maxAttempts) this.#failure ??= errorOf(error);
            waitMs = retryMs;
          }
        });
        if (waitMs > 0) await pause(waitMs);
      }
    } finally {
      liveWrites.stop();
    }
  }

  /** One step of a build; returns how long to wait for the next. */
  async #work(standby: Standby): Promise<number> {
    const { found, live } = standby;
    const advance = await this.#calls.workWhile(found, live.aggregate.definition);
    if (advance === null) {
      this.#failure ??= new TrueupError("PUSH_OUTDATED");
      return 0;
    }
    if (advance.state === "ready") standby.isReady = true;
    if (advance.state !== "failed") return advance.waitMs ?? 0;
    this.#failure ??= new Error((await this.#calls.status(found)).error ?? "");
    return 0;
  }

  /** @throws AGGREGATE_BUILD_FAILED, PUSH_OUTDATED */
  #assertSound(): void {
    if (isTrueupError(this.#failure) && this.#failure.code === "PUSH_OUTDATED") throw this.#failure;
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

function schemaOf(program: LoadedProgram, path: string): string {
  return JSON.stringify(program.components.get(path)?.program.schema ?? null);
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
