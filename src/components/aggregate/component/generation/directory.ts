/**
 * Which generations a definition's calls go to. Every call of a managed aggregate asks, so where the database has cells, one
 * keeps the answer decoded; elsewhere it is a query by index. Generations change only through `generations.ts`, which
 * keeps both in step.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import { aggregateError } from "../interface/errors.js";
import type { CellCodec } from "../../../../seams/index.js";
import type { Readings } from "../native/readings.js";
import { nativeStoreOf } from "../native/store.js";

/** The generations of one definition that live. */
export interface LiveGenerations {
  /** The one that answers reads. */
  readonly readable: number | null;
  /** Those that are kept in step: the one that answers, and the one that is being built. */
  readonly writable: readonly number[];
}

/** Of a definition that has none. */
const noneLive: LiveGenerations = { readable: null, writable: [] };

const liveCodec: CellCodec<LiveGenerations> = {
  encode: (live) => JSON.stringify(live),
  decode: (text) => JSON.parse(text) as LiveGenerations,
};

/** The generations of a definition that live. @throws Missing */
export function liveGenerations(readings: Readings, definition: string): LiveGenerations {
  const name = nameOf(definition);
  const load = async () => liveAmong(await generationsOf(readings.db, definition));
  return readings.cell(liveCodec, name) ?? readings.read(`generations ${name}`, load);
}

/**
 * Refuses calls that name no definition while a managed aggregate lives in the component: they are of a class without `table`, whose
 * items would be others than the table's.
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

/** Of a call of a class that is not the one which keeps the component. */
function sharedError(definition: string): Error {
  const message =
    `A managed aggregate (${definition}) keeps this component, which no other class can use: name the same table, with the ` +
    "same functions, or give each a component of its own. When none is managed any more, the component's function " +
    "generations:release sets it free.";
  return aggregateError("AGGREGATE_COMPONENT_SHARED", message);
}

const flagCodec: CellCodec<boolean> = { encode: String, decode: (text) => text === "true" };
const managedKind = "managed";

/** Brings the directory up to date, after a generation of the definition was changed. */
export async function refreshDirectory(db: DatabaseWriter, definition: string): Promise<void> {
  const native = nativeStoreOf(db);
  if (native === null) return;
  const isManaged = (await db.query("generations").collect()).some(isLive);
  native.cells(flagCodec).set(managedKind, isManaged);
  const live = liveAmong(await generationsOf(db, definition));
  native.cells(liveCodec).set(nameOf(definition), live.writable.length === 0 ? undefined : live);
}

/** Every generation of a definition that there is a record of, the oldest first. */
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
  return {
    readable: live.find(({ status }) => status === "ready")?.generation ?? null,
    writable: live.map(({ generation }) => generation),
  };
}

function nameOf(definition: string): string {
  return `g${definition}`;
}
