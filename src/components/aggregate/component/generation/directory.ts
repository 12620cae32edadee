/**
 * Which generations the calls of a definition go to. Every call of a managed aggregate asks this, so where the database has
 * cells, a cell keeps the answer decoded; elsewhere it takes a query by index. Generations change only through
 * `generation/states.ts`, which keeps the cells up to date.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import { aggregateError } from "../interface/errors.js";
import { nativeStoreOf, type CellCodec } from "../../../../seams/index.js";
import { flagCodec, type Readings } from "../reading/readings.js";

/** The generations of one definition that were not dropped. */
export interface LiveGenerations {
  /** The generation that answers reads; null when none is ready. */
  readonly readable: number | null;
  /** The generations that are kept in step: the one that answers, and the one that is being built. */
  readonly writable: readonly number[];
  /** Those of them that are built in bulk: writes wait beside their trees (`generation/beside.ts`). */
  readonly inBulk?: readonly number[];
  /** Those whose writes are deltas, whatever else is set, because some still wait beside. */
  readonly sealed?: readonly number[];
}

const noneLive: LiveGenerations = { readable: null, writable: [] };

/** The names of these cells start with this. A definition has a `@` or a `#`, so no other fact is called like one. */
const liveCell = "g";
const liveCodec: CellCodec<LiveGenerations> = {
  encode: (live) => JSON.stringify(live),
  decode: (text) => JSON.parse(text) as LiveGenerations,
};

/** The generations of a definition that were not dropped. @throws Missing */
export function liveGenerations(readings: Readings, definition: string): LiveGenerations {
  const remembered = readings.cell(liveCodec, liveCell + definition);
  if (remembered !== undefined) return remembered;
  return readings.read(`generations of ${definition}`, async () =>
    liveAmong(await generationsOf(readings.db, definition)),
  );
}

/**
 * Refuses a call that names no definition while a managed aggregate lives in the component. Such a call comes from a class
 * without `table`, which would write other items than those of the table.
 * @throws Missing, AGGREGATE_COMPONENT_SHARED
 */
export function assertUnmanaged(readings: Readings): void {
  const { db, native } = readings;
  if (native !== null) {
    if (readings.take("generations", () => native.count("generations")) === 0) return;
    if (readings.cell(flagCodec, managedKind) === false) return;
  }
  const managed = readings.read("managed generation", async () =>
    (await db.query("generations").collect()).find(isLive),
  );
  if (managed !== undefined) throw sharedError(managed.definition);
}

/** The error for a call of a class that does not keep the component. */
function sharedError(definition: string): Error {
  const message =
    `A managed aggregate (${definition}) keeps this component, which no other class can use: name the same table, with the ` +
    "same functions, or give each a component of its own. When none is managed any more, the component's function " +
    "generations:release sets it free.";
  return aggregateError("AGGREGATE_COMPONENT_SHARED", message);
}

const managedKind = "managed";

/** Brings the directory up to date, after a generation of the definition was changed. */
export async function refreshDirectory(db: DatabaseWriter, definition: string): Promise<void> {
  const native = nativeStoreOf(db);
  if (native === null) return;
  const isManaged = (await db.query("generations").collect()).some(isLive);
  native.cells(flagCodec).set(managedKind, isManaged);
  const live = liveAmong(await generationsOf(db, definition));
  native.cells(liveCodec).set(liveCell + definition, live.writable.length === 0 ? undefined : live);
}

/** Every generation of a definition that has a record, the oldest first. */
export function generationsOf(db: DatabaseReader, definition: string): Promise<Doc<"generations">[]> {
  return db
    .query("generations")
    .withIndex("by_definition", (q) => q.eq("definition", definition))
    .collect();
}

function isLive({ status }: Doc<"generations">): boolean {
  return status !== "dropped";
}

function liveAmong(generations: readonly Doc<"generations">[]): LiveGenerations {
  const live = generations.filter(isLive);
  if (live.length === 0) return noneLive;
  const isSealed = (one: Doc<"generations">) => one.isSealed === true;
  const sealed = live.filter(isSealed).map(({ generation }) => generation);
  const inBulk = live
    .filter((one) => one.inBulk === true && !isSealed(one))
    .map(({ generation }) => generation);
  return {
    readable: live.find(({ status }) => status === "ready")?.generation ?? null,
    writable: live.map(({ generation }) => generation),
    ...(inBulk.length > 0 && { inBulk }),
    ...(sealed.length > 0 && { sealed }),
  };
}
