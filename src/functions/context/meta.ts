/** `ctx.meta`: tells a function about itself, its transaction, its request and the deployment. */
import { TrueupError } from "../../errors/index.js";
import type { Execution } from "../execution/execution.js";
import type { FunctionKind, FunctionVisibility } from "../program/registered-function.js";

/** One limit of a transaction. */
interface Metric {
  readonly used: number;
  readonly remaining: number;
}

const metrics = [
  "bytesRead",
  "bytesWritten",
  "databaseQueries",
  "documentsRead",
  "documentsWritten",
  "functionsScheduled",
  "scheduledFunctionArgsBytes",
] as const;

/** Files are not counted, so these are always 0. */
const fileMetrics = ["filesWritten", "fileWriteBytes", "filesRead", "fileReadBytes"] as const;

export type TransactionMetrics = Readonly<
  Record<(typeof metrics)[number] | (typeof fileMetrics)[number], Metric>
>;

export interface FunctionMetadata {
  readonly name: string;
  readonly componentPath: string;
  readonly type: FunctionKind;
  readonly visibility: FunctionVisibility;
}

export interface DeploymentMetadata {
  readonly name: string;
  readonly region: null;
  readonly class: "s16";
}

export interface RequestMetadata {
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string;
  readonly scheduledFunctionId: string | null;
  readonly authToken: string | null;
}

export function functionMetadata(execution: Execution): FunctionMetadata {
  const { path, kind, visibility } = execution.subject;
  return { name: path, componentPath: execution.component.path, type: kind, visibility };
}

export function deploymentMetadata(execution: Execution): DeploymentMetadata {
  return { name: execution.engine.deploymentName, region: null, class: "s16" };
}

/** @throws INVALID_CALL in a query. */
export function requestMetadata(execution: Execution): RequestMetadata {
  if (execution.subject.kind === "query") {
    throw new TrueupError("INVALID_CALL", "getRequestMetadata() is not available in queries.");
  }
  const { id, ip, userAgent, scheduledFunctionId, authToken } = execution.request;
  return { ip, userAgent, requestId: id, scheduledFunctionId, authToken };
}

/** @throws INVALID_CALL in an action. */
export function transactionMetrics(execution: Execution): TransactionMetrics {
  if (execution.scope === null) {
    throw new TrueupError(
      "INVALID_CALL",
      "getTransactionMetrics() can only be called from a query or mutation.",
    );
  }
  const { usage, limits } = execution.scope.tx;
  const reported = execution.engine.reportedLimits;
  const measured = metrics.map((name) => {
    const used = usage[name];
    const limit = limits[name] ?? reported[name] ?? Number.MAX_SAFE_INTEGER;
    return [name, { used, remaining: Math.max(0, limit - used) }];
  });
  const files = fileMetrics.map((name) => [name, { used: 0, remaining: 0 }]);
  return Object.fromEntries([...measured, ...files]) as TransactionMetrics;
}

/**
 * The commit that the transaction reads, in nanoseconds, as `db.vars.commitTs` counts them.
 *
 * @throws INVALID_CALL in an action.
 */
export function snapshotTs(execution: Execution): bigint {
  if (execution.scope === null) {
    throw new TrueupError("INVALID_CALL", "getSnapshotTs() can only be called from a query or mutation.");
  }
  return BigInt(execution.scope.tx.version) * 1000n;
}

/** `ctx.meta` of every function. */
class Meta {
  protected readonly execution: Execution;

  constructor(execution: Execution) {
    this.execution = execution;
  }

  getFunctionMetadata(): Promise<FunctionMetadata> {
    return Promise.resolve(functionMetadata(this.execution));
  }
  getDeploymentMetadata(): Promise<DeploymentMetadata> {
    return Promise.resolve(deploymentMetadata(this.execution));
  }
}

/** `ctx.meta` of a query. */
export class QueryMeta extends Meta {
  getTransactionMetrics(): Promise<TransactionMetrics> {
    return Promise.resolve(transactionMetrics(this.execution));
  }
  getSnapshotTs(): bigint {
    return snapshotTs(this.execution);
  }
}

/** `ctx.meta` of a mutation. */
export class MutationMeta extends QueryMeta {
  getRequestMetadata(): Promise<RequestMetadata> {
    return Promise.resolve(requestMetadata(this.execution));
  }
}

/** `ctx.meta` of an action. */
export class ActionMeta extends Meta {
  getRequestMetadata(): Promise<RequestMetadata> {
    return Promise.resolve(requestMetadata(this.execution));
  }
}
