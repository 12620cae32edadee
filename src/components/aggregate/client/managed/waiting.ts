/**
 * Reads of an aggregate that is being built, where they are to wait. An action asks again until the build is done. A mutation
 * sees only its own transaction, so it finishes the build itself, if what is left fits into it. A query can do neither, so its
 * error says that it would have waited.
 */
import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import { ConvexError, type Value } from "convex/values";
import type { ReadCtx, WhileBuilding } from "../types.js";
import type { Managed } from "./managed.js";

/** An action asks again after a tenth of the time that is left, within these bounds. */
const shortestWaitMs = 20;
const longestWaitMs = 2000;

/** A mutation goes on with a build until it has used so much of its time, or of a limit of its transaction. */
const buildMs = 800;
const spendable = 0.5;

/** The data of AGGREGATE_BUILDING. */
interface BuildingData {
  readonly [field: string]: Value;
}

/**
 * The answer of a read, or that of the first repetition for which the aggregate is ready.
 * @throws AGGREGATE_BUILDING when the aggregate is not ready, and this cannot be waited for.
 */
export async function whenReady<T>(
  managed: Managed,
  ctx: ReadCtx,
  whileBuilding: WhileBuilding,
  answer: T | Promise<T>,
  askAgain: () => T | Promise<T>,
): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const building = buildingData(error);
    if (building === null) throw error;
    const wait = whileBuilding === "wait" && building["status"] !== "failed";
    if (!wait || !(await waitIn(ctx, managed, building))) throw await explained(ctx, managed, building, wait);
    return whenReady(managed, ctx, whileBuilding, askAgain(), askAgain);
  }
}

/** Waits, or builds, as the context allows. Returns true when asking again may help. */
async function waitIn(ctx: ReadCtx, managed: Managed, { etaMs }: BuildingData): Promise<boolean> {
  if ("runAction" in ctx) {
    const shareMs = typeof etaMs === "number" ? etaMs / 10 : 0;
    const waitMs = Math.min(longestWaitMs, Math.max(shortestWaitMs, shareMs));
    await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
    return true;
  }
  return isMutationCtx(ctx) && (await buildIn(ctx, managed));
}

/** Goes on with the build in this transaction. Returns true when the aggregate is ready. */
async function buildIn(ctx: GenericMutationCtx<GenericDataModel>, managed: Managed): Promise<boolean> {
  const startedAtMs = Date.now();
  while (Date.now() - startedAtMs < buildMs && !(await isSpent(ctx))) {
    const { state, due } = await managed.proceed(ctx, true);
    if (state === "ready") return true;
    if (!due || state === "failed") return false;
  }
  return false;
}

async function isSpent({ meta }: GenericMutationCtx<GenericDataModel>): Promise<boolean> {
  const metrics = Object.values(await meta.getTransactionMetrics());
  return metrics.some(({ used, remaining }) => used > spendable * (used + remaining));
}

function isMutationCtx(ctx: object): ctx is GenericMutationCtx<GenericDataModel> {
  const db: unknown = Reflect.get(ctx, "db");
  return typeof db === "object" && db !== null && "insert" in db && "runMutation" in ctx;
}

function buildingData(error: unknown): BuildingData | null {
  if (!(error instanceof ConvexError)) return null;
  const data: unknown = error.data;
  if (typeof data !== "object" || data === null) return null;
  return "code" in data && data.code === "AGGREGATE_BUILDING" ? { ...data, code: data.code } : null;
}

/** The error, with what only the app's side knows: the size of the table, and whether the read would have waited. */
async function explained(
  ctx: ReadCtx,
  managed: Managed,
  building: BuildingData,
  wait: boolean,
): Promise<Error> {
  const total = building["total"] ?? (await managed.totalOf(ctx));
  return new ConvexError({ ...building, total, ...(wait && { wait }) });
}
