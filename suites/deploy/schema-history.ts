/**
 * Takes an app through a random life: schemas that change deploy by deploy, several steps in each, while somebody writes
 * and while what earlier deploys began is still going on; migrations and transforms that fail at random documents, deploys
 * that are taken back one or two at a time, and a process that is killed at random commits. The model knows the forms that
 * a document may have: one where only transforms come, and one more for each migration that may not have come to it yet. No
 * document is ever of another form, a deploy that is refused changes nothing, and what goes on comes to its end.
 */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { memory, openBackend, type Backend } from "trueup";
import component from "trueup/migrations/test";
import { carried, fitting, isSame, last, through, type Forms } from "./document-forms.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { call } from "../setup/open-app.js";
import { seededRandom } from "../setup/random.js";
import { isCrash, isRefusal } from "./history-failures.js";
import { documentOf, firstShape, randomStep, type Fields, type Migrate, type Step } from "./history-steps.js";
import { ExpectedItems, other, readItems } from "./history-aggregate.js";
import { versionOf, type Deployed } from "./history-version.js";
import { fieldsOf, programOf } from "./teams-app.js";

/** What the writer makes of one document; null deletes it. */
interface Write {
  readonly n: number;
  readonly number: number | null;
}

/** One deploy and what it comes to. */
interface Plan {
  readonly name: string;
  readonly target: Deployed;
  readonly carry: (forms: Forms) => Forms;
  /** The migrations that are at work once it is in place, of those that were before it. */
  readonly atWork: (before: readonly Migrate[]) => readonly Migrate[];
  /** It may be refused for good, because its way back depends on the documents. */
  readonly isOptional: boolean;
  readonly isBack: boolean;
}

const identities = 24;
const patience = 400;

export class SchemaHistory {
  readonly #disk = new FaultyDisk(memory());
  readonly #draw: () => number;
  readonly #broken: Set<number>[] = [];
  /** What happened, for whoever reads a failure. */
  readonly log: string[] = [];
  #app!: Backend;
  #now: Deployed = { version: 0, shape: firstShape, declared: {}, aggregate: null };
  /** What was deployed before, the latest last, and the steps that led on from there. */
  #before: { readonly deployed: Deployed; readonly step: Step }[] = [];
  #versions = 0;
  #atWork: readonly Migrate[] = [];
  /** Documents by identity. */
  #model = new Map<number, Forms>();
  readonly #items = new ExpectedItems();
  #unanswered: Write | null = null;

  /** @param exchanges Whether deploys also exchange the component of an aggregate that the writer keeps. */
  constructor(seed: number, exchanges: boolean = false) {
    this.#draw = seededRandom(seed);
    if (exchanges) this.#now = { ...this.#now, aggregate: "published" };
  }

  async run(deploys: number): Promise<void> {
    try {
      await this.#open(this.#now);
      for (let i = 0; i < 12; i++) await this.#write();
      for (let i = 0; i < deploys; i++) {
        const depth = 1 + this.#below(2);
        if (this.#before.length >= depth && this.#below(3) === 0) await this.#goBack(depth);
        else await this.#goForth();
      }
      await this.#kill();
      await this.#settle();
      await this.#compare();
    } catch (error) {
      throw new Error(`after\n${this.log.join("\n")}`, { cause: error });
    } finally {
      await this.#app.close().catch(() => {});
      await this.#disk.close();
    }
  }

  async #goForth(): Promise<void> {
    // Deploys take longer here, so that most would meet the same cell: an earlier one that is still going on.
    if (this.#now.aggregate !== null) await this.#settle();
    const { shape, declared } = this.#now;
    const aggregate = this.#nextAggregate();
    const id = ++this.#versions;
    const step = randomStep({
      from: shape,
      id,
      random: (below) => this.#below(below),
      atWork: through(this.#atWork),
      isTakingOver: this.#atWork.length > 0 && this.#below(2) === 0,
    });
    this.#broken.push(step.broken);
    if (this.#below(4) === 0) step.broken.add(this.#below(identities));
    const kept = Object.entries(declared).filter(([name]) => !(step.takesOver && name.startsWith("m")));
    const before = this.#now;
    const isDone = await this.#deploy({
      name: aggregate === null ? step.name : `${step.name}; the aggregate is ${aggregate}`,
      target: {
        version: id,
        shape: step.to,
        declared: { ...Object.fromEntries(kept), ...step.declared },
        aggregate,
      },
      carry: (forms) => carried(forms, step),
      // A transform comes when those before are done, or takes their place.
      atWork: (known) => [...(step.up === null ? known : []), ...step.migrations],
      isOptional: false,
      isBack: false,
    });
    if (isDone) this.#before.push({ deployed: before, step });
  }

  #nextAggregate(): Deployed["aggregate"] {
    const { aggregate } = this.#now;
    return aggregate === null || this.#below(3) > 0 ? aggregate : other[aggregate];
  }

  /** Takes the latest deploys back at once. */
  async #goBack(depth: number): Promise<void> {
    const left = this.#before.slice(-depth);
    const [first] = left;
    if (first === undefined) return;
    const backs = left.map(({ step: { back } }) => back).toReversed();
    const isByLuck = backs.includes(null);
    // Documents that no migration has come to may lead back; those that a transform made do not.
    const isTransformed = left.some(({ step: { up } }) => up !== null);
    if (isByLuck && isTransformed) return;
    const isDone = await this.#deploy({
      name: `back over ${left.map(({ deployed }) => deployed.version + 1).join(", ")}`,
      target: { ...first.deployed, version: ++this.#versions },
      carry: (forms) => {
        if (isTransformed) return [backs.reduce((doc, back) => back?.(doc) ?? doc, last(forms))];
        const added = left.reduce((sum, { step }) => sum + step.migrations.length, 0);
        return fitting(forms, first.deployed.shape, added);
      },
      atWork: (known) => known.filter((each) => left.every(({ step }) => !step.migrations.includes(each))),
      isOptional: isByLuck,
      isBack: true,
    });
    if (isDone) this.#before.length -= depth;
  }

  /** Deploys to the end while the writer goes on, through failures and kills. Returns false when it gives up. */
  async #deploy(plan: Plan): Promise<boolean> {
    this.log.push(`deploy ${plan.target.version}: ${plan.name}`);
    // A way back is in code that this process has and one that starts with the older code has not.
    if (!plan.isBack && this.#below(2) === 0) {
      const point = this.#below(2) === 0 ? "before commit" : "after commit";
      this.#disk.crashAtCommit(1 + this.#below(30), point);
    }
    for (let attempt = 0; ; attempt++) {
      assert(attempt < patience, "a deploy comes to its end");
      try {
        if (!this.#isInPlace(plan)) await this.#deployOnce(plan);
        await this.#compare();
        if (plan.isBack || this.#below(2) === 0) await this.#settle();
        break;
      } catch (error) {
        if (isCrash(error)) await this.#reopen(plan);
        else if (!isRefusal(error)) throw error;
        else if (!(await this.#surviving(plan, () => this.#refused(plan, error, attempt)))) return false;
      }
    }
    // A kill that was planned for later than the deploy took.
    this.#disk.crashAtCommit(Infinity, "before commit");
    await this.#compare();
    return true;
  }

  /** Makes sure that a refused deploy has changed nothing, and mends its reason. Returns false when it is given up. */
  async #refused(plan: Plan, error: { code: string; message: string }, attempt: number): Promise<boolean> {
    const isBroken = this.#broken.some(({ size }) => size > 0);
    const isMigrating = this.#atWork.length > 0;
    this.log.push(`refused: ${error.code}`);
    assert.notEqual(error.code, "DESTRUCTIVE_CHANGE", error.message);
    assert(
      isBroken || isMigrating || plan.isOptional || attempt > 0,
      `refused without a reason: ${error.message}`,
    );
    await this.#compare();
    if (plan.isOptional) return false;
    await this.#settle();
    return true;
  }

  #isInPlace({ target }: Plan): boolean {
    return this.#now.version === target.version;
  }

  async #deployOnce(plan: Plan): Promise<void> {
    const program = await programOf(versionOf(plan.target));
    let isOver = false;
    const deploying = this.#app.activate(program).finally(() => {
      isOver = true;
    });
    deploying.catch(() => {});
    try {
      while (!isOver) {
        await this.#write(plan);
        await setTimeout(this.#below(3));
      }
    } finally {
      await deploying.catch(() => {});
    }
    await deploying;
    this.#arrive(plan);
  }

  /** Writes on until nothing goes on behind the deploys; mends what keeps it from its end. */
  async #settle(): Promise<void> {
    for (const broken of this.#broken) broken.clear();
    for (let round = 0; ; round++) {
      assert(round < patience, "what goes on behind a deploy comes to its end");
      const { transforms, pending } = await this.#app.schemaChanges();
      const isDone = transforms.length + pending.length === 0 && (await this.#areMigrationsDone());
      if (isDone) break;
      // Migrations that failed are tried again by the next deploy.
      if (round % 20 === 10) await this.#app.activate(await programOf(versionOf(this.#now)));
      if (round < 20) await this.#write();
      await setTimeout(5);
    }
    this.#atWork = [];
    this.#model = new Map([...this.#model].map(([n, forms]) => [n, [last(forms)]]));
  }

  async #areMigrationsDone(): Promise<boolean> {
    const names = Object.keys(this.#now.declared).filter((name) => name.startsWith("m"));
    const statuses = (await call(this.#app, "writer:statuses", {
      names: names.map((name) => `migrations:${name}`),
    })) as { isDone: boolean }[];
    return statuses.every(({ isDone }) => isDone);
  }

  /** The model takes the step, once. */
  #arrive(plan: Plan): void {
    if (this.#isInPlace(plan)) return;
    this.#model = new Map([...this.#model].map(([n, forms]) => [n, plan.carry(forms)]));
    this.#now = plan.target;
    this.#atWork = plan.atWork(this.#atWork);
  }

  /** One write by the code that runs, which says which it is. */
  async #write(plan: Plan | null = null): Promise<void> {
    const write = { n: this.#below(identities), number: this.#below(5) === 0 ? null : this.#below(1000) };
    let version: unknown;
    try {
      version = await call(this.#app, "writer:write", { ...write });
    } catch (error) {
      if (isCrash(error)) this.#unanswered = write;
      throw error;
    }
    if (plan !== null && version === plan.target.version) this.#arrive(plan);
    assert.equal(version, this.#now.version, "the version that runs");
    this.#apply(write);
  }

  #apply({ n, number }: Write): void {
    if (number === null) this.#model.delete(n);
    else this.#model.set(n, [documentOf(this.#now.shape, n, number)]);
    this.#items.write(n, number);
  }

  /** Runs something that a kill may come into. */
  async #surviving(plan: Plan, run: () => Promise<boolean>): Promise<boolean> {
    try {
      return await run();
    } catch (error) {
      if (!isCrash(error)) throw error;
      await this.#reopen(plan);
      return true;
    }
  }

  /** After a kill, with the new code, or with the old where the new is refused; an unanswered write may have happened or not. */
  async #reopen(plan: Plan): Promise<void> {
    this.log.push("killed");
    await this.#app.close().catch(() => {});
    try {
      await this.#open(plan.target);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.log.push(`not opened: ${error.code}`);
      assert(!this.#isInPlace(plan), `what is in place is opened again: ${error.message}`);
      await this.#open(this.#now);
    }
    const old = this.#now.shape;
    if ((await call(this.#app, "writer:version")) === plan.target.version) this.#arrive(plan);
    const unanswered = this.#unanswered;
    this.#unanswered = null;
    if (unanswered === null) return;
    const { n, number } = unanswered;
    const stored = (await this.#read()).documents.find((doc) => doc["n"] === n);
    const known = this.#model.get(n);
    const possible: (Forms | undefined)[] = [known];
    if (number === null) possible.push(undefined);
    else {
      possible.push([documentOf(this.#now.shape, n, number)]);
      if (old !== this.#now.shape) possible.push(plan.carry([documentOf(old, n, number)]));
    }
    const found = possible.findIndex((forms) =>
      stored === undefined ? forms === undefined : forms?.some((form) => isSame(form, stored)) === true,
    );
    assert(found >= 0, `document ${n} is none of what it may be: ${JSON.stringify([stored, possible])}`);
    this.#items.learn(n, number, await readItems(this.#app));
    const forms = possible[found];
    if (forms === undefined) this.#model.delete(n);
    else this.#model.set(n, forms);
  }

  async #kill(): Promise<void> {
    this.#disk.crash();
    await this.#app.close().catch(() => {});
    await this.#open(this.#now);
  }

  async #open(deployed: Deployed): Promise<void> {
    const { schema, migrations: declared = {}, components = {}, modules = {} } = versionOf(deployed);
    const all = Object.entries({ migrations: declared, ...modules });
    this.#app = await openBackend({
      storage: this.#disk.open,
      schema,
      modules: Object.fromEntries(all.map(([path, module]) => [`./convex/${path}.ts`, { ...module }])),
      components: { migrations: component, ...components },
      log: "silent",
    });
  }

  /** Holds the data to the model: every document is of a form that it may have, and every index has it. */
  async #compare(): Promise<void> {
    const { documents, indexes } = await this.#read();
    assert.deepEqual(
      documents.map((doc) => doc["n"]),
      [...this.#model.keys()].toSorted((a, b) => a - b),
      "the documents that there are",
    );
    this.#items.compare(await readItems(this.#app));
    for (const doc of documents) {
      const forms = this.#model.get(Number(doc["n"])) ?? [];
      const isKnown = forms.some((form) => isSame(form, doc));
      assert(isKnown, `${JSON.stringify(doc)} is none of ${JSON.stringify(forms)}`);
    }
    for (const [field, entries] of indexes) {
      // A field that a document does not have yet comes first.
      const values = entries.map((doc) => doc[field] ?? -Infinity);
      assert.deepEqual(values, values.toSorted(ascending), `the order of index by_${field}`);
      assert.deepEqual(entries.toSorted(byIdentity), documents, `index by_${field}`);
    }
  }

  /** Everything as of one moment. */
  async #read(): Promise<{ documents: Fields[]; indexes: [field: string, entries: Fields[]][] }> {
    const { table, indexed } = this.#now.shape;
    const { value } = await this.#app.database.query(async (tx) => {
      const reader = tx.component("");
      const scan = { type: "FullTableScan", tableName: table, order: "asc" } as const;
      const all = await reader.stream({ source: scan, operators: [] }).take(1000);
      const indexes: [string, Fields[]][] = [];
      for (const field of indexed) {
        const source = {
          type: "IndexRange",
          indexName: `${table}.by_${field}`,
          range: [],
          order: "asc",
        } as const;
        const entries = await reader.stream({ source, operators: [] }).take(1000);
        indexes.push([field, fieldsOf(entries) as Fields[]]);
      }
      return { documents: (fieldsOf(all) as Fields[]).toSorted(byIdentity), indexes };
    });
    return value;
  }

  #below(limit: number): number {
    return Math.floor(this.#draw() * limit);
  }
}

function byIdentity(a: Fields, b: Fields): number {
  return Number(a["n"]) - Number(b["n"]);
}

function ascending(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  return Number(a) - Number(b);
}
