/**
 * The rate of a migration as it is now: documents over the last seconds that it was watched, for components
 * that do not tell it themselves. Better than the average since its start, which counts the time before a
 * pause and the documents before a resume.
 */
import { withAverageRate, withRate, type MigrationRow } from "./migration-rows.js";

const windowMs = 10_000;

interface Sample {
  readonly atMs: number;
  readonly processed: number;
}

export class MigrationRates {
  readonly #samples = new Map<string, Sample[]>();

  /** The rows with their current rate, or the average where there has been only one look. */
  apply(rows: readonly MigrationRow[], nowMs: number): MigrationRow[] {
    return rows.map((row) => {
      if (row.perSecond !== undefined || row.state !== "inProgress") return withAverageRate(row, nowMs);
      const [first] = this.#record(row, nowMs);
      if (first === undefined || first.atMs >= nowMs) return withAverageRate(row, nowMs);
      return withRate(row, ((row.processed - first.processed) / (nowMs - first.atMs)) * 1000);
    });
  }

  #record(row: MigrationRow, atMs: number): Sample[] {
    const known = this.#samples.get(row.name) ?? [];
    const wentBack = (known.at(-1)?.processed ?? 0) > row.processed;
    const isRecent = (sample: Sample | undefined): boolean =>
      sample === undefined || atMs - sample.atMs < windowMs;
    const recent = wentBack ? [] : known.filter((_, index) => isRecent(known[index + 1]));
    const samples = [...recent, { atMs, processed: row.processed }];
    this.#samples.set(row.name, samples);
    return samples;
  }
}
