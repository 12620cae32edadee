/**
 * Finds the jobs to run next. It keeps, for each component, a time before which none is due, so that an idle
 * scheduler reads nothing. It also keeps the jobs that must not be taken now: those that run, that wait for room, or that are
 * tried again later.
 */
import type { Job, JobTable } from "./job-table.js";

const batchSize = 64;

export class DueJobs {
  readonly #jobs: JobTable;
  readonly #isOurs: (id: string) => boolean;
  readonly #dueByComponent = new Map<string, number>();
  readonly #heldBack = new Map<string, { readonly componentPath: string; readonly until: number }>();

  /** @param isOurs Whether a job is run here; others are passed over. */
  constructor(jobs: JobTable, isOurs: (id: string) => boolean) {
    this.#jobs = jobs;
    this.#isOurs = isOurs;
  }

  /** The earliest time that a job may be due; Infinity when none is known. */
  get next(): number {
    return Math.min(Infinity, ...this.#dueByComponent.values());
  }

  /** Notes that a job of this component may be due at this time. */
  expect(componentPath: string, time: number): void {
    this.#dueByComponent.set(
      componentPath,
      Math.min(time, this.#dueByComponent.get(componentPath) ?? Infinity),
    );
  }

  /** Does not take the job before this time; Infinity until it is released. */
  holdBack(job: Job, until: number): void {
    this.#heldBack.set(job.id, { componentPath: job.componentPath, until });
    this.expect(job.componentPath, until);
  }

  isHeldBack(id: string): boolean {
    return this.#heldBack.has(id);
  }

  /** Holds the job back no longer: there is nothing left to do for it. */
  forget(id: string): void {
    this.#heldBack.delete(id);
  }

  /** May take the job again. */
  release(id: string): void {
    const held = this.#heldBack.get(id);
    if (held !== undefined) {
      this.#heldBack.delete(id);
      this.expect(held.componentPath, 0);
    }
  }

  /** The due jobs of all components, earliest first: at most 64 of each. */
  async take(): Promise<Job[]> {
    const now = Date.now();
    const held = new Set<string>();
    for (const [id, { until }] of this.#heldBack) {
      if (until > now) {
        held.add(id);
      } else {
        this.#heldBack.delete(id);
      }
    }
    const due: Job[] = [];
    for (const [path, time] of this.#dueByComponent) {
      if (time <= now) {
        due.push(...(await this.#takeFrom(path, now, held)));
      }
    }
    return due.sort((a, b) => a.scheduledTime - b.scheduledTime);
  }

  async #takeFrom(path: string, now: number, held: ReadonlySet<string>): Promise<Job[]> {
    // A commit meanwhile calls `expect`, so the time is cleared before the read and not after.
    this.#dueByComponent.set(path, Infinity);
    const pending = await this.#jobs.pending(path, batchSize, (id) => held.has(id) || !this.#isOurs(id));
    const taken = pending.filter((job) => job.scheduledTime <= now);
    const later = pending[taken.length];
    if (later !== undefined) {
      this.expect(path, later.scheduledTime);
    } else if (pending.length === batchSize) {
      this.expect(path, now);
    }
    for (const { componentPath, until } of this.#heldBack.values()) {
      if (componentPath === path) {
        this.expect(path, until);
      }
    }
    return taken;
  }
}
