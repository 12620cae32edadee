import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import { loadDriver } from "../driver/load-driver.js";
import { openLog } from "./commit-log.js";

const inFolder = temporaryFolder();

test("it counts the frames of the log, anew when the log begins anew, and flushes either way", async () => {
  const file = inFolder("a.sqlite");
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  connection.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; CREATE TABLE a (b)");
  const log = openLog(file);
  for (let count = 0; count < 5; count++) connection.exec("INSERT INTO a VALUES (1)");
  expect(statSync(`${file}-wal`).size).toBe(32 + log.frames * (24 + 8192));
  expect(log.frames).toBeGreaterThan(4);
  log.flushNow();
  await log.flush();
  connection.exec("PRAGMA wal_checkpoint(PASSIVE); INSERT INTO a VALUES (1)");
  expect(log.frames).toBe(1);
  connection.close();
  log.close();
  expect(() => log.flushNow()).toThrow("EBADF");
  await expect(log.flush()).rejects.toThrow("EBADF");
});

test("there is none of a file that nobody has open", () => {
  expect(() => openLog(inFolder("none.sqlite"))).toThrow("ENOENT");
});
