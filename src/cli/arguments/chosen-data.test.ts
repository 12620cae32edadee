import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { chosenData, isShared, sharedData, withHiddenStorage, type DataOptions } from "./chosen-data.js";

const inFolder = temporaryFolder();
const address = "postgres://app:se%20cret@db.example.com:5433/main?schema=shop&password=other";
const shown = "postgres://db.example.com:5433/main?schema=shop";
const { title } = process;
afterEach(() => {
  process.title = title;
});

/** The data that a command chooses in a folder that has data. */
function chosen(options: DataOptions, env: NodeJS.ProcessEnv = {}): string {
  const folder = inFolder("app");
  mkdirSync(join(folder, ".trueup"), { recursive: true });
  writeFileSync(join(folder, ".trueup", "data.sqlite"), "");
  const data = chosenData(options, { folder, env });
  return isShared(data) ? data.storage.name : data.dataFile.slice(folder.length + 1);
}

test("the address of a storage, in an option or the environment, takes the place of a folder", () => {
  expect(chosen({})).toBe(".trueup/data.sqlite");
  expect(chosen({ data: "elsewhere" })).toBe("elsewhere/data.sqlite");
  expect(chosen({ storage: address })).toBe(shown);
  expect(chosen({}, { TRUEUP_STORAGE: address })).toBe(shown);
});

test("what is said on the command line goes before the environment, and only one of the options may be", () => {
  expect(chosen({ data: "elsewhere" }, { TRUEUP_STORAGE: address })).toBe("elsewhere/data.sqlite");
  expect(chosen({ storage: address }, { TRUEUP_STORAGE: "postgres://other/db" })).toBe(shown);
  expect(() => chosen({ data: "elsewhere", storage: address })).toThrow("leave one of them out");
});

test("functions do not see the address, and neither does the list of processes once it was read", () => {
  process.env["TRUEUP_STORAGE"] = address;
  sharedData({ storage: address }, { folder: "/", env: {} });
  expect([process.env["TRUEUP_STORAGE"], process.title]).toEqual([undefined, "trueup"]);
});

test.each(["mysql://root:secret@db/app", "app.sqlite", "postgres//:secret"])(
  "what is no address of a Postgres is refused without being repeated: %s",
  (storage) => {
    expect(() => chosen({ storage })).not.toThrow(/secret/);
    expect(() => chosen({ storage })).toThrow("not one of Postgres");
  },
);

test("a child process is told of the address by its environment, however the command line named it", () => {
  const rest = ["start", "--port", "0"];
  const hidden = { args: rest, env: { TRUEUP_STORAGE: address } };
  expect(withHiddenStorage([...rest, "--storage", address])).toEqual(hidden);
  expect(withHiddenStorage(["start", `--storage=${address}`, "--port", "0"])).toEqual(hidden);
  expect(withHiddenStorage(rest)).toEqual({ args: rest, env: {} });
});
