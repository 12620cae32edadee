/**
 * Simulates the conflicts of Convex Cloud: transactions run against a snapshot, in any number side by side, and commit one
 * after another; one is aborted when a commit since its snapshot changed what it read. It holds a single component, called as
 * an app's mutation would call it, and runs what that schedules. Time is simulated, so that nothing waits.
 */
import { getFunctionAddress, type GenericSchema, type SchemaDefinition } from "convex/server";
import { commitTimestampField, Documents, type Change, type Document, type Fields } from "./documents.js";
import { boundsFrom, Transaction, tableOf, type Job } from "./transaction.js";

type Handler = (ctx: object, args: unknown) => unknown;

/** The component's modules, by their path, and its tables. */
export interface SimulatedComponent {
  readonly schema: SchemaDefinition<GenericSchema, boolean>;
  readonly modules: Readonly<Record<string, () => Promise<unknown>>>;
}

/** What an app's code is given: enough for the classes of an aggregate. */
export interface AppCtx {
  runQuery(reference: unknown, args: unknown, options?: unknown): Promise<never>;
  runMutation(reference: unknown, args: unknown): Promise<never>;
  readonly meta: { getFunctionMetadata(): Promise<{ type: "mutation" }> };
}

/** A transaction that has run, and waits to be committed. */
export interface Attempt<T> {
  readonly transaction: Transaction;
  readonly result: T;
}

export class SimulatedCloud {
  readonly #documents = new Documents();
  readonly #indexes: Map<string, readonly string[]>;
  readonly #modules: Map<string, () => Promise<unknown>>;
  /** The changes of every commit; a snapshot is their number. */
  readonly #commits: Change[][] = [];
  readonly #jobs = new Map<string, Job>();
  #nowMs = 1_750_000_000_000;
  #made = 0;

  constructor({ schema, modules }: SimulatedComponent) {
    this.#modules = new Map(
      Object.entries(modules).map(([path, load]) => [path.replace(/^.*component\/|\.[jt]s$/g, ""), load]),
    );
    this.#indexes = new Map(
      Object.entries(schema.tables).flatMap(([table, definition]) =>
        definition[" indexes"]().map(({ indexDescriptor, fields }) => [
          `${table}.${indexDescriptor}`,
          fields.filter((field) => field !== "_creationTime"),
        ]),
      ),
    );
  }

  get snapshot(): number {
    return this.#commits.length;
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Takes the jobs that are due off the schedule. */
  takeDueJobs(): Job[] {
    const due = [...this.#jobs.values()].filter(({ dueMs }) => dueMs <= this.#nowMs);
    for (const { id } of due) this.#jobs.delete(id);
    return due;
  }

  retryJob(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  hasJobs(): boolean {
    return this.#jobs.size > 0;
  }

  /** Runs an app's mutation on the present snapshot. */
  run<T>(body: (ctx: AppCtx) => Promise<T>): Promise<Attempt<T>> {
    return this.#attempt((transaction) => body(this.#appCtx(transaction)));
  }

  runJob({ name, args }: Job): Promise<Attempt<unknown>> {
    return this.#attempt((transaction) => this.#call(transaction, name, args, "mutation", true));
  }

  /** Commits what ran on a snapshot. Returns false, and changes nothing, when a commit since then changed what it read. */
  commit({ transaction }: Attempt<unknown>, snapshot: number): boolean {
    const since = this.#commits.slice(snapshot);
    if (since.some((changes) => transaction.reads.meets(changes))) return false;
    const commitTs = BigInt(this.#nowMs) * 1_000_000n + BigInt(this.#commits.length);
    this.#commits.push(this.#documents.commit(transaction.changes, commitTs));
    for (const job of transaction.scheduled) this.#jobs.set(job.id, job);
    for (const id of transaction.cancelled) this.#jobs.delete(id);
    return true;
  }

  /** Clocks stand still while code runs, as on Convex. Transactions side by side run one after the other, on one snapshot. */
  async #attempt<T>(body: (transaction: Transaction) => Promise<T>): Promise<Attempt<T>> {
    const sources = { nowMs: () => this.#nowMs, next: () => this.#made++ };
    const transaction = new Transaction(this.#documents, this.#indexes, sources);
    const { now } = Date;
    Date.now = () => this.#nowMs;
    try {
      return { transaction, result: await body(transaction) };
    } finally {
      Date.now = now;
    }
  }

  #appCtx(transaction: Transaction): AppCtx {
    return {
      ...this.#calls(transaction, true),
      meta: { getFunctionMetadata: () => Promise.resolve({ type: "mutation" }) },
    };
  }

  #calls(transaction: Transaction, isTracked: boolean): Pick<AppCtx, "runQuery" | "runMutation"> {
    return {
      runQuery: (reference, args, options) => {
        const isStale = (options as { useStaleSnapshot?: boolean } | undefined)?.useStaleSnapshot === true;
        if (!isStale) return this.#call(transaction, nameOf(reference), args, "query", isTracked);
        // It gets a snapshot of its own: it neither sees what the transaction wrote nor adds to what it read.
        const sources = { nowMs: () => this.#nowMs, next: () => this.#made++ };
        const snapshot = new Transaction(this.#documents, this.#indexes, sources);
        return this.#call(snapshot, nameOf(reference), args, "query", false);
      },
      runMutation: (reference, args) =>
        transaction.nested(() => this.#call(transaction, nameOf(reference), args, "mutation", isTracked)),
    };
  }

  async #call(
    transaction: Transaction,
    name: string,
    args: unknown,
    type: "query" | "mutation",
    isTracked: boolean,
  ): Promise<never> {
    const [path = "", exported = "default"] = name.split(":");
    const module = (await this.#modules.get(path)?.()) as Record<string, { _handler?: Handler }> | undefined;
    const handler = module?.[exported]?._handler;
    if (handler === undefined) throw new Error(`the component has no function ${name}`);
    const ctx = {
      ...this.#calls(transaction, isTracked),
      db: databaseOf(transaction, isTracked, this.#jobs),
      scheduler: {
        runAfter: (delayMs: number, reference: unknown, jobArgs: Fields = {}) =>
          Promise.resolve(transaction.schedule(delayMs, nameOf(reference), jobArgs)),
        cancel: (id: string) => Promise.resolve(void transaction.cancelled.add(id)),
      },
      meta: {
        getFunctionMetadata: () => Promise.resolve({ type }),
        getTransactionMetrics: () => Promise.resolve(ampleLimits),
      },
    };
    return (await handler(ctx, args)) as never;
  }
}

const ample = { used: 0, remaining: 1e9 };
const ampleLimits = {
  bytesRead: ample,
  bytesWritten: ample,
  databaseQueries: ample,
  documentsRead: ample,
  documentsWritten: ample,
};

function nameOf(reference: Parameters<typeof getFunctionAddress>[0]): string {
  const { name, reference: path } = getFunctionAddress(reference) as {
    name?: string;
    reference?: string;
  };
  if (name !== undefined) return name;
  // The path is in the app's only component: `_reference/childComponent/aggregate/writes/apply`.
  const parts = (path ?? "").split("/").slice(3);
  return `${parts.slice(0, -1).join("/")}:${parts.at(-1) ?? ""}`;
}

/** `ctx.db`, as far as components use it. */
function databaseOf(transaction: Transaction, isTracked: boolean, jobs: ReadonlyMap<string, Job>): object {
  return {
    vars: { commitTs: commitTimestampField },
    get: (...names: string[]) => {
      const id = names.at(-1) ?? "";
      return Promise.resolve(transaction.get(tableOf(id), id, isTracked));
    },
    query: (table: string) => queryOf(transaction, isTracked, table),
    insert: (table: string, fields: Fields) => Promise.resolve(transaction.insert(table, fields)),
    patch: (...args: [...string[], Fields]) => {
      transaction.update(args.at(-2) as string, args.at(-1) as Fields, false);
      return Promise.resolve();
    },
    replace: (...args: [...string[], Fields]) => {
      transaction.update(args.at(-2) as string, args.at(-1) as Fields, true);
      return Promise.resolve();
    },
    delete: (...names: string[]) => Promise.resolve(transaction.delete(names.at(-1) ?? "")),
    system: {
      get: (...names: string[]) => {
        const job = jobs.get(names.at(-1) ?? "");
        return Promise.resolve(
          job && { _id: job.id, name: job.name, scheduledTime: job.dueMs, state: { kind: "pending" } },
        );
      },
    },
  };
}

function queryOf(transaction: Transaction, isTracked: boolean, table: string): object {
  let [fields, bounds]: [readonly string[], ReturnType<typeof boundsFrom>] = [[], []];
  let order: "asc" | "desc" = "asc";
  const scan = () => transaction.scan({ table, fields, bounds, order, until: null }, isTracked);
  const take = (limit: number): Promise<Document[]> => {
    const taken: Document[] = [];
    // The scan ends at the last one that is wanted, so that nothing behind it counts as read.
    for (const document of scan()) if (taken.push(document) >= limit) break;
    return Promise.resolve(taken);
  };
  const query = {
    withIndex(index: string, build?: (q: unknown) => unknown) {
      fields = transaction.fieldsOf(table, index);
      bounds = boundsFrom(build);
      return query;
    },
    order(wanted: "asc" | "desc") {
      order = wanted;
      return query;
    },
    take,
    collect: () => take(Infinity),
    first: async () => (await take(1))[0] ?? null,
    unique: async () => (await take(2))[0] ?? null,
    async *[Symbol.asyncIterator]() {
      for (const document of scan()) yield await Promise.resolve(document);
    },
  };
  return query;
}
