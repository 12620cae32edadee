/**
 * The database: documents in tables with indexes, on any storage. Queries run in snapshots, mutations in
 * serializable transactions that are handed over as one batch of writes. What was read and written last stays
 * decoded in a cache; `documents/versioned-cache.ts` says when the cache may be used.
 */
import {
  changesEverything,
  type Commit,
  type MaybePromise,
  type Storage,
  type Version,
} from "../storage/storage.js";
import { decodeId } from "../values/index.js";
import { Leases } from "../work/index.js";
import type { Catalog } from "./catalog/catalog.js";
import { KnownCatalogs } from "./catalog/known-catalogs.js";
import { catalogKeys } from "./catalog/key-layout.js";
import { checkData } from "./check/check-data.js";
import { nameDamage } from "./check/damaged-entries.js";
import type { DataCheck, DataCheckOptions } from "./check/types.js";
import { Announcements } from "./announcements.js";
import type { DatabaseCommit } from "./commit.js";
import { HeldSnapshots } from "./held-snapshots.js";
import { Caches } from "./documents/caches.js";
import { View } from "./documents/versioned-cache.js";
import { BackgroundWork } from "./background/background-work.js";
import { Mutations } from "./mutations.js";
import { BaseView } from "./transaction/base-view.js";
import { QueryHandle } from "./transaction/handles.js";
import { convexLimits, noLimits } from "./transaction/limits.js";
import type {
  DatabaseOptions,
  MutationOutcome,
  QueryOptions,
  QueryOutcome,
  TransactionOptions,
} from "./options.js";
import { TransactionState, type Views } from "./transaction/transaction.js";
import type { CodeLoader, HookResolver, MutationTransaction, QueryTransaction } from "./transaction/types.js";
import { Turns } from "./turns.js";
import type { Upkeep } from "./upkeep.js";
import { guardGlobals } from "./transforms/guarded-globals.js";
import { rehearse } from "./transforms/rehearse.js";
import { Shapes } from "./transforms/shapes.js";
import type { Rehearsal, RehearsalPlan, SettledTransform, TransformResolver } from "./transforms/types.js";

const defaultCacheBytes = 64 * (1 << 20);
export class Database implements Upkeep {
  readonly storage: Storage;
  readonly backgroundBatch: number | undefined;
  readonly #clock: () => number;
  readonly #caches: Caches;
  readonly #catalogs = new KnownCatalogs();
  readonly #shapes = new Shapes();
  readonly #announcements: Announcements;
  /** Which of the processes that share the storage does what nobody calls. */
  readonly leases: Leases;
  /** Builds of indexes, the writing through of transforms and the clearing of what was dropped. */
  readonly background: BackgroundWork;
  /** What long work in the background gives way by. */
  readonly turns: Turns;
  /** Versions that clients come back to. */
  readonly held: HeldSnapshots;
  /** Transactions run one after another, all of them in this process. */
  readonly #isExclusive: boolean;
  #hooks: HookResolver = () => noHooks;
  #loadCode: CodeLoader = () => {};
  readonly #mutations: Mutations;
  #begunTransactions = 0;
  #foreignCommits = 0;
  #commits = 0;
  #stopListening: () => void;

  private constructor(storage: Storage, options: DatabaseOptions) {
    this.storage = storage;
    this.backgroundBatch = options.backgroundBatch;
    this.#clock = options.clock ?? Date.now;
    this.#caches = new Caches(options.cacheBytes ?? defaultCacheBytes);
    const { serialTransactions, shared } = storage.capabilities;
    this.#isExclusive = serialTransactions && !shared;
    this.#announcements = new Announcements(this.#catalogs, (version) => this.#catalogSince(version));
    this.#stopListening = storage.onCommit((commit) => this.#receive(commit));
    this.turns = new Turns(() => this.isAwaited);
    this.#mutations = new Mutations({
      storage,
      caches: this.#caches,
      catalogs: this.#catalogs,
      shapes: this.#shapes,
      turns: this.turns,
      random: options.random,
      isExclusive: this.#isExclusive,
      hooks: () => this.#hooks,
      begin: (views, catalog, options) => this.#begin(views, catalog, options),
      whenLoaded: (state) => this.#whenLoaded(state),
    });
    this.leases = new Leases(storage, options.leaseClock);
    this.background = new BackgroundWork(this);
    this.held = new HeldSnapshots(storage);
  }

  /**
   * Opens the database in a storage, which it then owns: nothing else may write to it, except other
   * databases on a storage that is `shared`. Index builds that were interrupted go on.
   * @throws STORAGE_CORRUPT when the catalog cannot be read
   */
  static async open(storage: Storage, options: DatabaseOptions = {}): Promise<Database> {
    guardGlobals();
    const database = new Database(storage, options);
    database.#catalogs.note(await database.#catalogSince(0));
    database.background.wake();
    database.leases.start();
    return database;
  }

  /** Runs in a snapshot: the one given, or one of the latest durable commit. Rejects with whatever `run` throws. */
  query<T>(run: (tx: QueryTransaction) => Promise<T>, options: QueryOptions = {}): Promise<QueryOutcome<T>> {
    this.#begunTransactions++;
    return this.#inSnapshot((state) => {
      const loading = this.#whenLoaded(state);
      return loading instanceof Promise
        ? loading.then(() => run(new QueryHandle(state)))
        : run(new QueryHandle(state));
    }, options);
  }

  async #inSnapshot<T>(
    run: (state: TransactionState) => Promise<T>,
    options: QueryOptions,
  ): Promise<QueryOutcome<T>> {
    const opening = options.snapshot ?? this.storage.snapshot();
    const snapshot = opening instanceof Promise ? await opening : opening;
    let state: TransactionState | undefined;
    try {
      const base = new BaseView(snapshot, this.#caches, new View(snapshot.version, 0), this.#shapes);
      const finding = this.#catalogs.of(base);
      state = this.#begin({ base }, finding instanceof Promise ? await finding : finding, options);
      const value = await run(state);
      return { value, version: snapshot.version, readSet: state.readSet };
    } catch (error) {
      throw nameDamage(this.#catalogs.latest, error);
    } finally {
      state?.end();
      if (options.snapshot === undefined) snapshot.release();
    }
  }

  /**
   * Runs in a serializable transaction, which is committed when `run` resolves and rolled back when it
   * throws. Runs again when the storage reports a conflict. Resolves once the commit is as durable as the
   * storage makes it. Rejects with whatever `run` throws, STORAGE_CONFLICT after many attempts, STORAGE_FULL.
   */
  mutate<T>(
    run: (tx: MutationTransaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<MutationOutcome<T>> {
    this.#begunTransactions++;
    return this.#mutations.run((_state, handle) => run(handle), options);
  }

  /**
   * Sets where the change hooks of tables come from. The resolver is asked at every write, so it should
   * answer from a map.
   */
  setHooks(resolve: HookResolver): void {
    this.#hooks = resolve;
  }

  /** Sets what loads the code that commits name. Every transaction waits for it before it runs. */
  setCodeLoader(load: CodeLoader): void {
    this.#loadCode = load;
  }

  /**
   * Sets where the functions of transforms come from; to be called again when more of them are there, as background
   * work that waits for one then goes on.
   */
  setTransforms(resolve: TransformResolver): void {
    this.#shapes.setResolver(resolve);
    this.background.wake();
  }

  /** Calls the listener when a transform has retired: no document needs it any more. Returns how to stop. */
  onTransformSettled(listener: (settled: SettledTransform) => void): () => void {
    return this.background.onSettled(listener);
  }

  /**
   * Tries transforms on every document of a table, in small snapshots, and says what they would fail on. O(documents).
   * Documents written after it began may have been missed.
   */
  async rehearse(plan: RehearsalPlan): Promise<Rehearsal> {
    return await rehearse(this, plan);
  }

  /** Calls the listener after each commit, in the order of commits; returns how to stop. */
  onCommit(listener: (commit: DatabaseCommit) => void): () => void {
    return this.#announcements.add(listener);
  }

  /** The name of the table that an id belongs to, as of the latest commit. */
  tableOfId(componentPath: string, id: string): string | null {
    const decoded = decodeId(id);
    if (decoded === null) return null;
    const table = this.#catalogs.latest.tableByNumber(componentPath, decoded.tableNumber);
    return table?.name ?? null;
  }

  async maintain<T>(run: (state: TransactionState) => Promise<T>): Promise<T> {
    return (await this.#mutations.run(run, { limits: null })).value;
  }

  async inspect<T>(run: (state: TransactionState) => Promise<T>): Promise<T> {
    return (await this.#inSnapshot(run, { limits: null })).value;
  }

  async mend<T>(run: (state: TransactionState) => Promise<T>): Promise<T> {
    try {
      return await this.maintain(run);
    } finally {
      this.#mutations.forget();
    }
  }

  /**
   * Holds ids, index entries and counts against the documents, in batches beside whatever else goes on, and mends them when
   * asked to. What transforms in force make of documents counts as they are. O(documents × indexes).
   */
  async check(options: DataCheckOptions = {}): Promise<DataCheck> {
    return await checkData(this, options);
  }

  get begunTransactions(): number {
    return this.#begunTransactions + this.#foreignCommits;
  }

  get isAwaited(): boolean {
    return this.#mutations.isAwaited;
  }

  /** How many commits have become visible here: work on aggregates gives way to those of others. */
  get commits(): number {
    return this.#commits;
  }

  /** How many transactions met a conflict, and ran again unless they had met many. */
  get conflicts(): number {
    return this.#mutations.conflicts;
  }

  /** Stops background work where it stands and closes the storage. Idempotent. */
  async close(): Promise<void> {
    await this.background.stop();
    await this.leases.stop();
    this.#stopListening();
    this.held.close();
    await this.storage.close();
  }

  /** Until the code is there that the transaction's catalog names. */
  #whenLoaded({ base, baseCatalog, beganAtMs }: TransactionState): MaybePromise<void> {
    const read = (): QueryHandle =>
      new QueryHandle(new TransactionState({ base }, baseCatalog, noLimits, beganAtMs));
    return this.#loadCode(baseCatalog.code, read);
  }

  #begin(views: Views, catalog: Catalog, options: TransactionOptions): TransactionState {
    const { limits: own } = options;
    const limits = own === null ? noLimits : own === undefined ? convexLimits : { ...convexLimits, ...own };
    return new TransactionState(views, catalog, limits, this.#clock());
  }

  #receive(commit: Commit): void {
    if (!this.#isExclusive) this.#caches.hear(commit);
    const isReset = changesEverything(commit);
    if (isReset) this.#mutations.forget();
    this.#commits++;
    if (!commit.isOwn) this.#foreignCommits++;
    if (isReset || commit.writes.some(([key]) => key === catalogKeys.head)) this.background.wake();
    this.#announcements.hear(commit);
  }

  async #catalogSince(version: Version): Promise<Catalog> {
    await this.storage.reached(version);
    return (await this.#inSnapshot((state) => Promise.resolve(state.catalog), {})).value;
  }
}

const noHooks: readonly never[] = [];
