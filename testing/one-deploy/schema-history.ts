/**
 * A random life of an app: schemas that change deploy by deploy while somebody writes, migrations and transforms that
 * fail at random documents, deploys that are taken back, and a process that is killed at random commits. After each
 * deploy the data must be what a model says: every document carried over once, and what was written since as it was written.
 */
import { mutationGeneric } from "convex/server";
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { isTrueupError, memory, openBackend, type Backend } from "trueup";
import component from "trueup/migrations/test";
import { FaultyDisk } from "../faulty-storage.js";
import { call } from "../open-app.js";
import { seededRandom } from "../random.js";
import {
  documentOf,
  firstShape,
  randomStep,
  schemaOf,
  type Broken,
  type Fields,
  type Shape,
} from "./history-steps.js";
import { fieldsOf, programOf, type Version } from "./teams-app.js";

/** What the writer does to one document; null deletes it. */
interface Write {
  readonly n: number;
  readonly number: number | null;
}

interface Deployed {
  readonly version: number;
  readonly shape: Shape;
  readonly declared: object;
}

const identities = 24;

export class SchemaHistory {
  readonly #disk = new FaultyDisk(memory());
  readonly #draw: () => number;
  readonly #broken: Broken = new Set();
  /** What happened, for whoever reads a failure. */
  readonly log: string[] = [];
  #app!: Backend;
  #now: Deployed = { version: 0, shape: firstShape, declared: {} };
  #versions = 0;
  /** Documents by identity, in the shape of the version that runs. */
  #model = new Map<number, Fields>();

  constructor(seed: number) {
    this.#draw = seededRandom(seed);
  }

  async run(deploys: number): Promise<void> {
    await this.#open(this.#now);
    for (let i = 0; i < 12; i++) await this.#write();
    for (let i = 0; i < deploys; i++) {
      const before = this.#now;
      const step = randomStep(before.shape, ++this.#versions, (below) => this.#below(below), this.#broken);
      await this.#deploy(
        { version: this.#versions, shape: step.to, declared: step.declared },
        step.name,
        step.up,
      );
      if (step.down !== null && this.#below(4) === 0) {
        // Without kills: the way back is in code that this process has and the older code has not.
        const back = { ...before, version: ++this.#versions };
        await this.#deploy(back, `back from: ${step.name}`, step.down, false);
      }
    }
    await this.#kill();
    await this.#compare();
    await this.#app.close();
    await this.#disk.close();
  }

  /** Deploys while the writer goes on, until it has come to its end, through failures and kills. */
  async #deploy(target: Deployed, name: string, up: (doc: Fields) => Fields, mayFail = true): Promise<void> {
    this.log.push(`deploy ${target.version}: ${name}`);
    if (mayFail && this.#below(3) === 0) this.#breakOne();
    if (mayFail && this.#below(2) === 0) {
      const point = this.#below(2) === 0 ? "before commit" : "after commit";
      this.#disk.crashAtCommit(1 + this.#below(30), point);
    }
    for (;;) {
      try {
        await this.#deployOnce(target, up);
        await this.#settle(target, up);
        break;
      } catch (error) {
        if (isRefusal(error)) {
          this.log.push("refused: a document is broken");
          assert(this.#broken.size > 0, "refused, though no document is broken");
          await this.#compare();
          this.#broken.clear();
          continue;
        }
        if (!isCrash(error)) throw error;
        this.log.push("killed");
        await this.#reopen(target, up);
      }
    }
    // A kill that was planned for later than the deploy took.
    this.#disk.crashAtCommit(Infinity, "before commit");
    await this.#compare();
  }

  async #deployOnce(target: Deployed, up: (doc: Fields) => Fields): Promise<void> {
    const program = await programOf(this.#versionOf(target));
    let isOver = false;
    const deploying = this.#app.activate(program).finally(() => {
      isOver = true;
    });
    deploying.catch(() => {});
    try {
      while (!isOver) {
        await this.#write(target, up);
        await setTimeout(this.#below(3));
      }
    } finally {
      await deploying.catch(() => {});
    }
    await deploying;
    this.#arrive(target, up);
  }

  /** Writes on until nothing goes on behind the deploy; mends what keeps it from its end. */
  async #settle(target: Deployed, up: (doc: Fields) => Fields): Promise<void> {
    for (;;) {
      const { transforms, pending } = await this.#app.schemaChanges();
      if (transforms.length + pending.length === 0) return;
      if (pending.some(({ violating }) => violating !== null) && this.#broken.size > 0) {
        this.log.push("pending: a document is broken");
        this.#broken.clear();
        await this.#deployOnce(target, up);
      }
      await this.#write(target, up);
      await setTimeout(5);
    }
  }

  /** The model takes the step, once. */
  #arrive(target: Deployed, up: (doc: Fields) => Fields): void {
    if (this.#now.version === target.version) return;
    this.#model = new Map([...this.#model].map(([n, doc]) => [n, up(doc)]));
    this.#now = target;
  }

  /** One write by the code that runs, which says which it is. */
  async #write(target: Deployed = this.#now, up: (doc: Fields) => Fields = (doc) => doc): Promise<void> {
    const write = { n: this.#below(identities), number: this.#below(5) === 0 ? null : this.#below(1000) };
    let version: unknown;
    try {
      version = await call(this.#app, "writer:write", { ...write });
    } catch (error) {
      if (isCrash(error)) this.#unanswered = write;
      throw error;
    }
    if (version === target.version) this.#arrive(target, up);
    assert.equal(version, this.#now.version, "the version that runs");
    this.#apply(write);
  }

  #unanswered: Write | null = null;

  #apply({ n, number }: Write): void {
    if (number === null) this.#model.delete(n);
    else this.#model.set(n, documentOf(this.#now.shape, n, number));
  }

  /** After a kill, with the new code; a write that was not answered may have happened or not. */
  async #reopen(target: Deployed, up: (doc: Fields) => Fields): Promise<void> {
    await this.#app.close().catch(() => {});
    for (;;) {
      try {
        await this.#open(target);
        break;
      } catch (error) {
        if (isRefusal(error)) this.#broken.clear();
        else if (!isCrash(error)) throw error;
      }
    }
    const unanswered = this.#unanswered;
    this.#unanswered = null;
    if (unanswered !== null) {
      const [before, shape] = [this.#model.get(unanswered.n), this.#now.shape];
      const { n, number } = unanswered;
      this.#arrive(target, up);
      const stored = (await this.#documents()).find((doc) => doc["n"] === n);
      const written =
        number === null
          ? [undefined]
          : [up(documentOf(shape, n, number)), documentOf(target.shape, n, number)];
      const untouched = before === undefined ? undefined : this.#model.get(n);
      const possible = [untouched, ...written];
      // A migration may yet have to come to it.
      const ended =
        possible.find((doc) => isSame(doc, stored)) ??
        possible.find((doc) => isSame(doc, stored && up(stored)));
      if (ended !== undefined) this.#model.set(n, ended);
      else {
        assert(possible.includes(undefined), `document ${n} is none of what it may be`);
        this.#model.delete(n);
      }
    }
    this.#arrive(target, up);
  }

  async #kill(): Promise<void> {
    this.#disk.crash();
    await this.#app.close().catch(() => {});
    await this.#open(this.#now);
  }

  async #open(deployed: Deployed): Promise<void> {
    const { schema, migrations: declared = {}, modules = {} } = this.#versionOf(deployed);
    const all = Object.entries({ migrations: declared, ...modules });
    this.#app = await openBackend({
      storage: this.#disk.open,
      schema,
      modules: Object.fromEntries(all.map(([path, module]) => [`./convex/${path}.ts`, { ...module }])),
      components: { migrations: component },
      log: "silent",
    });
  }

  #versionOf({ version, shape, declared }: Deployed): Version {
    const write = mutationGeneric(async (ctx, { n, number }: { n: number; number: number | null }) => {
      const found = await ctx.db
        .query(shape.table)
        .withIndex("by_n", (q) => q.eq("n", n))
        .unique();
      if (number === null) {
        if (found !== null) await ctx.db.delete(found._id);
      } else if (found === null) await ctx.db.insert(shape.table, { ...documentOf(shape, n, number) });
      else await ctx.db.replace(found._id, { ...documentOf(shape, n, number) });
      return version;
    });
    return { schema: schemaOf(shape), migrations: declared, modules: { writer: { write } } };
  }

  /** Holds the data to the model: all documents, and every index. */
  async #compare(): Promise<void> {
    const { table, indexed } = this.#now.shape;
    const documents = await this.#documents();
    const expected = [...this.#model.values()].toSorted(byIdentity);
    this.#assertEqual(documents, expected, "documents");
    for (const field of indexed) {
      const { value } = await this.#app.database.query(async (tx) => {
        const source = {
          type: "IndexRange",
          indexName: `${table}.by_${field}`,
          range: [],
          order: "asc",
        } as const;
        return await tx.component("").stream({ source, operators: [] }).take(1000);
      });
      const values = value.map((doc) => doc[field]);
      this.#assertEqual(values, values.toSorted(ascending), `order of index by_${field}`);
      this.#assertEqual((fieldsOf(value) as Fields[]).toSorted(byIdentity), expected, `index by_${field}`);
    }
  }

  #assertEqual(found: unknown, expected: unknown, what: string): void {
    assert.deepEqual(found, expected, `${what}, after\n${this.log.join("\n")}`);
  }

  async #documents(): Promise<Fields[]> {
    const { value } = await this.#app.database.query(async (tx) => {
      const source = { type: "FullTableScan", tableName: this.#now.shape.table, order: "asc" } as const;
      return await tx.component("").stream({ source, operators: [] }).take(1000);
    });
    return (fieldsOf(value) as Fields[]).toSorted(byIdentity);
  }

  #breakOne(): void {
    this.#broken.add(this.#below(identities));
  }

  #below(limit: number): number {
    return Math.floor(this.#draw() * limit);
  }
}

/** A transform failed on a document, in the rehearsal or, where the document was written after it, at the end. */
function isRefusal(error: unknown): boolean {
  return isTrueupError(error) && ["TRANSFORM_REHEARSAL_FAILED", "TRANSFORM_FAILED"].includes(error.code);
}

function isCrash(error: unknown): boolean {
  return isTrueupError(error) && ["STORAGE_CLOSED", "BACKEND_CLOSED"].includes(error.code);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(doc: unknown): unknown {
  if (typeof doc !== "object" || doc === null) return doc;
  return Object.entries(doc).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function byIdentity(a: Fields, b: Fields): number {
  return Number(a["n"]) - Number(b["n"]);
}

function ascending(a: unknown, b: unknown): number {
  return typeof a === "string" && typeof b === "string"
    ? a < b
      ? -1
      : Number(a > b)
    : Number(a) - Number(b);
}
