import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, mutate, openDatabase } from "../../suites/setup/open-database.js";
import { parseSchema } from "../schema/index.js";
import {
  nearestVectors,
  SearchedDocuments,
  searchIndexOf,
  vectorIndexOf,
  type SearchCondition,
} from "./index.js";

const schema = parseSchema(
  defineSchema({
    docs: defineTable({ body: v.string(), at: v.object({ lang: v.string() }), vector: v.array(v.number()) })
      .searchIndex("body", { searchField: "body", filterFields: ["at.lang"] })
      .vectorIndex("near", { vectorField: "vector", dimensions: 2, filterFields: ["at.lang"] }),
  }),
);

const database = await openDatabase();
await mutate(database, async (tx) => {
  await tx.applySchema("", schema);
});
await mutate(database, async (tx) => {
  const docs: readonly [string, string, number[]][] = [
    ["a red fox", "en", [1, 0]],
    ["the quick red foxes", "en", [0, 1]],
    ["ein roter Fuchs", "de", [-1, 0]],
  ];
  for (const [body, lang, vector] of docs) {
    await tx.component("").insert("docs", { body, at: { lang }, vector });
  }
});

async function search(...conditions: SearchCondition[]): Promise<unknown[]> {
  const { value } = await database.query(async (tx) => {
    const reader = tx.component("");
    const table = {
      stream: reader.stream.bind(reader),
      take: (stream: ReturnType<typeof reader.stream>, count: number) => stream.take(count),
    };
    const found = new SearchedDocuments(table, searchIndexOf(schema, "docs", "body"), conditions);
    return await found.take(found.stream(fullScan("docs")), Infinity);
  });
  return value.map(({ body }) => body);
}

test("documents that have more of the words come first, in any case and by the beginnings of words", async () => {
  expect(await search({ type: "Search", fieldPath: "body", text: "QUICK fox" })).toEqual([
    "the quick red foxes",
    "a red fox",
  ]);
});

test("a field that the index filters by must equal the value", async () => {
  const german: SearchCondition = { type: "Eq", fieldPath: "at.lang", value: "de" };
  expect(await search({ type: "Search", fieldPath: "body", text: "fuchs fox" }, german)).toEqual([
    "ein roter Fuchs",
  ]);
  await expect(search(german)).rejects.toThrow("exactly one search filter");
  await expect(search({ type: "Search", fieldPath: "at.lang", text: "en" })).rejects.toThrow(
    "no search field",
  );
});

test("the vectors that point most nearly the same way come first, with the cosine as their score", async () => {
  const { value } = await database.query((tx) =>
    nearestVectors(tx.component(""), "docs", vectorIndexOf(schema, "docs", "near"), {
      vector: [2, 0],
      filter: (q) => q.or(q.eq("at.lang", "de"), q.eq("body", "a red fox")),
    }),
  );
  expect(value.map(({ _score }) => _score)).toEqual([1, -1]);
});

test("an index that the schema does not have is refused by name", () => {
  expect(() => searchIndexOf(schema, "docs", "nope")).toThrow("no search index 'nope'");
  expect(() => vectorIndexOf(null, "docs", "near")).toThrow("no vector index 'near'");
});
