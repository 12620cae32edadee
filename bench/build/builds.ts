/** What the bench and the processes that build agree on. */
import type { Builder } from "./app.js";

export const writeIntervalMs = 5;
export const ourFile = "data.sqlite";
export const bareFile = "bare.sqlite";
/** The expression of SQLite that the bare peer has an index on. */
export const bareScore = "json_extract(document, '$.score')";

export type BarePeer = "scan, parse, sort" | "CREATE INDEX";

export interface FillArgs {
  readonly folder: string;
  readonly count: number;
}

export interface BuildArgs extends FillArgs {
  readonly builder: Builder;
  readonly isLive: boolean;
}

export interface Built {
  readonly elapsedMs: number;
  readonly cpuUs: number;
  readonly longestStopMs: number;
  readonly rssMb: number;
  /** The latencies of writes before the build and beside it; empty without a writer. */
  readonly idleUs: readonly number[];
  readonly besideUs: readonly number[];
}

export interface BareBuildArgs extends FillArgs {
  readonly peer: BarePeer;
}
