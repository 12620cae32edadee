/**
 * What handlers run on. A question, and the part of a write that decides what to write, is one plain function of `Readings`,
 * which hold what the call has read so far. When the function needs more, it throws `Missing`; that is loaded, and the function
 * runs again (`tree/missing.ts`).
 *
 * On Trueup a class may ask the component within its transaction, without a call. Then the handler gets a `ctx` that all
 * questions of the transaction share until somebody else writes to the component, and they share what they have read. Such a
 * handler answers in the same turn or not at all: when it needs something to be loaded, or has to wait (`inCall`), or needs
 * more of its `ctx` than it gets here, it throws, or its promise is ignored. It must have changed nothing by then, and the
 * engine makes the call. So a handler writes last, and it writes cells last of all, because every other write is refused where
 * it is asked.
 */
import { afterwards, throwMissing, untilLoaded, type Soon, type Source } from "../../tree/index.js";
import { askedBy, asking, nativeStoreOf, type CellCodec, type NativeStore } from "../../../../seams/index.js";
import type { DataModel } from "../_generated/dataModel.js";
import {
  mutation,
  query,
  type DatabaseReader,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";

/** Cells that hold a flag. */
export const flagCodec: CellCodec<boolean> = { encode: String, decode: (text) => text === "true" };

/** Facts by name. Each is read once, and a name always stands for the same type. */
export class Readings implements Source {
  readonly db: DatabaseReader;
  /** What Trueup's database offers beyond that of Convex; null elsewhere. */
  readonly native: NativeStore<DataModel> | null;
  readonly #known: Map<string, unknown> = new Map();
  /** How to load what was missed. */
  #missed: Map<string, () => Promise<unknown>> | null = null;
  readonly #isAsked: boolean;

  constructor(db: DatabaseReader, isAsked = false) {
    this.db = db;
    this.native = nativeStoreOf<DataModel>(db);
    this.#isAsked = isAsked;
  }

  /** What a function of these readings returns, when what it misses is loaded; where it is asked, that ends it. */
  run<T>(find: () => Soon<T>): Soon<T> {
    return this.#isAsked ? find() : untilLoaded(find);
  }

  /** The value of a cell; undefined where the database has none. @throws Missing */
  cell<T>(codec: CellCodec<T>, name: string): T | undefined {
    const { native } = this;
    return native === null ? undefined : this.take(name, () => native.cells(codec).get(name));
  }

  /** Sets a cell, so that it also reads as set. */
  setCell<T>(codec: CellCodec<T>, name: string, value: T): void {
    this.native?.cells(codec).set(name, value);
    this.#known.set(name, value);
  }

  /** What `find` finds. @throws Missing when it returns a promise, which is loaded then. */
  take<T>(name: string, find: () => Soon<T>): T {
    const known = this.#known.get(name);
    if (known !== undefined || this.#known.has(name)) return known as T;
    const found = find();
    if (found instanceof Promise) return this.read(name, () => found);
    this.#known.set(name, found);
    return found;
  }

  /** What `load` has loaded. @throws Missing the first time */
  read<T>(name: string, load: () => Promise<T>): T {
    if (this.#known.has(name)) return this.#known.get(name) as T;
    (this.#missed ??= new Map()).set(name, load);
    return throwMissing([{ source: this, name }]);
  }

  async load(names: readonly (string | number)[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const fact = String(name);
        this.#known.set(fact, await this.#missed?.get(fact)?.());
      }),
    );
  }
}

/** A query that can be asked without a call. Its handler must return new objects, because the asker may change them. */
export const askableQuery: typeof query = (definition) => query(markAskable(definition));

/**
 * A mutation that can be asked without a call. Its handler makes all of its writes in one turn, or changes nothing and throws.
 */
export const askableMutation: typeof mutation = (definition) => mutation(markAskable(definition));

function markAskable<Definition extends object>(definition: Definition & { handler?: object }): Definition {
  Object.assign(definition.handler ?? definition, { [asking]: true });
  return definition;
}

/**
 * Calls `answer` until everything that it needs is loaded.
 *
 * @throws Missing where the handler is asked and something is missing
 */
export function answerFrom<T>(ctx: QueryCtx, answer: (readings: Readings) => T): Soon<T> {
  const asked = askedBy(ctx);
  if (asked === undefined) return readFrom(ctx.db, answer);
  const { kept } = asked;
  const readings = kept instanceof Readings ? kept : new Readings(ctx.db, true);
  asked.kept = readings;
  return answer(readings);
}

/** Makes a write. `decide` reads, and changes trees in memory only; the function that it returns writes, and runs once. */
export function writeFrom<T>(ctx: MutationCtx, decide: (readings: Readings) => () => Soon<T>): Soon<T> {
  return afterwards(answerFrom(ctx, decide), (write) => write());
}

/**
 * Marks the part of a write that takes more than one turn.
 *
 * @throws Missing where the handler is asked, so that it is called instead
 */
export function inCall<T>(ctx: MutationCtx, write: () => Promise<T>): () => Promise<T> {
  return asking in ctx ? throwMissing([]) : write;
}

/** Calls a function of readings until everything that it needs is loaded. */
export function readFrom<T>(db: DatabaseReader, find: (readings: Readings) => T): Soon<T> {
  const readings = new Readings(db);
  return untilLoaded(() => find(readings));
}
