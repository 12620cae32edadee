import type { Value } from "convex/values";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import {
  fullScan,
  indexRange,
  mutate,
  openDatabase,
  readAll,
  setSchema,
} from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import type { Query } from "./query.js";

const schema = defineSchema({
  users: defineTable(v.any()).index("by_team_age", ["team", "age"]),
});

/** Users of ages 0 to `count` - 1, in two teams. */
async function openUsers(count: number): Promise<Database> {
  const database = await openDatabase();
  await setSchema(database, schema);
  await mutate(database, async (tx) => {
    for (let age = 0; age < count; age++) {
      await tx.component("").insert("users", { team: age % 2 === 0 ? "even" : "odd", age });
    }
  });
  return database;
}

async function ages(database: Database, query: Query): Promise<(Value | undefined)[]> {
  return (await readAll(database, query)).map((user) => user["age"]);
}

test("a scan longer than a batch yields every document once, in both directions", async () => {
  const database = await openUsers(1500);
  const expected = Array.from({ length: 1500 }, (_, age) => age);
  expect(await ages(database, fullScan("users"))).toEqual(expected);
  expect(await ages(database, fullScan("users", "desc"))).toEqual(expected.toReversed());
  const odd = indexRange("users.by_team_age", ["Eq", "team", "odd"]);
  expect(await ages(database, odd)).toEqual(expected.filter((age) => age % 2 === 1));
  const reversed = { ...odd, source: { ...odd.source, order: "desc" as const } };
  expect(await ages(database, reversed)).toEqual(expected.filter((age) => age % 2 === 1).toReversed());
});

test("the id is the last field of every index: a range goes on exactly after any document", async () => {
  const database = await openUsers(10);
  const all = await readAll(database, fullScan("users"));
  for (const [at, { _id, _creationTime }] of all.entries()) {
    const same = ["Eq", "_creationTime", _creationTime] as const;
    const range = (type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte"): Query =>
      indexRange("users.by_creation_time", same, [type, "_id", _id]);
    expect(await ages(database, range("Eq"))).toEqual([at]);
    expect(await ages(database, range("Gte"))).toEqual([at]);
    expect(await ages(database, range("Lte"))).toEqual([at]);
    expect(await ages(database, range("Gt"))).toEqual([]);
    expect(await ages(database, range("Lt"))).toEqual([]);
    const byTeam = [
      ["Eq", "team", at % 2 === 0 ? "even" : "odd"],
      ["Eq", "age", at],
    ] as const;
    const last = indexRange("users.by_team_age", ...byTeam, same, ["Lte", "_id", _id]);
    expect(await ages(database, last)).toEqual([at]);
  }
});

test("a range of a string has no string that goes on with a zero, and one above it has all of them", async () => {
  const database = await openDatabase();
  await setSchema(database, schema);
  const teams = ["", "\0", "\0a", "a", "a\0", "a\0b", "b"];
  await mutate(database, async (tx) => {
    for (const team of teams) await tx.component("").insert("users", { team, age: 1 });
  });
  const found = async (...bounds: Parameters<typeof indexRange> extends [string, ...infer B] ? B : never) =>
    (await readAll(database, indexRange("users.by_team_age", ...bounds))).map((user) => user["team"]);
  for (const [at, team] of teams.entries()) {
    expect(await found(["Eq", "team", team])).toEqual([team]);
    expect(await found(["Gt", "team", team])).toEqual(teams.slice(at + 1));
    expect(await found(["Lte", "team", team])).toEqual(teams.slice(0, at + 1));
  }
});

test("bounds may come in any order, on the field after the equalities", async () => {
  const database = await openUsers(10);
  const range = indexRange("users.by_team_age", ["Eq", "team", "even"], ["Lt", "age", 8], ["Gte", "age", 2]);
  expect(await ages(database, range)).toEqual([2, 4, 6]);
  const byTime = (await readAll(database, fullScan("users")))[8]?._creationTime;
  const last = indexRange(
    "users.by_team_age",
    ["Eq", "team", "even"],
    ["Eq", "age", 8],
    ["Gte", "_creationTime", byTime],
  );
  expect(await ages(database, last)).toEqual([8]);
  expect(
    await ages(database, indexRange("users.by_creation_time", ["Gte", "_creationTime", byTime])),
  ).toEqual([8, 9]);
});

const refused: [name: string, query: Query, code: string, message: RegExp][] = [
  ["an unknown index", indexRange("users.by_name"), "INDEX_NOT_FOUND", /Index users\.by_name not found/],
  [
    "a field out of order",
    indexRange("users.by_team_age", ["Eq", "age", 1]),
    "INVALID_INDEX_RANGE",
    /\.eq\("age", \.\.\.\) before "team".*\["team","age","_creationTime","_id"\]/,
  ],
  [
    "a field that the index lacks",
    indexRange("users.by_team_age", ["Eq", "name", 1]),
    "INVALID_INDEX_RANGE",
    /no field "name"/,
  ],
  [
    "an equality after a bound",
    indexRange("users.by_team_age", ["Gt", "team", "a"], ["Eq", "team", "b"]),
    "INVALID_INDEX_RANGE",
    /after bounds on "team"/,
  ],
  [
    "bounds on two fields",
    indexRange("users.by_team_age", ["Gt", "team", "a"], ["Lt", "age", 3]),
    "INVALID_INDEX_RANGE",
    /after bounds on "team"/,
  ],
  [
    "two lower bounds",
    indexRange("users.by_team_age", ["Gt", "team", "a"], ["Gte", "team", "b"]),
    "INVALID_INDEX_RANGE",
    /two lower bounds/,
  ],
  [
    "a bound on the id",
    indexRange("users.by_id", ["Eq", "_id", "x"], ["Gt", "_id", "x"]),
    "INVALID_INDEX_RANGE",
    /already compared/,
  ],
  ["an unknown table", fullScan("posts"), "TABLE_NOT_IN_SCHEMA", /no table "posts"/],
  ["a system table", fullScan("_jobs"), "SYSTEM_TABLE", /db\.system/],
];

test.each(refused)("%s is refused", async (_, query, code, message) => {
  const database = await openUsers(1);
  const reading = readAll(database, query);
  await expect(reading).rejects.toMatchObject({ code });
  await expect(reading).rejects.toThrow(message);
});

test("without a schema a table that does not exist is empty, and has no index but the built-in ones", async () => {
  const database = await openDatabase();
  expect(await readAll(database, fullScan("posts"))).toEqual([]);
  expect(await readAll(database, indexRange("posts.by_id"))).toEqual([]);
  await expect(readAll(database, indexRange("posts.by_name"))).rejects.toMatchObject({
    code: "INDEX_NOT_FOUND",
  });
});

test("operators apply in the order they are given", async () => {
  const database = await openUsers(10);
  const isEven = { $eq: [{ $field: "team" }, { $literal: "even" }] } as const;
  const filterFirst = { ...fullScan("users"), operators: [{ filter: isEven }, { limit: 2 }] };
  const limitFirst = { ...fullScan("users"), operators: [{ limit: 2 }, { filter: isEven }] };
  expect(await ages(database, filterFirst)).toEqual([0, 2]);
  expect(await ages(database, limitFirst)).toEqual([0]);
});
