/**
 * The managed aggregates of a backend, as its host sees them: their status, and runs of verify and repair. What is
 * asked for here is done even in a backend that runs nothing by itself.
 */
import { TrueupError } from "../errors/index.js";
import type { ExportedAggregate } from "../functions/index.js";
import type {
  AggregateDifference,
  AggregateState,
  AggregateStatus,
  DriftedDocument,
  VerifyReport,
} from "../seams/index.js";
import type { AggregateDriver } from "./aggregate-driver.js";

/** One aggregate with its status. */
export interface AggregateOverview extends AggregateStatus {
  /** The path of its component: `byScore`. */
  readonly name: string;
  readonly table: string;
  /** `module:export` of the app. */
  readonly exportedAs: string;
  readonly verifyEveryMs: number | null;
}

/** How far an aggregate is built. */
export interface AggregateProgress {
  readonly name: string;
  readonly state: AggregateState;
  readonly processed: number;
  readonly total: number | null;
  readonly ratePerSecond: number | null;
  readonly etaMs: number | null;
}

/** What a run of verify or repair found, with all differences. */
export interface VerifyResult extends Omit<
  VerifyReport,
  "continueCursor" | "isDone" | "phase" | "error" | "errorDocumentId"
> {
  readonly name: string;
  /** Differences that are left: all of verify's, those of repair that could not be mended. */
  readonly remaining: number;
}

/** Documents whose items writes found wrong in an aggregate, which no repair has looked into yet. */
export interface AggregateDrift {
  readonly name: string;
  /** The number of documents. */
  readonly count: number;
  /** The first of them. */
  readonly documents: readonly DriftedDocument[];
}

type DriftListener = (drift: AggregateDrift) => void;
type ProgressListener = (progress: AggregateProgress) => void;

const progressIntervalMs = 100;
/** After so many failures in a row, whoever waits gets an error. */
const maxAttempts = 3;

/** The managed aggregates of the running program: their state, their builds, and the comparison with their tables. */
export class Aggregates {
  readonly #driver: AggregateDriver;

  /** Use `backend.aggregates`. */
  constructor(driver: AggregateDriver) {
    this.#driver = driver;
  }

  /** Every managed aggregate that the app exports, by name. */
  async list(): Promise<AggregateOverview[]> {
    const all = [...this.#driver.aggregates.values()];
    return await Promise.all(all.map(async (found) => await this.#overview(found)));
  }

  /** The status of one aggregate. @throws AGGREGATE_NOT_FOUND */
  async status(name: string): Promise<AggregateOverview> {
    return await this.#overview(this.#driver.find(name).found);
  }

  /**
   * Resolves when an aggregate, or every one, is built, checked and answers reads.
   * @throws AGGREGATE_NOT_FOUND; AGGREGATE_BUILD_FAILED when the work fails again and again, or stands before a document
   *   that it cannot take; BACKEND_CLOSED
   */
  async ready(name?: string): Promise<void> {
    for (const each of this.#names(name)) {
      for (;;) {
        const { state, error } = await this.#driver.standing(each);
        if (state === "ready") break;
        const problem = this.#driver.problem(each);
        if (state === "failed" || (problem !== null && problem.attempts >= maxAttempts)) {
          throw buildFailed(each, error);
        }
        await this.#driver.whenStepped(each);
      }
    }
  }

  /** Resolves when every aggregate is ready, or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#names().map((name) => this.ready(name)));
  }

  /**
   * Compares an aggregate, or every one, with its table while writes go on. Waits for it to be built first. Two scans,
   * O(documents), in small transactions; a healthy aggregate costs one pass over its table.
   * @throws AGGREGATE_NOT_FOUND, AGGREGATE_BUILD_FAILED, AGGREGATE_VERIFY_FAILED, BACKEND_CLOSED
   */
  async verify(name: string): Promise<VerifyResult>;
  async verify(): Promise<VerifyResult[]>;
  async verify(name?: string): Promise<VerifyResult | VerifyResult[]> {
    return await this.#runAll(name, false);
  }

  /**
   * The same, and mends each difference in the transaction that finds it; nothing else is touched.
   * @throws AGGREGATE_NOT_FOUND, AGGREGATE_BUILD_FAILED, AGGREGATE_VERIFY_FAILED, BACKEND_CLOSED
   */
  async repair(name: string): Promise<VerifyResult>;
  async repair(): Promise<VerifyResult[]>;
  async repair(name?: string): Promise<VerifyResult | VerifyResult[]> {
    return await this.#runAll(name, true);
  }

  /**
   * Begins a run of verify or repair, or joins the one that goes on, and returns its id without waiting for it.
   * @throws AGGREGATE_NOT_FOUND
   */
  async startVerify(name: string, options: { readonly repair?: boolean } = {}): Promise<string> {
    return await this.#driver.startVerify(name, { ...options, startedBy: "host" });
  }

  /**
   * A page of what a run, by default the latest, has found; null when there was none.
   * @param cursor The `continueCursor` of the page before.
   * @throws AGGREGATE_NOT_FOUND
   */
  async report(name: string, runId?: string, cursor?: string): Promise<VerifyReport | null> {
    const { calls, found } = this.#driver.find(name);
    return await calls.report(found, runId, cursor);
  }

  /**
   * Carries on the work on an aggregate until nothing is due, without waiting for it, also in a backend that runs nothing
   * by itself. @throws AGGREGATE_NOT_FOUND
   */
  resume(name: string): void {
    this.#driver.want(this.#driver.find(name).found.name);
  }

  /** Calls the listener while aggregates are being built, at most every 100 ms each; returns how to stop. */
  onProgress(listener: ProgressListener): () => void {
    const told = new Map<string, { readonly state: AggregateState; readonly atMs: number }>();
    return this.#driver.onStep((name, { state }) => {
      const last = told.get(name);
      const nowMs = performance.now();
      if (last?.state === state && (state === "ready" || nowMs - last.atMs < progressIntervalMs)) return;
      told.set(name, { state, atMs: nowMs });
      void this.#progress(name).then((progress) => progress && listener(progress));
    });
  }

  /**
   * Calls the listener when a write found an item that was wrong. The write has mended that item, and a
   * repair of the whole aggregate is due. Returns how to stop.
   */
  onDrift(listener: DriftListener): () => void {
    return this.#driver.onDrift((name) => {
      void this.#drift(name).then((drift) => drift && listener(drift));
    });
  }

  /** Undefined when there is none any more, or when that cannot be read any more. */
  async #drift(name: string): Promise<AggregateDrift | undefined> {
    try {
      const { drift, drifted } = await this.#driver.status(name);
      return drifted.length === 0 ? undefined : { name, count: drift ?? 0, documents: drifted };
    } catch {
      return undefined;
    }
  }

  /** Undefined when it cannot be read any more, because the program was replaced or the storage closed. */
  async #progress(name: string): Promise<AggregateProgress | undefined> {
    try {
      const { state, processed, total, ratePerSecond, etaMs } = await this.#driver.standing(name);
      return { name, state, processed, total, ratePerSecond, etaMs };
    } catch {
      return undefined;
    }
  }

  async #overview({ name, aggregate, exportedAs }: ExportedAggregate): Promise<AggregateOverview> {
    const { table, verifyEveryMs } = aggregate;
    return { name, table, exportedAs, verifyEveryMs, ...(await this.#driver.status(name)) };
  }

  async #runAll(name: string | undefined, repair: boolean): Promise<VerifyResult | VerifyResult[]> {
    if (name !== undefined) return await this.#run(name, repair);
    const results: VerifyResult[] = [];
    for (const each of this.#names()) results.push(await this.#run(each, repair));
    return results;
  }

  async #run(name: string, repair: boolean): Promise<VerifyResult> {
    for (let attempts = 1; ; attempts += 1) {
      await this.ready(name);
      const runId = await this.startVerify(name, { repair });
      const report = await this.#end(name, runId);
      if (report !== null && report.error === null) {
        return await verifyResult(name, report, (cursor) => this.report(name, runId, cursor));
      }
      // Another run has taken the place of this one, or another definition, with which the runs are gone.
      const isReplaced = report === null || (await this.report(name))?.runId !== runId;
      if (!isReplaced || attempts === maxAttempts) {
        throw verifyFailed(name, report?.error ?? "the run is gone");
      }
    }
  }

  /** The first page of a run that has ended; null when it is gone. @throws AGGREGATE_VERIFY_FAILED */
  async #end(name: string, runId: string): Promise<VerifyReport | null> {
    for (;;) {
      const report = await this.report(name, runId);
      if (report === null || report.isDone) return report;
      const problem = this.#driver.problem(name);
      if (problem !== null && problem.attempts >= maxAttempts) throw verifyFailed(name, problem.message);
      await this.#driver.whenStepped(name);
    }
  }

  /** @throws AGGREGATE_NOT_FOUND */
  #names(name?: string): string[] {
    return name === undefined ? [...this.#driver.aggregates.keys()] : [this.#driver.find(name).found.name];
  }
}

/** All of what a run has found, from its first page on. O(differences). */
export async function verifyResult(
  name: string,
  first: VerifyReport,
  pageAt: (cursor: string) => Promise<VerifyReport | null>,
): Promise<VerifyResult> {
  const {
    continueCursor,
    isDone: _ended,
    phase: _phase,
    error: _error,
    errorDocumentId: _id,
    ...run
  } = first;
  const differences: AggregateDifference[] = [...first.differences];
  for (let cursor = continueCursor; cursor !== null;) {
    const page = await pageAt(cursor);
    differences.push(...(page?.differences ?? []));
    cursor = page?.continueCursor ?? null;
  }
  return { name, ...run, differences, remaining: differences.filter(({ fixed }) => !fixed).length };
}

function buildFailed(name: string, reason: string | null): TrueupError {
  const why = reason === null ? "" : `: ${reason}`;
  return new TrueupError("AGGREGATE_BUILD_FAILED", `The aggregate '${name}' cannot be built${why}`, { name });
}

function verifyFailed(name: string, reason: string): TrueupError {
  return new TrueupError("AGGREGATE_VERIFY_FAILED", `Verifying '${name}' was interrupted: ${reason}`, {
    name,
  });
}
