import { expect, test } from "vitest";
import { isIgnored, withIgnored } from "./ignored.js";

test.each([
  [".env.local", true],
  ["/.env.local\r", true],
  ["*.local", true],
  [".env*", true],
  ["# .env.local", false],
  [".env", false],
  ["xenv.local", false],
  ["*.local\n!.env.local", false],
  ["!.env.local\n.env.*", true],
  ["", false],
])("%j keeps .env.local out: %s", (text, expected) => {
  expect(isIgnored(text, ".env.local")).toBe(expected);
});

test("what is missing goes to the end, in lines that end like the others", () => {
  expect(withIgnored("dist", ["node_modules", ".env.local"])).toBe("dist\nnode_modules\n.env.local\n");
  expect(withIgnored("node_modules/\r\n", ["node_modules", ".env.local"])).toBe(
    "node_modules/\r\n.env.local\r\n",
  );
  expect(withIgnored("node_modules\n.env*", ["node_modules", ".env.local"])).toBe("node_modules\n.env*");
});
