/**
 * What handlers run on. A question, and the part of a write that decides what to write, is one plain function of `Readings`: what
 * the call has read so far. What it misses is loaded, and it runs again (`tree/missing.ts`).
 *
 * On Trueup a class may ask the component within its transaction, without a call. Then a handler that can be asked (`askableQuery`) gets a `ctx`
 * that all questions of the transaction share until others write, so they share what they have read. Such a handler answers in
 * the same turn or not at all: where it misses something, or has to wait (`inCall`), or needs more of its `ctx` than is at hand,
 * it throws, or returns a promise of which nothing comes. By then it has changed nothing, and the engine makes the call. So a
 * handler writes last, and cells last of all: whatever else there is to write is refused before.
 */
import { afterwards, throwMissing, untilLoaded, type Soon, type Source } from "../../tree/index.js";
import { asking, type CellCodec, type NativeStore } from "../../../../seams/index.js";
import type { DataModel } from "../_generated/dataModel.js";
import {
  mutation,
  query,
  type DatabaseReader,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { nativeStoreOf } from "./store.js";

/** Facts by name, each of which is read once, and always with the same type. */
export class Readings implements Source {
  readonly db: DatabaseReader;
  /** What Trueup's database offers beside; null elsewhere. */
  readonly native: NativeStore<DataModel> | null;
  readonly #known: Map<string, unknown> = new Map();
  readonly #missed: Map<string, () => Promise<unknown>> = new Map();

  constructor(db: DatabaseReader) {
    this.db = db;
    this.native = nativeStoreOf(db);
  }

  /** The value of a cell; undefined where the database has none. @throws Missing */
  cell<T>(codec: CellCodec<T>, name: string): T | undefined {
    const { native } = this;
    return native === null ? undefined : this.take(name, () => native.cells(codec).get(name));
  }

  /** What is found in this turn where it can be. @throws Missing where it cannot. */
  take<T>(name: string, find: () => Soon<T>): T {
    if (this.#known.has(name)) return this.#known.get(name) as T;
    const found = find();
    if (found instanceof Promise) return this.read(name, () => found);
    this.#known.set(name, found);
    return found;
  }

  /** What has to be waited for. @throws Missing the first time */
  read<T>(name: string, load: () => Promise<T>): T {
    if (this.#known.has(name)) return this.#known.get(name) as T;
    this.#missed.set(name, load);
    return throwMissing([{ source: this, name }]);
  }

  async load(names: readonly (string | number)[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const fact = String(name);
        this.#known.set(fact, await this.#missed.get(fact)?.());
      }),
    );
  }
}

/** A query that can be asked. What its handler returns must be the asker's own. */
export const askableQuery: typeof query = (definition) => query(markAskable(definition));

/** A mutation that can be asked: its handler makes all of its writes in one turn, or changes nothing and throws. */
export const askableMutation: typeof mutation = (definition) => mutation(markAskable(definition));

function markAskable<Definition extends object>(definition: Definition & { handler?: object }): Definition {
  Object.assign(definition.handler ?? definition, { [asking]: true });
  return definition;
}

/** What all questions share that are asked of one `ctx`. */
const shared = new WeakMap<QueryCtx, Readings>();

/** Answers from what is at hand, else from what is loaded for it. */
export function answerFrom<T>(ctx: QueryCtx, answer: (readings: Readings) => T): Soon<T> {
  if (!(asking in ctx)) return readFrom(ctx.db, answer);
  let readings = shared.get(ctx);
  if (readings === undefined) shared.set(ctx, (readings = new Readings(ctx.db)));
  return answer(readings);
}

/** Makes a write. `decide` reads, and changes trees in memory only; what it returns writes, and is run once. */
export function writeFrom<T>(ctx: MutationCtx, decide: (readings: Readings) => () => Soon<T>): Soon<T> {
  return afterwards(answerFrom(ctx, decide), (write) => write());
}

/** The part of a write that takes more than one turn. @throws Missing where the handler is asked: it has to be called. */
export function inCall<T>(ctx: MutationCtx, write: () => Promise<T>): () => Promise<T> {
  return asking in ctx ? throwMissing([]) : write;
}

/** What a function of readings finds, for callers that wait for it. */
export function readFrom<T>(db: DatabaseReader, find: (readings: Readings) => T): Soon<T> {
  const readings = new Readings(db);
  return untilLoaded(() => find(readings));
}
