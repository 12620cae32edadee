import { copyFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { startLogMover } from "./checkpoint-worker.js";
import { loadDriver } from "./driver/load-driver.js";

const inFolder = temporaryFolder();

async function fileWithLog(name: string) {
  const driver = await loadDriver();
  const file = inFolder(name);
  const connection = driver.open(file, { busyTimeoutMs: 0 });
  connection.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE a (b)");
  const insert = connection.prepareRun("INSERT INTO a VALUES (?)");
  return { driver, file, connection, insert };
}

test("it moves all of the log into the data file, and says how much", async () => {
  const { driver, file, connection, insert } = await fileWithLog("moved.sqlite");
  const mover = await startLogMover(driver, file, ["synchronous = NORMAL"]);
  for (let count = 0; count < 10; count++) insert(count);
  const { frames, moved } = await mover.move();
  expect(frames).toBeGreaterThan(10);
  expect(moved).toBe(frames);
  const copy = inFolder("copy.sqlite");
  copyFileSync(file, copy);
  const copied = driver.open(copy, { busyTimeoutMs: 0 });
  expect(copied.prepareValue("SELECT count(*) FROM a")()).toBe(10);
  copied.close();
  await mover.close();
  connection.close();
});

test("it moves no more than the oldest snapshot allows", async () => {
  const { driver, file, connection, insert } = await fileWithLog("held.sqlite");
  const mover = await startLogMover(driver, file, []);
  const reader = driver.open(file, { busyTimeoutMs: 0 });
  insert(1);
  reader.exec("BEGIN");
  reader.prepareValue("SELECT count(*) FROM a")();
  for (let count = 0; count < 5; count++) insert(count);
  const { frames, moved } = await mover.move();
  expect(frames - moved).toBe(5);
  reader.exec("END");
  expect(await mover.move()).toEqual({ frames, moved: frames });
  reader.close();
  await mover.close();
  connection.close();
});

test("closing it neither moves the log nor takes the locks of others", async () => {
  const { driver, file, connection, insert } = await fileWithLog("closed.sqlite");
  const mover = await startLogMover(driver, file, []);
  connection.exec("BEGIN");
  insert(1);
  await mover.close();
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  const other = driver.open(file, { busyTimeoutMs: 0 });
  expect(() => other.exec("BEGIN IMMEDIATE")).toThrow("locked");
  other.close();
  connection.exec("COMMIT");
  connection.close();
});

test("where the library or the file cannot be opened there is no thread", async () => {
  const { driver, file, connection } = await fileWithLog("none.sqlite");
  await expect(startLogMover({ ...driver, moduleName: "no-such-library" }, file, [])).rejects.toThrow(
    "no-such-library",
  );
  await expect(startLogMover(driver, inFolder("none/none.sqlite"), [])).rejects.toThrow(
    /directory does not exist|unable to open/,
  );
  connection.close();
});

test("what SQLite throws is told, and not to be tried again unless the disk is full", async () => {
  const { driver, file, connection } = await fileWithLog("failing.sqlite");
  // Nothing can be moved within a transaction.
  const mover = await startLogMover(driver, file, ["user_version; BEGIN; SELECT * FROM a"]);
  await expect(mover.move()).rejects.toMatchObject({
    message: expect.stringContaining("locked"),
    isFinal: true,
  });
  await mover.close();
  connection.close();
});
