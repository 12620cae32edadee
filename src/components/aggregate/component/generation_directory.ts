/**
 * Which generations a definition's calls go to. Every call of a managed aggregate asks, so where the database has cells, one
 * keeps the answer decoded; elsewhere it is a query by index. Generations change only through `generations.ts`, which
 * keeps both in step.
 */
import type { Doc } from "./_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import { nativeStoreOf, type CellCodec } from "./native_store.js";

/** The generations of one definition that live. */
export interface LiveGenerations {
  /** The one that answers reads. */
  readonly readable: number | null;
  /** Those that are kept in step: the one that answers, and the one that is being built. */
  readonly writable: readonly number[];
}

const NONE: LiveGenerations = { readable: null, writable: [] };

const liveCodec: CellCodec<LiveGenerations> = {
  encode: (live) => JSON.stringify(live),
  decode: (text) => JSON.parse(text) as LiveGenerations,
};

export async function liveGenerations(db: DatabaseReader, definition: string): Promise<LiveGenerations> {
  const remembered = await nativeStoreOf(db)?.cells(liveCodec).get(nameOf(definition));
  return remembered ?? liveAmong(await generationsOf(db, definition));
}

/** The same with what is at hand; undefined when it has to be looked for. */
export function liveGenerationsNow(db: DatabaseReader, definition: string): LiveGenerations | undefined {
  const remembered = nativeStoreOf(db)?.cells(liveCodec).get(nameOf(definition));
  return remembered instanceof Promise ? undefined : remembered;
}

/** Brings the directory up to date, after a generation of the definition was changed. */
export async function refreshDirectory(db: DatabaseWriter, definition: string): Promise<void> {
  const native = nativeStoreOf(db);
  if (native === null) return;
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

function liveAmong(generations: readonly Doc<"generations">[]): LiveGenerations {
  const live = generations.filter(({ status }) => status !== "dropped");
  if (live.length === 0) return NONE;
  return {
    readable: live.find(({ status }) => status === "ready")?.generation ?? null,
    writable: live.map(({ generation }) => generation),
  };
}

function nameOf(definition: string): string {
  return `g${definition}`;
}
