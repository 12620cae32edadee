/**
 * A managed aggregate as simple as can be, for tests of what keeps it: it copies a number of each document into tables of the
 * app itself, a generation for each definition, a few documents per `advance`. It keeps to the seam's contract and nothing else.
 */
import { componentsGeneric } from "convex/server";
import type {
  Advance,
  AggregateState,
  AggregateStanding,
  AggregateStatus,
  ManagedAggregate,
  VerifyReport,
} from "../../src/seams/index.js";

type Row = Record<string, unknown> & { readonly _id: string };

interface Ctx {
  readonly db: {
    query(table: string): { collect(): Promise<Row[]> };
    insert(table: string, fields: object): Promise<string>;
    patch(id: string, fields: object): Promise<void>;
    delete(id: string): Promise<void>;
  };
}

export interface FakeOptions {
  readonly component?: string;
  readonly table?: string;
  readonly definition?: string;
  readonly value?: (doc: Row) => number;
  readonly verifyEveryMs?: number;
  /** Called first by each `advance`; what it throws, that throws. */
  readonly onAdvance?: () => void;
}

const noDifferences = {
  missing: 0,
  orphaned: 0,
  wrongKey: 0,
  wrongSum: 0,
  wrongNamespace: 0,
  duplicate: 0,
  structure: 0,
};

const documentsPerStep = 2;

/** What an app module exports. */
export function fakeAggregate(options: FakeOptions = {}): object {
  return { [Symbol.for("trueup.aggregate")]: new FakeAggregate(options) };
}

class FakeAggregate implements ManagedAggregate {
  readonly table: string;
  readonly component: object;
  readonly definition: string;
  readonly verifyEveryMs: number | null;
  readonly #value: (doc: Row) => number;
  readonly #onAdvance: () => void;

  constructor(options: FakeOptions) {
    this.table = options.table ?? "scores";
    this.component = componentsGeneric()[options.component ?? "byScore"] ?? {};
    this.definition = options.definition ?? "1";
    this.verifyEveryMs = options.verifyEveryMs ?? null;
    this.#value = options.value ?? ((doc): number => Number(doc["score"]));
    this.#onAdvance = options.onAdvance ?? ((): void => {});
  }

  async begin(given: object, options: { standby?: boolean; fresh?: boolean } = {}): Promise<AggregateState> {
    const { db } = given as Ctx;
    for (const { _id, definition, status } of await db.query("generations").collect()) {
      if (options.standby === true || status === "dropped") continue;
      if (definition !== this.definition || options.fresh === true) {
        await db.patch(_id, { status: "dropped" });
      }
    }
    const own = await this.#generation(given);
    if (own !== null) return own["status"] as AggregateState;
    await db.insert("generations", { definition: this.definition, status: "building", cursor: 0 });
    return "building";
  }

  async follow(
    given: object,
    { id, newDoc }: { readonly id: string; readonly newDoc: object | null },
  ): Promise<void> {
    if ((await this.#generation(given)) !== null) await this.#put(given, id, newDoc as Row | null);
  }

  async advance(given: object): Promise<Advance> {
    this.#onAdvance();
    const { db } = given as Ctx;
    const [run] = (await db.query("runs").collect()).filter(({ isDone }) => isDone === false);
    if (run !== undefined) await db.patch(run._id, { isDone: true, ...(await this.#compare(given)) });
    const generation = await this.#generation(given);
    const state = (generation?.["status"] ?? "empty") as AggregateState;
    if (generation === null || state !== "building") return { due: false, state, hasFailed: false };
    const cursor = Number(generation["cursor"]);
    const documents = await db.query(this.table).collect();
    const next = documents
      .filter(({ _creationTime }) => Number(_creationTime) > cursor)
      .slice(0, documentsPerStep);
    for (const doc of next) await this.#put(given, doc._id, doc);
    const last = next.at(-1);
    await db.patch(
      generation._id,
      last === undefined ? { status: "ready" } : { cursor: last["_creationTime"] },
    );
    return { due: last !== undefined, state: last === undefined ? "ready" : "building", hasFailed: false };
  }

  async startVerify(given: object, options: { repair?: boolean; startedBy?: string } = {}): Promise<string> {
    const fields = { startedBy: options.startedBy ?? null, repair: options.repair ?? false };
    return await (given as Ctx).db.insert("runs", {
      ...fields,
      isDone: false,
      differences: 0,
      atMs: Date.now(),
    });
  }

  standing(given: object): Promise<AggregateStanding> {
    return this.status(given);
  }

  async status(given: object): Promise<AggregateStatus> {
    const { db } = given as Ctx;
    const items = await this.#items(given);
    const last = (await db.query("runs").collect()).filter(({ isDone }) => isDone === true).at(-1);
    const generation = await this.#generation(given);
    return {
      state: (generation?.["status"] ?? "empty") as AggregateState,
      definition: this.definition,
      generation: generation === null ? 0 : 1,
      items: items.length,
      namespaces: 1,
      sum: items.reduce((sum, { value }) => sum + Number(value), 0),
      sizeBytes: 0,
      nodes: 0,
      processed: items.length,
      total: null,
      ratePerSecond: null,
      etaMs: null,
      lastVerified:
        last === undefined
          ? null
          : { atMs: Number(last["atMs"]), differences: Number(last["differences"]), durationMs: 0 },
      drift: last === undefined ? null : Number(last["differences"]),
      drifted: [],
      error: null,
      errorDocumentId: null,
    };
  }

  async report(given: object, runId?: string): Promise<VerifyReport | null> {
    const runs = await (given as Ctx).db.query("runs").collect();
    const run = runId === undefined ? runs.at(-1) : runs.find(({ _id }) => _id === runId);
    if (run === undefined) return null;
    const { _id, repair, startedBy, isDone, differences } = run;
    return {
      runId: _id,
      repair: repair === true,
      startedBy: startedBy as string | null,
      startedAtMs: Number(run["atMs"]),
      durationMs: 0,
      isDone: isDone === true,
      phase: null,
      error: null,
      errorDocumentId: null,
      checked: 0,
      fixed: 0,
      counts: { ...noDifferences, missing: Number(differences) },
      differences: [],
      continueCursor: null,
    };
  }

  async #compare(given: object): Promise<object> {
    const documents = await (given as Ctx).db.query(this.table).collect();
    const known = new Set((await this.#items(given)).map(({ document }) => document));
    return { differences: documents.filter(({ _id }) => !known.has(_id)).length };
  }

  async #put(given: object, id: string, doc: Row | null): Promise<void> {
    const { db } = given as Ctx;
    for (const { _id, document } of await this.#items(given)) if (document === id) await db.delete(_id);
    if (doc !== null) {
      await db.insert("items", { definition: this.definition, document: id, value: this.#value(doc) });
    }
  }

  async #items(given: object): Promise<Row[]> {
    const items = await (given as Ctx).db.query("items").collect();
    return items.filter(({ definition }) => definition === this.definition);
  }

  async #generation(given: object): Promise<Row | null> {
    const all = await (given as Ctx).db.query("generations").collect();
    return (
      all.find(({ definition, status }) => definition === this.definition && status !== "dropped") ?? null
    );
  }
}
