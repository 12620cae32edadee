/** Which of the storage's errors each result code of SQLite and each code of the file system becomes. */
import { expect, test } from "vitest";
import { TrueupError } from "../../errors/index.js";
import type { SqliteDriver } from "./driver/driver.js";
import { DamagedEntry } from "./entry-reader.js";
import { fileError, storageError } from "./storage-errors.js";

class Failure extends Error {
  readonly resultCode: number | undefined;

  constructor(resultCode: number | undefined) {
    super("what SQLite says");
    this.resultCode = resultCode;
  }
}

const driver: SqliteDriver = {
  name: "better-sqlite3",
  moduleName: "better-sqlite3",
  open: () => {
    throw new Error("not asked for");
  },
  resultCodeOf: (error) => (error instanceof Failure ? error.resultCode : undefined),
};

/** In a folder of this file system, which is not full. */
const path = import.meta.filename;

test.each([
  [3, "STORAGE_UNAVAILABLE"],
  [5, "STORAGE_LOCKED"],
  [6, "STORAGE_LOCKED"],
  [8, "STORAGE_UNAVAILABLE"],
  [10, "STORAGE_UNAVAILABLE"],
  [11, "STORAGE_CORRUPT"],
  [13, "STORAGE_FULL"],
  [14, "STORAGE_UNAVAILABLE"],
  [26, "STORAGE_CORRUPT"],
])("result code %d is %s, with what SQLite said", (resultCode, code) => {
  const failure = new Failure(resultCode);
  expect(storageError(driver, path, failure)).toMatchObject({
    code,
    details: { path, reason: "what SQLite says" },
    cause: failure,
  });
});

test("where nobody can say how full the disk is, it is not taken for full", () => {
  expect(storageError(driver, "/no/such/folder/file", new Failure(10))).toMatchObject({
    code: "STORAGE_UNAVAILABLE",
  });
});

test("a damaged entry is STORAGE_CORRUPT with its key in hexadecimal", () => {
  const damaged = new DamagedEntry("k\xff");
  expect(storageError(driver, path, damaged)).toMatchObject({
    code: "STORAGE_CORRUPT",
    details: { path, key: "6bff" },
    message: expect.stringContaining("(key 6bff)"),
    cause: damaged,
  });
});

test("defects of this program stay what they are", () => {
  for (const error of [new Failure(1), new Failure(undefined), new TypeError("a defect")]) {
    expect(storageError(driver, path, error)).toBe(error);
  }
  expect(storageError(driver, path, "a text")).toEqual(new Error("a text"));
});

test("what the file system refuses is STORAGE_UNAVAILABLE, or STORAGE_FULL where there is no room", () => {
  const refusal = (code: string): Error => Object.assign(new Error("refused"), { code });
  expect(fileError("f", refusal("ENOSPC"))).toMatchObject({
    code: "STORAGE_FULL",
    details: { path: "f", reason: "refused" },
  });
  expect(fileError("f", refusal("EACCES"))).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  const coded = new TrueupError("STORAGE_LOCKED");
  expect(fileError("f", coded)).toBe(coded);
  const defect = new TypeError("a defect");
  expect(fileError("f", defect)).toBe(defect);
});
