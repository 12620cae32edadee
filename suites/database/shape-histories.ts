/** Runs lives of tables whose documents change shape on the database and on the model, comparing every answer. */
import { getConvexSize } from "convex/values";
import { expect } from "vitest";
import {
  Database,
  type DatabaseOptions,
  type Document,
  type Query,
  type TransformDefinition,
  type TransformFunction,
} from "../../src/database/index.js";
import { isTrueupError } from "../../src/errors/index.js";
import type { SchemaJson } from "../../src/schema/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { tableIndexes, type HistoryTransaction } from "../arbitraries/database.js";
import { reversibleTransforms, type Activation, type ShapeStep } from "../arbitraries/transforms.js";
import { compareAll, historyModel, runHistory } from "./histories.js";
import type { DatabaseModel } from "./model.js";
import { indexRange } from "../setup/open-database.js";

/** The tables of the histories with their indexes; documents may be anything. */
export const historySchema: SchemaJson = {
  schemaValidation: true,
  tables: Object.entries(tableIndexes).map(([tableName, indexes]) => ({
    tableName,
    indexes: Object.entries(indexes).map(([indexDescriptor, fields]) => ({ indexDescriptor, fields })),
    stagedDbIndexes: [],
    searchIndexes: [],
    stagedSearchIndexes: [],
    vectorIndexes: [],
    stagedVectorIndexes: [],
    documentType: { type: "any" },
  })),
};

interface Begun {
  readonly name: string;
  readonly shape: number;
}

/** A change of shape that may or may not have come into force when the process was killed. */
interface InDoubt {
  readonly table: string;
  readonly definition: TransformDefinition;
  readonly shape: number;
}

export class ShapeHistory {
  readonly model: DatabaseModel = historyModel();
  readonly #open: OpenStorage;
  readonly #options: DatabaseOptions;
  /** Transforms in force by table, without those that were taken back. */
  readonly #begun = new Map<string, Begun[]>();
  #database: Database;
  #inDoubt: InDoubt | null = null;
  #undo: (() => void) | null = null;

  private constructor(open: OpenStorage, options: DatabaseOptions, database: Database) {
    this.#open = open;
    this.#options = options;
    this.#database = database;
  }

  static async begin(open: OpenStorage, options: DatabaseOptions = {}): Promise<ShapeHistory> {
    const history = new ShapeHistory(open, options, await openLoaded(open, options));
    await history.#database.mutate((tx) => tx.applySchema("", historySchema));
    return history;
  }

  get database(): Database {
    return this.#database;
  }

  /** Runs a step; the state after it must be the model's. */
  async run(step: ShapeStep): Promise<void> {
    switch (step.type) {
      case "history":
        return await this.#transact(step.transactions);
      case "transform": {
        const definition = { name: step.name, origin: "up", hasDown: true };
        return await this.#activate(step.table, definition, step.activation);
      }
      case "rollback": {
        const last = this.#begun.get(step.table)?.at(-1);
        if (last === undefined) return;
        const definition = { name: last.name, origin: "down", hasDown: true, undoes: last.shape };
        return await this.#activate(step.table, definition, step.activation);
      }
      case "background":
        await backgroundCommits(this.#database, step.commits);
        return await compareAll(this.#database, this.model);
      case "reopen":
        await this.#database.close();
        await this.recover();
    }
  }

  /** Opens the storage anew, after the process that had it open has ended, and finds out what came of its last step. */
  async recover(): Promise<void> {
    this.#database = await openLoaded(this.#open, this.#options);
    await this.#database.background.whenBuilt();
    if (this.#inDoubt !== null) {
      const { table, definition, shape } = this.#inDoubt;
      if ((await this.#shapeOf(table)) === shape) this.#follow(table, definition, shape);
      this.#inDoubt = null;
    }
    try {
      await compareAll(this.#database, this.model);
    } catch (error) {
      if (this.#undo === null || isKilled(error)) throw error;
      this.#undo();
      await compareAll(this.#database, this.model);
    }
    this.#undo = null;
  }

  /** Waits for the background: then nothing but the documents as they read is left. */
  async settle(): Promise<void> {
    await this.#database.background.whenIdle();
    const { value: left } = await this.#database.query((tx) => tx.transforms());
    agree(
      left.filter(({ state }) => state === "lagging"),
      [],
    );
    await compareAll(this.#database, this.model);
    for (const table of Object.keys(tableIndexes)) {
      const { value: counts } = await this.#database.query((tx) => tx.component("").counts(table));
      const sizes = this.model.documents(table).map((document) => getConvexSize(document));
      agree(
        counts.sizeBytes,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
    await this.#database.close();
  }

  async #transact(transactions: readonly HistoryTransaction[]): Promise<void> {
    for (const transaction of transactions) {
      this.#undo = this.model.save();
      await runHistory(this.#database, this.model, [transaction]);
      this.#undo = null;
    }
  }

  async #activate(table: string, definition: TransformDefinition, activation: Activation): Promise<void> {
    const shape = (await this.#shapeOf(table)) + 1;
    if (activation.isPrepared) {
      const through = { [table]: [definition] };
      await this.#database.mutate((tx) => tx.prepareIndexes("", historySchema, { through }));
      await this.#transact(activation.meanwhile);
      if (activation.isBuilt) await this.#database.background.whenBuilt();
    }
    const isBuiltAhead = activation.isPrepared && activation.isBuilt;
    const ahead = isBuiltAhead ? await readAhead(this.#database, table) : [];
    this.#inDoubt = { table, definition, shape };
    const { value: isReady } = await this.#database.mutate(async (tx) => {
      agree(tx.beginTransform("", table, definition), shape);
      const { indexesAdded, indexesKept } = await tx.applySchema("", historySchema);
      return [...indexesAdded, ...indexesKept].every(({ needsBackfill }) => !needsBackfill);
    });
    this.#inDoubt = null;
    this.#follow(table, definition, shape);
    if (isBuiltAhead) agree(isReady, true);
    for (const { query, documents } of ahead) agree(documents, this.model.run(query));
    await this.#database.background.whenBuilt();
    await compareAll(this.#database, this.model);
  }

  #follow(table: string, definition: TransformDefinition, shape: number): void {
    const begun = this.#begun.get(table) ?? [];
    if (definition.undoes === undefined) begun.push({ name: definition.name, shape });
    else begun.pop();
    this.#begun.set(table, begun);
    const run = functionOf(definition);
    for (const document of [...this.model.documents(table)]) {
      const fields = Object.entries(run(structuredClone(document)));
      const present = fields.filter(([, field]) => field !== undefined);
      this.model.set(table, document._id, Object.fromEntries(present) as Document);
    }
  }

  async #shapeOf(table: string): Promise<number> {
    return (await this.#database.query(async (tx) => tx.tableShape("", table))).value;
  }
}

function agree(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

/** Whether an error says that the process was killed. */
export function isKilled(error: unknown): boolean {
  return isTrueupError(error) && error.code === "STORAGE_CLOSED";
}

function functionOf({ name, origin }: { name: string; origin: string }): TransformFunction {
  const transform = reversibleTransforms[name];
  if (transform === undefined) throw new Error(`no transform ${name}`);
  return origin === "up" ? transform.up : transform.down;
}

async function openLoaded(open: OpenStorage, options: DatabaseOptions): Promise<Database> {
  const database = await Database.open(await open(), options);
  database.setTransforms(functionOf);
  return database;
}

/** Reads a table by every index as it will be once the prepared transform is in force. */
async function readAhead(
  database: Database,
  table: string,
): Promise<{ query: Query; documents: readonly Document[] }[]> {
  const queries = Object.keys(tableIndexes[table] ?? {}).map((name) => indexRange(`${table}.${name}`));
  const { value } = await database.query(async (tx) => {
    const reader = tx.prepared("");
    return await Promise.all(
      queries.map(async (query) => ({ query, documents: await reader.stream(query).take(Infinity) })),
    );
  });
  return value;
}

/** Resolves after so many commits, or when there is nothing left to do. */
async function backgroundCommits(database: Database, commits: number): Promise<void> {
  let left = commits;
  let stop = (): void => {};
  const committed = new Promise<void>((resolve) => {
    stop = database.onCommit(() => {
      if (--left === 0) resolve();
    });
  });
  await Promise.race([committed, database.background.whenIdle()]);
  stop();
}
