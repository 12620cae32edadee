/**
 * Counts what a transaction uses, and refuses what goes beyond its limits. The names and figures are Convex's. A nested call may
 * get lower limits, which are counted from where it begins.
 */
import { TrueupError } from "../../errors/index.js";

/** What is counted. */
export type Metric =
  | "documentsRead"
  | "bytesRead"
  | "databaseQueries"
  | "documentsWritten"
  | "bytesWritten"
  | "functionsScheduled"
  | "scheduledFunctionArgsBytes";

/** How much of each a transaction may use; null for as much as it likes. */
export type TransactionLimits = { readonly [name in Metric]: number | null };

/** How much of each a transaction has used. */
export type TransactionUsage = { readonly [name in Metric]: number };

const mib = 1 << 20;

/** Convex's limits. */
export const convexLimits: TransactionLimits = {
  documentsRead: 32_000,
  bytesRead: 16 * mib,
  databaseQueries: 4_096,
  documentsWritten: 16_000,
  bytesWritten: 16 * mib,
  functionsScheduled: 1_000,
  scheduledFunctionArgsBytes: 16 * mib,
};

/** No limits, for maintenance that budgets itself. */
export const noLimits: TransactionLimits = {
  documentsRead: null,
  bytesRead: null,
  databaseQueries: null,
  documentsWritten: null,
  bytesWritten: null,
  functionsScheduled: null,
  scheduledFunctionArgsBytes: null,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The count of one transaction. Each `count…` throws TRANSACTION_LIMIT when it goes beyond. */
export class Usage {
  readonly used: Mutable<TransactionUsage> = {
    documentsRead: 0,
    bytesRead: 0,
    databaseQueries: 0,
    documentsWritten: 0,
    bytesWritten: 0,
    functionsScheduled: 0,
    scheduledFunctionArgsBytes: 0,
  };
  /** The limits in force, as totals of the whole transaction. */
  limits: TransactionLimits;

  constructor(limits: TransactionLimits) {
    this.limits = limits;
  }

  countRead(sizeBytes: number): void {
    const { used, limits } = this;
    used.documentsRead++;
    used.bytesRead += sizeBytes;
    if (used.documentsRead > (limits.documentsRead ?? Infinity)) this.#refuse("documentsRead");
    if (used.bytesRead > (limits.bytesRead ?? Infinity)) this.#refuse("bytesRead");
  }

  countQuery(): void {
    this.used.databaseQueries++;
    if (this.used.databaseQueries > (this.limits.databaseQueries ?? Infinity)) {
      this.#refuse("databaseQueries");
    }
  }

  countWrite(sizeBytes: number): void {
    const { used, limits } = this;
    used.documentsWritten++;
    used.bytesWritten += sizeBytes;
    if (used.documentsWritten > (limits.documentsWritten ?? Infinity)) this.#refuse("documentsWritten");
    if (used.bytesWritten > (limits.bytesWritten ?? Infinity)) this.#refuse("bytesWritten");
  }

  countScheduled(argsBytes: number): void {
    const { used, limits } = this;
    used.functionsScheduled++;
    used.scheduledFunctionArgsBytes += argsBytes;
    if (used.functionsScheduled > (limits.functionsScheduled ?? Infinity)) this.#refuse("functionsScheduled");
    if (used.scheduledFunctionArgsBytes > (limits.scheduledFunctionArgsBytes ?? Infinity)) {
      this.#refuse("scheduledFunctionArgsBytes");
    }
  }

  /** Lowers the limits for what follows; the result undoes it. Limits are never raised. */
  lower(limits: Partial<TransactionLimits>): () => void {
    const before = this.limits;
    const lowered: Mutable<TransactionLimits> = { ...before };
    for (const metric of metrics) {
      const limit = limits[metric];
      if (limit === undefined || limit === null) continue;
      lowered[metric] = Math.min(before[metric] ?? Infinity, this.used[metric] + limit);
    }
    this.limits = lowered;
    return () => {
      this.limits = before;
    };
  }

  /** Counts and refuses nothing of what follows, until the result is called. */
  pause(): () => void {
    const before = this.limits;
    const used = { ...this.used };
    this.limits = noLimits;
    return () => {
      this.limits = before;
      Object.assign(this.used, used);
    };
  }

  /** Stops counting what was written since then, because it was undone. What was read stays counted. */
  undoWrites(since: TransactionUsage): void {
    for (const metric of writeMetrics) this.used[metric] = since[metric];
  }

  #refuse(metric: Metric): never {
    const maximum = this.limits[metric] ?? Infinity;
    throw new TrueupError("TRANSACTION_LIMIT", messages[metric](maximum), { limit: metric, maximum });
  }
}

const writeMetrics = [
  "documentsWritten",
  "bytesWritten",
  "functionsScheduled",
  "scheduledFunctionArgsBytes",
] as const;

const metrics = ["documentsRead", "bytesRead", "databaseQueries", ...writeMetrics] as const;

const readLess =
  "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective index range expressions.";

const messages: Record<Metric, (maximum: number) => string> = {
  documentsRead: (maximum) =>
    `Too many documents read in a single function execution (limit: ${maximum}). ${readLess}`,
  bytesRead: (maximum) =>
    `Too many bytes read in a single function execution (limit: ${maximum} bytes). ${readLess}`,
  databaseQueries: (maximum) =>
    `Too many reads in a single function execution (limit: ${maximum}). ${readLess}`,
  documentsWritten: (maximum) =>
    `Too many documents written in a single function execution (limit: ${maximum}).`,
  bytesWritten: (maximum) =>
    `Too many bytes written in a single function execution (limit: ${maximum} bytes).`,
  functionsScheduled: (maximum) => `Too many functions scheduled by this mutation (limit: ${maximum}).`,
  scheduledFunctionArgsBytes: (maximum) =>
    `Too large total size of the arguments of scheduled functions from this mutation (limit: ${maximum} bytes).`,
};
