/** Runs arbitrary histories on the database and on the model, comparing every answer. */
import { getDocumentSize } from "convex/values";
import { expect } from "vitest";
import type {
  Database,
  DatabaseReader,
  DatabaseWriter,
  Document,
  MutationTransaction,
  Query,
} from "../../src/database/index.js";
import { tableIndexes, type HistoryStep, type HistoryTransaction } from "../arbitraries/database.js";
import { compareBy, DatabaseModel } from "./model.js";

class Undone extends Error {}

/** A model that knows the indexes of the histories. */
export function historyModel(): DatabaseModel {
  const indexes = Object.entries(tableIndexes).flatMap(([table, own]) =>
    Object.entries(own).map(([name, fields]) => [`${table}.${name}`, fields] as const),
  );
  return new DatabaseModel(new Map(indexes));
}

/** Creates the indexes of the histories and waits until they are built. */
export async function createIndexes(database: Database): Promise<void> {
  await database.mutate(async (tx) => {
    for (const [table, indexes] of Object.entries(tableIndexes)) {
      const definitions = Object.entries(indexes).map(([indexDescriptor, fields]) => ({
        indexDescriptor,
        fields,
      }));
      await tx.ensureTable("", table, definitions);
    }
  });
  await database.background.whenIdle();
}

/** Runs the transactions; every answer must be the model's, and so must the state after each. */
export async function runHistory(
  database: Database,
  model: DatabaseModel,
  transactions: readonly HistoryTransaction[],
  compare: (database: Database, model: DatabaseModel) => Promise<void> = compareAll,
): Promise<void> {
  for (const { steps, fails } of transactions) {
    const undo = model.save();
    const running = database.mutate(async (tx) => {
      // It may be another attempt, after a conflict.
      undo();
      for (const step of steps) await runStep(tx, model, step);
      if (fails) throw new Undone();
    });
    if (fails) {
      await expect(running).rejects.toThrow(Undone);
      undo();
    } else {
      await running;
    }
    await compare(database, model);
  }
}

/** Compares everything where documents are in their stored shape, by which their sizes are counted. */
export async function compareAllAndSizes(database: Database, model: DatabaseModel): Promise<void> {
  await compareAll(database, model);
  await database.query(async (tx) => {
    for (const table of Object.keys(tableIndexes)) {
      const documents = model.documents(table);
      const sizeBytes = documents.map(sizeOf).reduce((sum, size) => sum + size, 0);
      expect(await tx.component("").counts(table)).toEqual({ documents: documents.length, sizeBytes });
    }
  });
}

/** Every document by every index, and the counts. */
export async function compareAll(database: Database, model: DatabaseModel): Promise<void> {
  await database.query(async (tx) => {
    const reader = tx.component("");
    for (const [table, indexes] of Object.entries(tableIndexes)) {
      for (const name of [...Object.keys(indexes), "by_id", "by_creation_time"]) {
        await compareQuery(reader, model, {
          source: { type: "IndexRange", indexName: `${table}.${name}`, range: [], order: "asc" },
          operators: [],
        });
      }
      const documents = model.documents(table);
      expect(await reader.count(table)).toBe(documents.length);
      for (const document of documents) expect(await reader.get(document._id)).toEqual(document);
    }
  });
}

/** Convex's size of a document; fields that are undefined are not stored. */
function sizeOf(document: Document): number {
  const fields = Object.entries(document).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return getDocumentSize(Object.fromEntries(fields));
}

async function runStep(tx: MutationTransaction, model: DatabaseModel, step: HistoryStep): Promise<void> {
  const writer = tx.component("");
  switch (step.type) {
    case "insert": {
      const id = await writer.insert(step.table, step.fields);
      const inserted = await writer.get(id, step.table);
      const expected = present({ ...step.fields, _id: id, _creationTime: inserted?._creationTime ?? 0 });
      expect(inserted).toEqual(expected);
      model.insert(step.table, expected);
      return;
    }
    case "patch":
    case "replace":
      await runChange(writer, model, step);
      return;
    case "insertMany":
      for (let at = 0; at < step.count; at++) {
        await runStep(tx, model, { type: "insert", table: step.table, fields: { a: at % 3, b: at } });
      }
      return;
    case "backAndForth": {
      const target = pick(model, step.table, step.which);
      if (target === undefined) return;
      const { _id: id } = target;
      const values = [step.a, target["a"], ...(step.staysAway ? [step.a] : [])];
      for (const a of values) await writer.patch(id, { a });
      model.set(step.table, id, present({ ...target, a: values.at(-1) }));
      return;
    }
    case "revive": {
      const target = pick(model, step.table, step.which);
      if (target === undefined) return;
      const { _id: id } = target;
      const creationTime = target._creationTime + step.laterMs;
      await writer.delete(id, step.table);
      await writer.insert(step.table, step.fields, { id, creationTime });
      model.set(step.table, id, present({ ...step.fields, _id: id, _creationTime: creationTime }));
      return;
    }
    case "delete": {
      const target = pick(model, step.table, step.which);
      if (target === undefined) return;
      await writer.delete(target._id, step.table);
      model.set(step.table, target._id, null);
      return;
    }
    case "get": {
      const target = pick(model, step.table, step.which);
      if (target !== undefined) expect(await writer.get(target._id)).toEqual(target);
      return;
    }
    case "query":
      await compareQuery(writer, model, step.query);
      return;
    case "ids":
      await compareQuery(writer, model, idRange(model, step));
      return;
    case "pages":
      await comparePages(writer, model, step);
      return;
    case "iterate":
      await iterate(tx, model, step);
      return;
    case "nested":
      await runNested(tx, model, step);
  }
}

async function runChange(
  writer: DatabaseWriter,
  model: DatabaseModel,
  step: Extract<HistoryStep, { type: "patch" | "replace" }>,
): Promise<void> {
  const target = pick(model, step.table, step.which);
  if (target === undefined) return;
  await writer[step.type](target._id, step.fields);
  const { _id, _creationTime } = target;
  const kept = step.type === "patch" ? target : {};
  model.set(step.table, _id, present({ ...kept, ...step.fields, _id, _creationTime }));
}

async function runNested(
  tx: MutationTransaction,
  model: DatabaseModel,
  step: Extract<HistoryStep, { type: "nested" }>,
): Promise<void> {
  const undo = model.save();
  const running = tx.nested(async () => {
    for (const inner of step.steps) await runStep(tx, model, inner);
    if (step.fails) throw new Undone();
  });
  if (!step.fails) return await running;
  await expect(running).rejects.toThrow(Undone);
  undo();
}

async function compareQuery(reader: DatabaseReader, model: DatabaseModel, query: Query): Promise<void> {
  expect(await reader.stream(query).take(Infinity)).toEqual(model.run(query));
  const stream = reader.stream(query);
  expect(await stream.next()).toEqual(model.run(query)[0] ?? null);
  stream.close();
}

/** Pages of the sizes in turn; limits apply to each page on its own, so they are left out here. */
async function comparePages(
  reader: DatabaseReader,
  model: DatabaseModel,
  step: Extract<HistoryStep, { type: "pages" }>,
): Promise<void> {
  const query = { ...step.query, operators: step.query.operators.filter((one) => "filter" in one) };
  const found: Document[] = [];
  let cursor: string | null = null;
  for (let at = 0; ; at++) {
    const numItems = step.sizes[at % step.sizes.length] ?? 1;
    const from: string | null = cursor;
    const { maximumRowsRead } = step;
    const page = await reader.page(query, { cursor: from, numItems, maximumRowsRead });
    expect(page.page.length).toBeLessThanOrEqual(numItems);
    const endCursor = page.continueCursor;
    const again = await reader.page(query, { cursor: from, numItems: 1, endCursor });
    expect(again.page).toEqual(page.page);
    expect(again.continueCursor).toBe(endCursor);
    found.push(...page.page);
    cursor = page.continueCursor;
    if (page.isDone) break;
    expect(page.page.length === numItems || page.pageStatus === "SplitRequired").toBe(true);
  }
  expect(found).toEqual(model.run(query));
}

/**
 * Writes between the steps of a stream: each step yields the first document after the last one, as things
 * are at that moment.
 */
async function iterate(
  tx: MutationTransaction,
  model: DatabaseModel,
  step: Extract<HistoryStep, { type: "iterate" }>,
): Promise<void> {
  const query = { ...step.query, operators: [] };
  const { source } = query;
  const [table = "", index = "by_creation_time"] =
    source.type === "IndexRange" ? source.indexName.split(".") : [source.tableName];
  const fields = model.fields(table, index);
  const direction = source.order === "desc" ? -1 : 1;
  const stream = tx.component("").stream(query);
  let last: Document | undefined;
  for (let at = 0; at < 8; at++) {
    const previous = last;
    const expected = model
      .range(query)
      .find((one) => previous === undefined || compareBy(fields, one, previous) * direction > 0);
    expect(await stream.next()).toEqual(expected ?? null);
    if (expected === undefined) break;
    last = expected;
    const write = step.between[at];
    if (write !== undefined) await runStep(tx, model, write);
  }
  stream.close();
}

function idRange(model: DatabaseModel, step: Extract<HistoryStep, { type: "ids" }>): Query {
  const other = step.table === "left" ? "right" : "left";
  const bound = (which: number): string | number =>
    which % 5 === 0
      ? which
      : ((which % 5 === 1 ? pick(model, other, which) : pick(model, step.table, which))?._id ?? "j57").slice(
          0,
          which % 5 === 2 ? 10 : undefined,
        );
  return {
    source: {
      type: "IndexRange",
      indexName: `${step.table}.by_id`,
      range: [
        { type: step.from % 2 === 0 ? "Gt" : "Gte", fieldPath: "_id", value: bound(step.from) },
        { type: step.to % 2 === 0 ? "Lt" : "Lte", fieldPath: "_id", value: bound(step.to) },
      ],
      order: step.order,
    },
    operators: [],
  };
}

function pick(model: DatabaseModel, table: string, which: number): Document | undefined {
  const documents = model.documents(table);
  return documents[which % Math.max(1, documents.length)];
}

function present(fields: Record<string, unknown>): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as Document;
}
