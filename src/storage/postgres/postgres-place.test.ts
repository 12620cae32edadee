import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { newPostgresUrl, query, schemaOf } from "../../../suites/setup/postgres.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { allByteKeys, put, readAll } from "../../../suites/storage/storage-calls.js";
import { moveData, undoMove } from "../../transfer/index.js";
import { sqlite, sqlitePlace } from "../sqlite/index.js";
import type { Entry } from "../storage.js";
import { postgres, postgresPlace } from "./index.js";

const inFolder = temporaryFolder();
let files = 0;

const alike = "k".repeat(2_600);
const all: Entry[] = [
  ...allByteKeys().map((key): Entry => [key, `value \u0000 of ${key} 🦩`]),
  ...["b", "a", "c", "\u0000", "\u00ff"].map((end): Entry => [alike + end, `long ${end}`]),
  ["large", "x".repeat(300_000)],
];
const sorted = all.toSorted(([one], [other]) => (one < other ? -1 : 1));

async function fileWith(entries: readonly Entry[]): Promise<string> {
  const file = inFolder(`${files++}.sqlite`);
  const storage = await sqlite(file)();
  await put(storage, entries);
  await storage.close();
  return file;
}

async function hasSchema(url: string): Promise<boolean> {
  const [row] = await query(url, "SELECT to_regnamespace($1) IS NOT NULL AS is_there", [schemaOf(url)]);
  return row?.["is_there"] === true;
}

test("a file moves to Postgres and back: every key and value, and versions go on above", async () => {
  const from = await fileWith(all);
  const url = await newPostgresUrl();
  const there = await moveData(sqlitePlace(from), postgresPlace(url));
  expect(there.entries).toBe(all.length);
  const storage = await postgres(url)();
  expect(storage.version).toBe(there.version);
  expect(await readAll(storage)).toEqual(sorted);
  const version = await put(storage, [["more", "1"]]);
  expect(version).toBeGreaterThan(there.version);
  await storage.close();
  const to = inFolder("back.sqlite");
  const back = await moveData(postgresPlace(url), sqlitePlace(to));
  expect([back.version, back.entries]).toEqual([version, all.length + 1]);
  const file = await sqlite(to)();
  expect(await readAll(file)).toEqual(
    [...sorted, ["more", "1"] satisfies Entry].toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
  await file.close();
  await expect(postgres(url)()).rejects.toMatchObject({ code: "STORAGE_MOVED", details: { to } });
});

test("a schema with data is not written over, and one that was moved away refuses who has it open", async () => {
  const [one, other] = [await newPostgresUrl(), await newPostgresUrl()];
  for (const url of [one, other]) {
    const storage = await postgres(url)();
    await put(storage, [["a", url]]);
    await storage.close();
  }
  await expect(moveData(postgresPlace(one), postgresPlace(other))).rejects.toMatchObject({
    code: "STORAGE_NOT_EMPTY",
  });
  const open = await postgres(one)();
  const to = inFolder("moved.sqlite");
  await moveData(postgresPlace(one), sqlitePlace(to));
  await expect(put(open, [["a", "late"]])).rejects.toMatchObject({ code: "STORAGE_MOVED" });
  await open.close();
  await undoMove(postgresPlace(one), sqlitePlace(to));
  expect(existsSync(to)).toBe(false);
  const again = await postgres(one)();
  expect(await readAll(again)).toEqual([["a", one]]);
  await again.close();
});

test("a move that breaks off leaves no schema, one that is undone neither", async () => {
  const from = await fileWith([["a", "1"]]);
  const url = await newPostgresUrl();
  const fill = await postgresPlace(url).fill(7);
  await fill.add([["a", "1"]]);
  await fill.abandon();
  expect(await hasSchema(url)).toBe(false);
  await moveData(sqlitePlace(from), postgresPlace(url));
  expect(await hasSchema(url)).toBe(true);
  await undoMove(sqlitePlace(from), postgresPlace(url));
  expect(await hasSchema(url)).toBe(false);
  const storage = await sqlite(from)();
  expect(await readAll(storage)).toEqual([["a", "1"]]);
  await storage.close();
});
