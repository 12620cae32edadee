/** What a survey of a data file meets, on a connection whose rows and unreadable pages the test decides on. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { put, readAll } from "../../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import type { SqliteConnection, SqliteValue } from "../driver/driver.js";
import { loadDriver } from "../driver/load-driver.js";
import { sqlite } from "../index.js";
import { rebuildSqlite } from "./rebuild.js";
import { seal } from "./seal.js";
import { checkPages, damageOf, survey, type SurveyedRow } from "./survey.js";

const inFolder = temporaryFolder();

const keyOf = (index: number): string => `k${String(index).padStart(5, "0")}`;

/** A table of keys, of which some rows lie on a page that cannot be read. */
function tableOf(keys: readonly string[], isUnreadable: (index: number) => boolean = () => false) {
  const prepareColumn = <Value extends SqliteValue>(sql: string) => {
    const isUp = sql.includes("ASC");
    const isPast = sql.includes("AND key");
    const isRow = sql.includes("key || value");
    return (...parameters: SqliteValue[]): Value[] => {
      const last = isPast ? String(parameters[0]) : null;
      const indexes = isUp ? [...keys.keys()] : [...keys.keys()].toReversed();
      const wanted = indexes
        .filter((index) => last === null || (isUp ? (keys[index] ?? "") > last : (keys[index] ?? "") < last))
        .slice(0, Number(parameters.at(-1)));
      if (wanted.some(isUnreadable)) throw new Error("malformed");
      return wanted.map((index) => {
        const key = keys[index] ?? "";
        return (isRow ? key + seal(key, String(index)) : key) as Value;
      });
    };
  };
  return { prepareColumn } as unknown as SqliteConnection;
}

/** The batches by their first and last keys, gaps by their reasons. */
function surveyOf(connection: SqliteConnection): unknown[] {
  return [...survey(connection)].map((found) =>
    "reason" in found ? found.reason : [found.length, found[0]?.key, found.at(-1)?.key],
  );
}

const many = Array.from({ length: 5500 }, (_, index) => keyOf(index));

test.each([0, 1, 999, 1000, 1001, 2000])(
  "a survey meets each of %d rows once, a thousand at a time",
  (count) => {
    const batches = [...survey(tableOf(many.slice(0, count)))] as SurveyedRow[][];
    expect(batches.flat().map(({ key }) => key)).toEqual(many.slice(0, count));
    expect(batches.flat().every(({ isWhole }) => isWhole)).toBe(true);
    expect(batches.length).toBe(Math.ceil(count / 1000));
  },
);

test("a survey comes to what cannot be read from both ends, and says why", () => {
  expect(surveyOf(tableOf(many, (index) => index === 2500))).toEqual([
    [1000, keyOf(0), keyOf(999)],
    [1000, keyOf(1000), keyOf(1999)],
    "malformed",
    [1000, keyOf(5499), keyOf(4500)],
    [1000, keyOf(4499), keyOf(3500)],
  ]);
});

test("a survey meets no row twice where only a few cannot be read", () => {
  const found = surveyOf(tableOf(many.slice(0, 1500), (index) => index === 1499));
  expect(found).toEqual([[1000, keyOf(0), keyOf(999)], "malformed"]);
  let reads = 0;
  // The first look at the second batch fails, a later one does not.
  const passing = surveyOf(tableOf(many.slice(0, 2500), (index) => index === 1000 && reads++ === 0));
  expect(passing).toEqual([
    [1000, keyOf(0), keyOf(999)],
    "malformed",
    [1000, keyOf(2499), keyOf(1500)],
    [500, keyOf(1499), keyOf(1000)],
  ]);
});

test("nothing that can be read is a gap and no rows", () => {
  expect(surveyOf(tableOf(many, () => true))).toEqual(["malformed"]);
});

test("keys out of order end a survey from either end", () => {
  const loops = {
    prepareColumn:
      () =>
      (...parameters: SqliteValue[]): string[] =>
        parameters.length === 1 ? ["b", "c"] : ["a"],
  } as unknown as SqliteConnection;
  expect(surveyOf(loops)).toEqual([[2, "b", "c"], "keys are out of order", [0, undefined, undefined]]);
  const still = { prepareColumn: () => () => ["a"] } as unknown as SqliteConnection;
  expect(surveyOf(still)).toEqual([[1, "a", "a"], "keys are out of order", [0, undefined, undefined]]);
});

test("a row is whole only with its own seal, and under its own key", () => {
  const rows: readonly (readonly [key: string | null, row: string | null])[] = [
    ["a", `a${seal("a", "1")}`],
    ["b", `b${seal("a", "1")}`],
    ["c", `a${seal("a", "1")}`],
    ["d", null],
    [null, `e${seal("e", "1")}`],
  ];
  const connection = {
    prepareColumn:
      (sql: string) =>
      (...parameters: SqliteValue[]): (string | null)[] =>
        parameters.length > 1 ? [] : rows.map(([key, row]) => (sql.includes("||") ? row : key)),
  } as unknown as SqliteConnection;
  const [batch] = [...survey(connection)] as SurveyedRow[][];
  expect(batch?.map(({ isWhole }) => isWhole)).toEqual([true, false, false, false, false]);
  expect(batch?.map(damageOf)[1]).toEqual({ kind: "entry", key: "62", message: "does not fit its checksum" });
  expect(batch?.map(damageOf)[4]).toMatchObject({ kind: "entry", key: "" });
  expect(damageOf({ reason: "malformed" })).toEqual({ kind: "page", message: "malformed" });
});

test("the check of pages tells what SQLite finds, keys that are no text, and that it cannot be asked", async () => {
  const file = inFolder("pages.sqlite");
  const storage = await sqlite(file)();
  await put(storage, [["a", "1"]]);
  await storage.close();
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  expect(checkPages(connection)).toEqual([]);
  connection.exec("INSERT INTO entries VALUES (x'01', ''), (x'02', '')");
  expect(checkPages(connection)).toEqual([{ kind: "page", message: "2 keys are not text" }]);
  connection.close();
  const answering = (problems: string[]): SqliteConnection =>
    ({ prepareColumn: () => () => problems, prepareValue: () => () => 0 }) as unknown as SqliteConnection;
  expect(checkPages(answering(["ok"]))).toEqual([]);
  expect(checkPages(answering(["page 3 is lost", "page 4 too"]))).toEqual([
    { kind: "page", message: "page 3 is lost" },
    { kind: "page", message: "page 4 too" },
  ]);
  const failing = (thrown: unknown): SqliteConnection =>
    ({
      prepareColumn: () => () => {
        throw thrown;
      },
    }) as unknown as SqliteConnection;
  expect(checkPages(failing(new Error("no such page")))).toEqual([{ kind: "page", message: "no such page" }]);
  expect(checkPages(failing("a text"))).toEqual([{ kind: "page", message: "a text" }]);
});

test("a rebuild carries over what can be read as it is, and keeps the damaged file beside the new one", async () => {
  const file = inFolder("damaged.sqlite");
  const storage = await sqlite(file)();
  const version = await put(
    storage,
    many.slice(0, 3000).map((key) => [key, "value".repeat(10)] as const),
  );
  await expect(rebuildSqlite(file)).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
  await storage.close();
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  connection.exec(`UPDATE entries SET value = 'damaged' WHERE key = '${keyOf(7)}'`);
  connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  connection.close();
  // A page in the middle of the rows.
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.indexOf(keyOf(1500)) / 8192) * 8192;
  writeFileSync(file, Buffer.concat([bytes.subarray(0, at), Buffer.alloc(8192), bytes.subarray(at + 8192)]));
  writeFileSync(`${file}-rebuilt`, "left by a rebuild that was killed");

  const damaged = await sqlite(file)();
  const told: number[] = [];
  const found = await damaged.check?.((count) => told.push(count));
  expect(found?.damages.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["page", "entry"]));
  expect(found?.damages.filter(({ kind }) => kind === "entry")).toHaveLength(1);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(found?.entries);
  await damaged.close();

  const { keptAs, entries } = await rebuildSqlite(file);
  expect(entries).toBe(found?.entries);
  expect(keptAs).toMatch(/damaged\.sqlite-damaged-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/);
  expect(
    readFileSync(keptAs)
      .subarray(at, at + 8192)
      .every((byte) => byte === 0),
  ).toBe(true);
  expect(existsSync(`${file}-rebuilt`)).toBe(false);
  expect(entries).toBeGreaterThan(1000);
  expect(entries).toBeLessThan(3000);

  const rebuilt = await sqlite(file)();
  expect(rebuilt.version).toBe(version);
  const check = await rebuilt.check?.();
  expect(check).toMatchObject({
    entries,
    damages: [{ kind: "entry", message: "does not fit its checksum" }],
  });
  await expect(readAll(rebuilt)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  await rebuilt.close();
  // A second time, with nothing left of the first.
  expect(await rebuildSqlite(file)).toMatchObject({ entries });
});
