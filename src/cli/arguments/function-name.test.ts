import { expect, test } from "vitest";
import type { AppFolder } from "../app/app-folder.js";
import { parseFunctionName } from "./function-name.js";

const app: AppFolder = {
  root: "/nowhere",
  functionsFolder: "convex",
  dataFolder: "/nowhere/.trueup",
  dataFile: "/nowhere/.trueup/data.sqlite",
  codeFolder: "/nowhere/.trueup/code",
};

test.each([
  ["messages:list", "messages:list"],
  ["dir/messages:list", "dir/messages:list"],
  ["messages", "messages:default"],
  ["api.dir.messages.list", "dir/messages:list"],
  ["internal.messages.list", "messages:list"],
  ["convex/dir/messages.ts:list", "dir/messages:list"],
  ["convex/messages", "messages:default"],
])("%s names %s", (name, path) => {
  expect(parseFunctionName(app, name)).toBe(path);
});

test("a name without a module or an export is refused", () => {
  for (const name of ["api.list", ":list", "messages:", ""]) {
    expect(() => parseFunctionName(app, name)).toThrow(expect.objectContaining({ code: "INVALID_USAGE" }));
  }
});
