import { expect, test } from "vitest";
import { parseFunctionName } from "./function-name.js";

test.each([
  ["messages:list", "messages:list"],
  ["dir/messages:list", "dir/messages:list"],
  ["messages", "messages:default"],
  ["api.dir.messages.list", "dir/messages:list"],
  ["internal.messages.list", "messages:list"],
  ["convex/dir/messages.ts:list", "dir/messages:list"],
  ["convex/messages", "messages:default"],
])("%s names %s", (name, path) => {
  expect(parseFunctionName("/nowhere", name)).toBe(path);
});

test("a name without a module or an export is refused", () => {
  for (const name of ["api.list", ":list", "messages:", ""]) {
    expect(() => parseFunctionName("/nowhere", name)).toThrow(
      expect.objectContaining({ code: "INVALID_USAGE" }),
    );
  }
});
