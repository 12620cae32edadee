/**
 * A managed aggregate as the engine, or the operations of an app, drive it. Nothing is kept here between calls: what is to be
 * done next is asked of the component, and done in the caller's transaction.
 */
import type { FunctionReturnType } from "convex/server";
import { ConvexError } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import { addSums, roundSum, type ExactSum } from "../../tree/index.js";
import type { Operation } from "../aggregate.js";
import { assertWritable, runMutation } from "../call.js";
import { advanceRun, readReport, startVerify } from "../verification/runs.js";
import { withoutBefore, type WrittenItem } from "../operations.js";
import type { AggregateOptions, TreeOptions, WhileBuilding } from "../types.js";
import { advanceAfter } from "./advance-after.js";
import { SourceBulkBuild } from "./bulk.js";
import { fillNext } from "./fill.js";
import { Followers } from "./followers.js";
import { countDocuments } from "./table-reading.js";
import { namingDocument, TableSource } from "./table-source.js";
import type {
  Advance,
  AdvanceOptions,
  AggregateStanding,
  AggregateState,
  AggregateStatus,
  BeginOptions,
  BulkBuild,
  ManagedAggregate,
  StartVerifyOptions,
  VerifyReport,
} from "../../../../seams/index.js";
import type {
  AdvanceCtx,
  DocumentChange,
  DocumentImages,
  FollowCtx,
  StatusCtx,
  StoredDocument,
} from "./types.js";

type Part = FunctionReturnType<ComponentApi["managed"]["size"]>;

/** Options of a `TableAggregate` that concern its management. */
export interface ManagedOptions<TableName extends string> {
  /** The table that the aggregate is of: naming it makes the aggregate managed. */
  table?: TableName | undefined;
  /**
   * Says when the functions below define something else, instead of their texts: for functions whose meaning changes while
   * their text does not, or the other way round.
   */
  version?: string | number | undefined;
  /** On Trueup: how often it is verified by itself. Never when left out. */
  verifyEvery?: Interval | undefined;
  /** What reads do while it is being built, unless they say so themselves; "throw" when left out. */
  whileBuilding?: WhileBuilding | undefined;
}

/** A length of time; its parts are added up. */
export interface Interval {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}

/** The parts of a definition that make items of documents. */
interface DefinedFunctions {
  readonly sortKey: unknown;
  readonly sumValue?: unknown;
  readonly sumValues?: object | undefined;
  readonly namespace?: unknown;
}

/** The management that options ask for; undefined when they name no table. @throws INVALID_INTERVAL */
export function manage(
  component: ComponentApi,
  options: ManagedOptions<string> & AggregateOptions & DefinedFunctions,
  makeItem: (document: StoredDocument) => WrittenItem,
): Managed | undefined {
  const { table, version, verifyEvery, deltas } = options;
  if (table === undefined) return undefined;
  const definition = fingerprint(table, version, options);
  const source = new TableSource(component, table, definition, makeItem);
  return new Managed(source, verifyEvery === undefined ? null : milliseconds(verifyEvery), deltas);
}

/** @throws INVALID_INTERVAL */
function milliseconds({ days = 0, hours = 0, minutes = 0, seconds = 0 }: Interval): number {
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  if (ms >= 1000 && ms < Infinity) return ms;
  const message = "verifyEvery must be at least a second, for instance { hours: 24 }.";
  throw new ConvexError({ code: "INVALID_INTERVAL", message });
}

/** How writes come into the trees; see `WriteOptions`. */
export interface FollowOptions {
  begins?: boolean;
  queued?: boolean;
}

/** The management of one aggregate, for the engine and for an app's own functions. */
export class Managed implements ManagedAggregate {
  readonly source: TableSource;
  readonly table: string;
  readonly component: ComponentApi;
  readonly definition: string;
  readonly verifyEveryMs: number | null;
  readonly #deltas: boolean | undefined;
  /** The engine knows references by their identity. */
  #followReference: ComponentApi["managed"]["follow"] | null = null;

  /** @param deltas Whether writes are appended as deltas; as the component is set when left out. */
  constructor(source: TableSource, verifyEveryMs: number | null, deltas?: boolean) {
    this.source = source;
    this.#deltas = deltas;
    this.table = source.table;
    this.component = source.component;
    this.definition = source.definition;
    this.verifyEveryMs = verifyEveryMs;
  }

  async begin(ctx: FollowCtx, { standby, fresh }: BeginOptions = {}): Promise<AggregateState> {
    return runMutation(ctx, this.component.generations.begin, {
      definition: this.definition,
      ...(standby === true && { standby }),
      ...(fresh === true && { fresh }),
    });
  }

  isUntouched(oldDoc: StoredDocument, newDoc: StoredDocument): boolean {
    return this.source.operationOf({ oldDoc, newDoc }) === null;
  }

  async follow(ctx: FollowCtx, change: DocumentChange): Promise<void> {
    await this.#applyAs(ctx, [change], true);
  }

  /** Applies writes of documents to whatever is kept in step. True when somebody has to `advance`. */
  async apply(
    ctx: FollowCtx,
    changes: readonly DocumentImages[],
    options: FollowOptions = {},
  ): Promise<boolean> {
    assertWritable(ctx);
    return this.#applyAs(ctx, changes, false, options);
  }

  /** Says what was there before a change only where nobody else has followed it yet: later it is not there any more. */
  async #applyAs(
    ctx: FollowCtx,
    changes: readonly DocumentImages[],
    isEngine: boolean,
    options: FollowOptions = {},
  ): Promise<boolean> {
    const { definition } = this;
    const deltas = this.#deltas;
    const followers = Followers.of(ctx, definition);
    const operations: Operation[] = [];
    for (const change of changes) {
      const operation = this.source.operationOf(change);
      if (operation === null) continue;
      operations.push(followers.isFirst(operation, isEngine) ? operation : withoutBefore(operation));
    }
    if (operations.length === 0) return false;
    this.#followReference ??= this.component.managed.follow;
    try {
      return await runMutation(ctx, this.#followReference, {
        definition,
        operations,
        ...options,
        ...(deltas !== undefined && { deltas }),
      });
    } catch (error) {
      throw namingDocument(error);
    }
  }

  /** Builds the aggregate anew, beside the generation that answers meanwhile. */
  async rebuild(ctx: FollowCtx, { maxNodeSize, rootLazy }: TreeOptions = {}): Promise<void> {
    await runMutation(ctx, this.component.generations.rebuild, {
      definition: this.definition,
      ...(maxNodeSize !== undefined && { maxNodeSize }),
      ...(rootLazy !== undefined && { rootLazy }),
    });
  }

  async advance(ctx: AdvanceCtx, options?: AdvanceOptions): Promise<Advance> {
    return this.proceed(ctx, false, options);
  }

  bulkBuild(generation: number): BulkBuild {
    return new SourceBulkBuild(this.source, generation);
  }

  /** Does one transaction's worth of what is due. Where nothing was begun, begins a build if it `mayBegin`. */
  async proceed(ctx: AdvanceCtx, mayBegin: boolean, { bulk }: AdvanceOptions = {}): Promise<Advance> {
    const { definition, component, source } = this;
    const due = await runMutation(ctx, component.generations.due, { definition, ...(bulk && { bulk }) });
    let waitMs: number | undefined;
    switch (due.kind) {
      case "bulk":
        // Only who builds in bulk can go on with it, and does.
        return {
          due: bulk !== undefined,
          state: due.state,
          hasFailed: false,
          ...(bulk !== undefined && { bulk: due.generation }),
        };
      case "nothing":
        return { due: false, state: due.state, hasFailed: false };
      case "begin":
        if (!mayBegin) return { due: false, state: due.state, hasFailed: false };
        await this.begin(ctx);
        break;
      case "fill":
        await fillNext(ctx, source, due);
        break;
      case "run":
        ({ waitMs } = await advanceRun(ctx, source, due));
        break;
      case "clear":
        await runMutation(ctx, component.generations.clear, {});
        break;
      case "wait":
        waitMs = due.waitMs;
        break;
    }
    return await advanceAfter(ctx, source, waitMs);
  }

  async startVerify(ctx: FollowCtx, options: StartVerifyOptions = {}): Promise<string> {
    return startVerify(ctx, this.source, options);
  }

  async standing(ctx: StatusCtx): Promise<AggregateStanding> {
    const { definition, component } = this;
    const status = await ctx.runQuery(component.managed.status, { definition });
    return { ...status, total: status.total ?? (await this.totalOf(ctx)) };
  }

  async status(ctx: StatusCtx): Promise<AggregateStatus> {
    const { definition, component } = this;
    const status = await ctx.runQuery(component.managed.status, { definition });
    const contents = { items: 0, namespaces: 0, nodes: 0, sizeBytes: 0 };
    let sum: ExactSum = 0;
    let cursor: string | null | undefined = status.generation === 0 ? null : undefined;
    while (cursor !== null) {
      const { generation } = status;
      const args = { generation, ...(cursor !== undefined && { cursor }) };
      const part: Part = await ctx.runQuery(component.managed.size, args);
      contents.items += part.items;
      contents.namespaces += part.namespaces;
      contents.nodes += part.nodes;
      contents.sizeBytes += part.sizeBytes;
      sum = addSums(sum, part.sum);
      ({ cursor } = part);
    }
    const total = status.total ?? (await this.totalOf(ctx));
    return { definition, ...status, total, ...contents, sum: roundSum(sum) };
  }

  async report(ctx: StatusCtx, runId?: string, cursor?: string): Promise<VerifyReport | null> {
    return readReport(ctx, this.source, runId, cursor);
  }

  /** The number of documents of the table, or null where the context, or its database, does not tell. */
  async totalOf(ctx: object): Promise<number | null> {
    const db: unknown = Reflect.get(ctx, "db");
    return typeof db === "object" && db !== null ? countDocuments(db, this.table) : null;
  }
}

/**
 * Names a definition of a table's aggregate, by its version or by a hash of the texts of its functions. Code that defines
 * an aggregate otherwise than the code that filled it never reads it; two texts of a function count as two definitions,
 * even if they do the same.
 */
function fingerprint(
  table: string,
  version: string | number | undefined,
  { sortKey, sumValue, sumValues, namespace }: DefinedFunctions,
): string {
  if (version !== undefined) return `${table}@${version}`;
  const named = Object.entries(sumValues ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const texts = [sortKey, sumValue, namespace, ...named.flat()].map(String);
  return `${table}#${hash(JSON.stringify(texts))}`;
}

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** FNV-1a of 64 bits (Fowler, Noll, Vo: draft-eastlake-fnv), over UTF-16 code units. */
function hash(text: string): string {
  let state = offsetBasis;
  for (let index = 0; index < text.length; index++) {
    state = BigInt.asUintN(64, (state ^ BigInt(text.charCodeAt(index))) * prime);
  }
  return state.toString(36);
}
