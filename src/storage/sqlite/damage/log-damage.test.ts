import { copyFileSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { put, readAll } from "../../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import { sqlite, type SqliteOptions } from "../index.js";
import { findLogDamage } from "./log-damage.js";

const inFolder = temporaryFolder();
const frameBytes = 24 + 8192;
let files = 0;

/** What a process leaves that is killed after so many commits, the last of two pages: the file, its log and the log's index. */
async function killed(commits: number): Promise<string> {
  const living = inFolder(`${files++}.sqlite`);
  const storage = await sqlite(living)();
  for (let commit = 1; commit < commits; commit++) await put(storage, [[`k${commit}`, "1"]]);
  await put(storage, [["last", "x".repeat(10_000)]]);
  const file = inFolder(`${files++}.sqlite`);
  for (const suffix of ["", "-wal", "-shm"]) copyFileSync(living + suffix, file + suffix);
  await storage.close();
  return file;
}

function frames(file: string): number {
  return (readFileSync(`${file}-wal`).length - 32) / frameBytes;
}

/** Changes one byte of a frame, counted from 0, or from the end when negative. */
function damageFrame(file: string, frame: number, at: number): void {
  flipBit(`${file}-wal`, 32 + ((frame + frames(file)) % frames(file)) * frameBytes + at);
}

/** Changes the byte whatever it was: much of a log is random, so a fixed byte may be the one that stands there. */
function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

/** As if the machine had gone down since: an index of before it, if any, and an old log. */
function goDown(file: string): void {
  rmSync(`${file}-shm`);
  utimesSync(`${file}-wal`, 1, 1);
}

async function keys(file: string, options: SqliteOptions = {}): Promise<string[]> {
  const storage = await sqlite(file, options)();
  try {
    return (await readAll(storage)).map(([key]) => key);
  } finally {
    await storage.close();
  }
}

const corrupt = { code: "STORAGE_CORRUPT", details: { damage: expect.stringContaining("log") } };

test("a killed process's log is taken as it is", async () => {
  expect(await keys(await killed(3))).toEqual(["k1", "k2", "last"]);
});

test.each([
  ["the first frame's page", 0, 500],
  ["a frame's number of pages", 1, 7],
  ["a frame's salt", 1, 9],
  ["a frame's checksum", 2, 17],
  ["the last frame", -1, 6000],
  ["the last frame's salt", -1, 12],
])("%s: a log that lost acknowledged commits is refused and left as it is", async (_what, frame, at) => {
  const file = await killed(4);
  damageFrame(file, frame, at);
  const before = readFileSync(`${file}-wal`);
  await expect(sqlite(file)()).rejects.toMatchObject(corrupt);
  expect(readFileSync(`${file}-wal`).equals(before)).toBe(true);
});

test("the same without the log's index, as long as the frame can be told to be of this log", async () => {
  for (const [frame, at] of [
    [0, 500],
    [1, 9],
    [-1, 6000],
  ] as const) {
    const file = await killed(4);
    rmSync(`${file}-shm`);
    damageFrame(file, frame, at);
    await expect(sqlite(file)()).rejects.toMatchObject(corrupt);
  }
});

test("a log whose header is damaged, or that is cut or gone, is refused", async () => {
  const damages: ((file: string) => void)[] = [
    (file) => flipBit(`${file}-wal`, 20),
    (file) => truncateSync(`${file}-wal`, 32 + frameBytes),
    (file) => truncateSync(`${file}-wal`, 0),
    (file) => rmSync(`${file}-wal`),
  ];
  for (const damage of damages) {
    const file = await killed(4);
    damage(file);
    await expect(sqlite(file)()).rejects.toMatchObject(corrupt);
  }
});

test("who asks for it gets what lies before the damage", async () => {
  const file = await killed(4);
  damageFrame(file, -1, 100);
  expect(await keys(file, { damagedLog: "cut" })).toEqual(["k1", "k2", "k3"]);
});

test("a machine that went down may leave the last transaction incomplete, but no other", async () => {
  const torn = await killed(4);
  damageFrame(torn, -2, 100);
  goDown(torn);
  expect(await keys(torn)).toEqual(["k1", "k2", "k3"]);

  const damaged = await killed(4);
  damageFrame(damaged, 1, 100);
  goDown(damaged);
  await expect(sqlite(damaged)()).rejects.toMatchObject(corrupt);

  // With relaxed durability it may lose any of the last ones.
  expect((await keys(damaged, { durability: "relaxed" })).length).toBeLessThan(4);
});

test.each([9, 13, 17, 21])(
  "a damaged last frame is told by each half of its salt and its checksum: byte %d",
  async (at) => {
    for (const isIndexed of [true, false]) {
      const file = await killed(4);
      if (!isIndexed) rmSync(`${file}-shm`);
      damageFrame(file, -1, at);
      await expect(sqlite(file)()).rejects.toMatchObject(corrupt);
    }
  },
);

const carriedOver: readonly (readonly [
  what: string,
  moved: (frames: number) => number,
  isMissed: boolean,
])[] = [
  ["none", () => 0, true],
  ["all but one", (frames) => frames - 1, true],
  ["all", (frames) => frames, false],
];

test.each(carriedOver)(
  "a log that is gone, or empty, is missed unless all of it was in the data file already: %s",
  async (_what, moved, isMissed) => {
    for (const lose of [rmSync, (log: string) => truncateSync(log, 0)]) {
      const file = await killed(2);
      const index = readFileSync(`${file}-shm`);
      index.writeUInt32LE(moved(index.readUInt32LE(16)), 96);
      writeFileSync(`${file}-shm`, index);
      lose(`${file}-wal`);
      const damage = findLogDamage(file, "full");
      if (isMissed) expect(damage).toContain("is missing");
      else expect(damage).toBeNull();
    }
  },
);

test("an index that cannot be believed says nothing", async () => {
  for (const spoil of [
    (index: Buffer) => index.subarray(0, 100),
    (index: Buffer) => Buffer.alloc(index.length),
    (index: Buffer) => Buffer.concat([index.subarray(0, 50), Buffer.from([0x55]), index.subarray(51)]),
  ]) {
    const file = await killed(3);
    writeFileSync(`${file}-shm`, spoil(readFileSync(`${file}-shm`)));
    expect(findLogDamage(file, "full")).toBeNull();
    rmSync(`${file}-wal`);
    expect(findLogDamage(file, "full")).toBeNull();
  }
});

test("the damage is told by the frame, counted from one, also where the machine has gone down since", async () => {
  for (const [frame, number] of [
    [0, 1],
    [2, 3],
  ] as const) {
    const file = await killed(4);
    damageFrame(file, frame, 500);
    expect(findLogDamage(file, "full")).toContain(`frame ${number} of the log`);
  }
  for (const damage of [(log: string) => truncateSync(log, 10), (log: string) => flipBit(log, 20)]) {
    const file = await killed(3);
    utimesSync(`${file}-wal`, 1, 1);
    expect(findLogDamage(file, "full")).toBeNull();
    damage(`${file}-wal`);
    utimesSync(`${file}-wal`, 1, 1);
    expect(findLogDamage(file, "full")).toContain("header");
  }
});
