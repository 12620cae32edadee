/**
 * Runs mutations in serializable transactions, each handed over as one request, and again where one met a conflict. What is
 * handed over is in the caches at once, for the mutations that begin after it; should the commit fail, so do those that believed
 * it. On a storage that runs transactions one after another within this process (exclusive), nothing is refused but by faults,
 * and the storage gives the turns. On any other they are given here, and what a mutation read is validated when it ends, also
 * where it threw: it may have thrown because of what was never true.
 */
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { MaybePromise, Storage, StorageTransaction, Version } from "../storage/storage.js";
import { pause } from "../work/index.js";
import type { Catalog } from "./catalog/catalog.js";
import { catalogKeys } from "./catalog/key-layout.js";
import type { KnownCatalogs } from "./catalog/known-catalogs.js";
import { nameDamage } from "./check/damaged-entries.js";
import type { Caches } from "./documents/caches.js";
import { type Origin, View } from "./documents/versioned-cache.js";
import { LocalTurns, type Turn } from "./local-turns.js";
import type { MutationOutcome, TransactionOptions } from "./options.js";
import { BaseView } from "./transaction/base-view.js";
import { CommitBatch } from "./transaction/commit-batch.js";
import { MutationHandle } from "./transaction/handles.js";
import type { Random } from "./transaction/mutation-state.js";
import type { TransactionState, Views } from "./transaction/transaction.js";
import type { HookResolver } from "./transaction/types.js";
import type { Shapes } from "./transforms/shapes.js";
import type { Turns } from "./turns.js";

/** How often a mutation is run again after a conflict. */
const maxAttempts = 12;
/** From this attempt on it keeps its turn, so that no other one of this process comes in between. */
const firstAlone = 5;
const maxPauseMs = 250;

export type Run<T> = (state: TransactionState, handle: MutationHandle) => Promise<T>;

/** What mutations need of their database. */
export interface MutationHost {
  readonly storage: Storage;
  readonly caches: Caches;
  readonly catalogs: KnownCatalogs;
  readonly shapes: Shapes;
  readonly turns: Turns;
  readonly random: Random | undefined;
  readonly isExclusive: boolean;
  hooks(): HookResolver;
  begin(views: Views, catalog: Catalog, options: TransactionOptions): TransactionState;
  /** Until the code is there that the transaction's catalog names. */
  whenLoaded(state: TransactionState): MaybePromise<void>;
}

/** What a transaction handed over, until it is known what came of it. */
interface HandedOver {
  readonly begunAt: Version;
  readonly end: (version: Version | null) => void;
}

/** A mutation that is under way. */
interface Attempt {
  readonly transaction: StorageTransaction;
  readonly view: View;
  readonly turn: Turn | null;
}

export class Mutations {
  readonly #host: MutationHost;
  readonly #localTurns = new LocalTurns();
  /** Rises with everything that is handed over, and with everything that is refused. */
  #order = 1;
  /** On an exclusive storage: the next transaction finds out first whether it succeeded. */
  #handedOver: HandedOver | null = null;
  #lastCreationTime = 0;
  #conflicts = 0;

  constructor(host: MutationHost) {
    this.#host = host;
  }

  /** How many transactions met a conflict, and ran again unless they had met many. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Whether one waits for its turn. */
  get isAwaited(): boolean {
    return this.#host.storage.hasWaiting === true || this.#localTurns.hasWaiting;
  }

  async run<T>(run: Run<T>, options: TransactionOptions): Promise<MutationOutcome<T>> {
    for (let attempt = 1; ; attempt++) {
      const turn = this.#host.isExclusive ? null : await this.#localTurns.enter(attempt > 1);
      let conflict: TrueupError;
      try {
        return await this.#attempt(run, options, turn, attempt >= firstAlone);
      } catch (error) {
        if (!isTrueupError(error) || error.code !== "STORAGE_CONFLICT") throw error;
        conflict = error;
      } finally {
        turn?.leave();
      }
      this.#conflicts++;
      if (attempt === maxAttempts) throw conflict;
      const isLocal = conflict.details["isLocal"] === true;
      if (!isLocal) await pause(Math.random() * Math.min(2 ** attempt, maxPauseMs));
    }
  }

  /** Drops all that is known across transactions: it is read anew. */
  forget(): void {
    const { caches, storage } = this.#host;
    caches.clear(storage.version);
    caches.distrust(++this.#order);
  }

  async #attempt<T>(
    run: Run<T>,
    options: TransactionOptions,
    turn: Turn | null,
    isAlone: boolean,
  ): Promise<MutationOutcome<T>> {
    const host = this.#host;
    const before = this.#order;
    const transaction = await host.storage.begin();
    this.#learnFate(transaction.version);
    // Where others hand over while this one begins, the storage may not show it what they wrote.
    const view = new View(transaction.version, host.isExclusive ? this.#order : before);
    const attempt: Attempt = { transaction, view, turn };
    let state: TransactionState | undefined;
    let handle: MutationHandle;
    let batch: CommitBatch;
    let value: T;
    let handedOver: () => void;
    try {
      const reader = turn === null || isAlone ? transaction : turn.readerOf(transaction);
      const base = new BaseView(reader, host.caches, view, host.shapes);
      const { committed } = transaction;
      const views =
        committed === undefined
          ? { base }
          : { base, before: new BaseView(committed, host.caches, new View(view.version, 0), host.shapes) };
      const finding = host.catalogs.of(base);
      state = host.begin(views, finding instanceof Promise ? await finding : finding, options);
      // Whatever decides what a write has to do hangs on the head.
      state.readSet.addKey(catalogKeys.head);
      const loading = host.whenLoaded(state);
      if (loading instanceof Promise) await loading;
      const nowMs = this.#nowMs(state);
      handle = new MutationHandle(state, host.hooks(), nowMs, this.#lastCreationTime, host.random);
      value = await run(state, handle);
      state.end();
      handedOver = host.turns.beginHandOver(state.changes);
      batch = await CommitBatch.collect(state);
      if (turn !== null) await assertBelievable(view);
    } catch (error) {
      state?.end();
      await this.#giveUp(attempt, state, error);
      throw nameDamage(host.catalogs.latest, error);
    }
    // Before the commit is durable: the next transaction begins as soon as it is handed over.
    this.#lastCreationTime = Math.max(this.#lastCreationTime, handle.mutation.lastCreationTime);
    const committing = this.#commit(attempt, state, batch);
    handedOver();
    turn?.leave();
    if (host.isExclusive) for (const callback of handle.handOverCallbacks) callback();
    const version = await committing;
    if (!host.isExclusive) for (const callback of handle.handOverCallbacks) callback();
    for (const callback of handle.callbacks) callback();
    return { value, version };
  }

  /** Creation times and ids are of the time by which commits are ordered, whatever the clock of this process says. */
  #nowMs({ version, beganAtMs }: TransactionState): number {
    const { storage } = this.#host;
    if (!storage.capabilities.shared) return Math.max(version / 1000, beganAtMs);
    return Math.max(version / 1000, storage.nowMs?.() ?? 0);
  }

  async #commit(
    { transaction, view }: Attempt,
    state: TransactionState,
    batch: CommitBatch,
  ): Promise<Version> {
    const { caches, catalogs, isExclusive } = this.#host;
    const { request } = batch;
    if (batch.isEmpty) return await transaction.commit(request);
    if (state.catalog !== state.baseCatalog) catalogs.add(state.catalog);
    const origin: Origin = { version: Infinity, order: ++this.#order, isRefused: false };
    batch.teach(caches, origin, isExclusive);
    let isEnded = false;
    const end = (version: Version | null): void => {
      if (!isEnded) batch.end(caches, origin, version);
      isEnded = true;
    };
    if (isExclusive) this.#handedOver = { begunAt: view.version, end };
    try {
      const version = await transaction.commit(request);
      end(version);
      return version;
    } catch (error) {
      origin.isRefused = true;
      end(null);
      if (isExclusive) this.forget();
      else caches.distrust(++this.#order);
      throw error;
    }
  }

  /** Ends a transaction that threw. @throws STORAGE_CONFLICT when it has read what was not true */
  async #giveUp(
    { transaction, view, turn }: Attempt,
    state: TransactionState | undefined,
    error: unknown,
  ): Promise<void> {
    if (turn === null || state === undefined || isOfStorage(error)) return transaction.rollback();
    turn.leave();
    try {
      await assertBelievable(view);
    } catch (conflict) {
      transaction.rollback();
      throw conflict;
    }
    await transaction.commit({ writes: [], reads: state.readSet });
  }

  /** Called when a transaction begins: it sees the commit handed over before it, unless that one has failed. */
  #learnFate(version: Version): void {
    const handedOver = this.#handedOver;
    if (handedOver === null) return;
    this.#handedOver = null;
    if (version <= handedOver.begunAt) this.forget();
    else handedOver.end(version);
  }
}

/**
 * Rejects when the view has seen what was refused. Of a refusal before the transaction began its caller hears within the same
 * turn of the event loop; one that comes later is for the storage to know.
 * @throws STORAGE_CONFLICT
 */
async function assertBelievable({ believed }: View): Promise<void> {
  const origins = [...believed];
  if (origins.length === 0) return;
  await pause(0);
  if (origins.some(({ isRefused }) => isRefused)) {
    throw new TrueupError("STORAGE_CONFLICT", undefined, { isLocal: true });
  }
}

/** Whether an error says that the storage did not answer. That something is missing may follow from what was never true. */
function isOfStorage(error: unknown): boolean {
  return isTrueupError(error) && error.code.startsWith("STORAGE_") && error.code !== "STORAGE_CORRUPT";
}
