/** What the rooms above get of a transaction: it checks that the transaction is active, and hands each request on. */
import type { IndexJson, SchemaJson } from "../../schema/index.js";
import type { MaybePromise, Version } from "../../storage/storage.js";
import type { Followers } from "../catalog/catalog.js";
import { nameFollowers, nameProgram, removeComponent, removeTable } from "../catalog/edits.js";
import {
  abandonPrepared,
  applySchema,
  ensureTable,
  prepareIndexes,
  type SchemaChange,
  schemaState,
  setNarrowed,
} from "../tables/apply-schema.js";
import { type IndexBuild, indexBuilds } from "../background/index-builds.js";
import { renameTables } from "../tables/rename-tables.js";
import { beginTransform } from "../transforms/prepared-transforms.js";
import { PreparedReader } from "../transforms/prepared-reader.js";
import { transformStatuses } from "../transforms/write-through.js";
import type {
  ApplySchemaOptions,
  PrepareOptions,
  SchemaState,
  TransformDefinition,
  TransformStatus,
} from "../transforms/types.js";
import type { TransactionLimits, TransactionUsage } from "./limits.js";
import { MutationState, type Random } from "./mutation-state.js";
import type { ReadSet } from "./read-set.js";
import { Reader, staleView } from "./reader.js";
import type { TransactionState } from "./transaction.js";
import type { HookResolver, MutationTransaction, QueryTransaction } from "./types.js";
import { Writer } from "./writer.js";

abstract class Handle<R extends Reader> {
  readonly program: string | null;
  protected readonly state: TransactionState;
  readonly #components = new Map<string, R>();
  readonly #systems = new Map<string, R>();

  constructor(state: TransactionState) {
    this.state = state;
    this.program = state.baseCatalog.head.program ?? null;
  }

  get followers(): Followers | null {
    return this.state.catalog.head.followers ?? null;
  }

  get version(): Version {
    return this.state.version;
  }

  get beganAtMs(): number {
    return this.state.beganAtMs;
  }

  get usage(): TransactionUsage {
    return this.state.usage.used;
  }

  get limits(): TransactionLimits {
    return this.state.usage.limits;
  }

  get readSet(): ReadSet {
    return this.state.readSet;
  }

  get changes(): number {
    return this.state.changes;
  }

  changesOf(componentPath: string): number {
    return this.state.changesOf(componentPath);
  }

  component(path: string): R {
    return this.#reader(this.#components, path, false);
  }

  system(path: string): R {
    return this.#reader(this.#systems, path, true);
  }

  async indexBuilds(): Promise<IndexBuild[]> {
    this.state.assertActive();
    return await indexBuilds(this.state);
  }

  async transforms(): Promise<TransformStatus[]> {
    this.state.assertActive();
    return await transformStatuses(this.state);
  }

  schemaState(path: string): SchemaState {
    this.state.assertActive();
    return schemaState(this.state, path);
  }

  tableShape(path: string, tableName: string): number {
    this.state.assertActive();
    return this.state.catalog.table(path, tableName)?.shape ?? 0;
  }

  prepared(path: string): Reader {
    return new PreparedReader(this.state, path);
  }

  async limited<T>(run: () => Promise<T>, limits: Partial<TransactionLimits> = {}): Promise<T> {
    const restore = this.state.usage.lower(limits);
    try {
      return await run();
    } finally {
      restore();
    }
  }

  async uncounted<T>(run: () => Promise<T>): Promise<T> {
    const goOn = this.state.usage.pause();
    try {
      return await run();
    } finally {
      goOn();
    }
  }

  protected abstract makeReader(path: string, isSystem: boolean): R;

  #reader(readers: Map<string, R>, path: string, isSystem: boolean): R {
    let reader = readers.get(path);
    if (reader === undefined) {
      reader = this.makeReader(path, isSystem);
      readers.set(path, reader);
    }
    return reader;
  }
}

export class QueryHandle extends Handle<Reader> implements QueryTransaction {
  protected override makeReader(path: string, isSystem: boolean): Reader {
    return new Reader(this.state, path, isSystem);
  }
}

export class MutationHandle extends Handle<Writer> implements MutationTransaction {
  /** What `afterCommit` was given. */
  readonly callbacks: (() => void)[] = [];
  /** What `afterHandOver` was given. */
  readonly handOverCallbacks: (() => void)[] = [];
  readonly mutation: MutationState;

  constructor(
    state: TransactionState,
    hooks: HookResolver,
    nowMs: number,
    lastCreationTime: number,
    random: Random | undefined,
  ) {
    super(state);
    this.mutation = new MutationState(this, state, hooks, nowMs, lastCreationTime, random);
  }

  async nested<T>(run: () => Promise<T>, limits?: Partial<TransactionLimits>): Promise<T> {
    const mark = this.callbacks.length;
    const handOverMark = this.handOverCallbacks.length;
    try {
      return await this.state.nested(run, limits);
    } catch (error) {
      this.callbacks.length = mark;
      this.handOverCallbacks.length = handOverMark;
      throw error;
    }
  }

  staleReader(path: string): Reader {
    return new Reader(this.state, path, false, staleView(this.state));
  }

  leaseEntry(key: string): MaybePromise<string | undefined> {
    return this.state.stored.get(key);
  }

  afterCommit(callback: () => void): void {
    this.state.assertActive();
    this.callbacks.push(callback);
  }

  afterHandOver(callback: () => void): void {
    this.state.assertActive();
    this.handOverCallbacks.push(callback);
  }

  countScheduled(argsBytes: number): void {
    this.state.usage.countScheduled(argsBytes);
  }

  async applySchema(
    path: string,
    schema: SchemaJson | null,
    options: ApplySchemaOptions = {},
  ): Promise<SchemaChange> {
    this.state.assertActive();
    return await applySchema(this.state, path, schema, options);
  }

  nameProgram(name: string): void {
    this.state.assertActive();
    this.state.edit(nameProgram(this.state.catalog, name));
  }

  nameFollowers(followers: Followers | null): void {
    this.state.assertActive();
    this.state.edit(nameFollowers(this.state.catalog, followers));
  }

  setNarrowed(path: string): void {
    this.state.assertActive();
    setNarrowed(this.state, path);
  }

  async prepareIndexes(path: string, schema: SchemaJson, options: PrepareOptions = {}): Promise<void> {
    this.state.assertActive();
    await prepareIndexes(this.state, path, schema, options);
  }

  abandonPrepared(path: string): void {
    this.state.assertActive();
    abandonPrepared(this.state, path);
  }

  beginTransform(path: string, tableName: string, definition: TransformDefinition): number {
    this.state.assertActive();
    return beginTransform(this.state, path, tableName, definition);
  }

  async renameTables(path: string, names: ReadonlyMap<string, string>): Promise<void> {
    this.state.assertActive();
    await renameTables(this.state, path, names);
  }

  async ensureTable(path: string, tableName: string, indexes: readonly IndexJson[]): Promise<void> {
    this.state.assertActive();
    await ensureTable(this.state, path, tableName, indexes);
  }

  removeComponent(path: string): void {
    this.state.assertActive();
    const tables = [...(this.state.catalog.components.get(path)?.tables.values() ?? [])];
    for (const table of tables) this.#remove(path, table.name);
    this.state.edit(removeComponent(this.state.catalog, path));
  }

  removeTable(path: string, tableName: string): void {
    this.state.assertActive();
    this.#remove(path, tableName);
  }

  protected override makeReader(path: string, isSystem: boolean): Writer {
    return new Writer(this.mutation, path, isSystem);
  }

  #remove(path: string, tableName: string): void {
    const table = this.state.catalog.table(path, tableName);
    if (table === undefined) return;
    this.state.forgetWrites(table.id);
    this.state.edit(removeTable(this.state.catalog, table));
  }
}
