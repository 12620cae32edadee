/**
 * Histories of several databases on one storage, checked by replay: commits have one order, so every acknowledged mutation, run
 * again on a plain model in that order, has to find exactly what it found, and every query what the model holds at its version.
 */
import { isTrueupError } from "../../src/errors/index.js";
import type {
  Database,
  DatabaseReader,
  DatabaseWriter,
  MutationTransaction,
} from "../../src/database/index.js";
import { fullScan, indexRange } from "../setup/open-database.js";

type Row = readonly [id: string, n: number, group: number];

/** One step of a mutation or a query, with what it found. */
interface Step {
  readonly name: "insert" | "bump" | "regroup" | "remove" | "list" | "first" | "count";
  readonly id: string;
  readonly group: number;
  readonly found: unknown;
}

interface Done {
  readonly version: number;
  /** It wrote nothing, so it comes after what was written at its version. */
  readonly isQuery: boolean;
  readonly steps: readonly Step[];
}

const groups = 4;
const writes: ReadonlySet<string> = new Set(["insert", "bump", "regroup", "remove"]);
const noDocument = "no document";

export class SharedHistory {
  readonly #databases: readonly Database[];
  readonly #random: () => number;
  readonly #ids: string[] = [];
  readonly #created = new Map<string, number>();
  readonly done: Done[] = [];
  aborted = 0;

  constructor(databases: readonly Database[], random: () => number) {
    this.#databases = databases;
    this.#random = random;
  }

  /** What is wrong with it; nothing when all of it can be explained by its order. */
  check(): string[] {
    return replay(this.done, (id) => this.#created.get(id) ?? 0);
  }

  /** Each client is one of a process, and does one thing after another. */
  async run(clients: number, stepsEach: number): Promise<void> {
    const running = Array.from({ length: clients }, async (_, client) => {
      const database = this.#databases[client % this.#databases.length];
      if (database === undefined) throw new Error("no database");
      for (let step = 0; step < stepsEach; step++) await this.#doSomething(database);
    });
    await Promise.all(running);
  }

  async #doSomething(database: Database): Promise<void> {
    const chance = this.#random();
    if (chance < 0.04) return await this.#changeCatalog(database);
    if (chance < 0.25) {
      const { value, version } = await database.query((tx) => this.#read(tx.component("")));
      this.done.push({ version, steps: value, isQuery: true });
      return;
    }
    const aborts = this.#random() < 0.1;
    try {
      const { value, version } = await database.mutate(async (tx) => {
        const steps = await this.#change(tx.component(""));
        if (aborts) throw new Error("aborted");
        return steps;
      });
      const isQuery = !value.some(({ name, found }) => writes.has(name) && found !== noDocument);
      this.done.push({ version, steps: value, isQuery });
      for (const { name, found } of value) if (name === "insert") this.#ids.push(String(found));
    } catch (error) {
      // One that met conflicts again and again gives up, and has done nothing.
      if (isTrueupError(error) && error.code !== "STORAGE_CONFLICT") throw error;
      this.aborted += 1;
    }
  }

  /** Adds the index or takes it away, with everything else under way. */
  async #changeCatalog(database: Database): Promise<void> {
    const isAdded = this.#random() < 0.6;
    await database.mutate(async (tx: MutationTransaction) => {
      if (isAdded) await tx.ensureTable("", "t", [{ indexDescriptor: "by_group", fields: ["group"] }]);
      else await tx.applySchema("", null);
    });
  }

  async #read(reader: DatabaseReader): Promise<Step[]> {
    const steps: Step[] = [];
    for (let count = 1 + this.#pick(3); count > 0; count--) {
      const name = (["list", "first", "count", "list"] as const)[this.#pick(4)] ?? "list";
      const group = this.#pick(groups);
      steps.push({ name, id: "", group, found: await findBy(reader, name, group) });
    }
    return steps;
  }

  async #change(writer: DatabaseWriter): Promise<Step[]> {
    const steps = this.#random() < 0.5 ? await this.#read(writer) : [];
    for (let count = 1 + this.#pick(3); count > 0; count--) steps.push(await this.#write(writer));
    return steps;
  }

  async #write(writer: DatabaseWriter): Promise<Step> {
    const group = this.#pick(groups);
    const id = this.#ids[this.#random() < 0.7 ? this.#pick(6) : this.#pick(this.#ids.length)];
    const name = (["insert", "bump", "bump", "regroup", "remove"] as const)[this.#pick(5)];
    if (name === undefined || name === "insert" || id === undefined || this.#random() < 0.1) {
      const inserted = await writer.insert("t", { n: 0, group });
      this.#created.set(inserted, Number((await writer.get(inserted))?.["_creationTime"]));
      return { name: "insert", id: inserted, group, found: inserted };
    }
    return { name, id, group, found: await writeTo(writer, name, id, group) };
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

async function writeTo(
  writer: DatabaseWriter,
  name: "bump" | "regroup" | "remove",
  id: string,
  group: number,
): Promise<unknown> {
  try {
    if (name === "remove") await writer.delete(id);
    else if (name === "regroup") await writer.patch(id, { group });
    else {
      const n = Number((await writer.get(id))?.["n"] ?? NaN);
      await writer.patch(id, { n: n + 1 });
      return n;
    }
    return "done";
  } catch (error) {
    if (isTrueupError(error) && error.code === "DOCUMENT_NOT_FOUND") return noDocument;
    throw error;
  }
}

async function findBy(reader: DatabaseReader, name: string, group: number): Promise<unknown> {
  if (name === "count") return await reader.count("t");
  const rows = await rowsOf(reader, group, name === "first" ? 1 : Infinity);
  return rows;
}

/** By the index where it may be queried. */
async function rowsOf(reader: DatabaseReader, group: number, take: number): Promise<Row[]> {
  const rowOf = (document: Readonly<Record<string, unknown>>): Row => [
    String(document["_id"]),
    Number(document["n"]),
    Number(document["group"]),
  ];
  try {
    const found = await reader.stream(indexRange("t.by_group", ["Eq", "group", group])).take(take);
    return found.map(rowOf);
  } catch (error) {
    const isMissing = isTrueupError(error) && error.code.startsWith("INDEX_NOT_");
    if (!isMissing) throw error;
    const all = (await reader.stream(fullScan("t")).take(Infinity)).map(rowOf);
    return all.filter((row) => row[2] === group).slice(0, take);
  }
}

function replay(done: readonly Done[], orderOf: (id: string) => number): string[] {
  const rows = new Map<string, { n: number; group: number }>();
  const wrong: string[] = [];
  const inOrder = done.toSorted((a, b) => a.version - b.version || Number(a.isQuery) - Number(b.isQuery));
  for (const { version, steps } of inOrder) {
    for (const step of steps) {
      const expected = JSON.stringify(apply(rows, step, orderOf));
      const found = JSON.stringify(step.found);
      if (expected === found) continue;
      wrong.push(`${version}: ${step.name} ${step.id} ${step.group} found ${found}, not ${expected}`);
    }
  }
  return wrong;
}

function apply(
  rows: Map<string, { n: number; group: number }>,
  { name, id, group }: Step,
  orderOf: (id: string) => number,
): unknown {
  const row = rows.get(id);
  switch (name) {
    case "insert":
      rows.set(id, { n: 0, group });
      return id;
    case "count":
      return rows.size;
    case "list":
    case "first": {
      const found = [...rows]
        .filter(([, one]) => one.group === group)
        .map(([at, one]): Row => [at, one.n, one.group]);
      found.sort(([a], [b]) => orderOf(a) - orderOf(b) || (a < b ? -1 : 1));
      return name === "first" ? found.slice(0, 1) : found;
    }
    case "remove":
      return rows.delete(id) ? "done" : noDocument;
    case "regroup":
      if (row === undefined) return noDocument;
      row.group = group;
      return "done";
    case "bump":
      if (row === undefined) return noDocument;
      row.n += 1;
      return row.n - 1;
    default:
      return undefined;
  }
}
