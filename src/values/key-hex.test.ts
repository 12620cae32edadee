import { expect, test } from "vitest";
import { keyFromHex, keyToHex } from "./key-hex.js";

test("a key is a byte for a char", () => {
  expect(keyToHex("\u0003\u00ffk")).toBe("03ff6b");
  expect(keyFromHex("03ff6b")).toBe("\u0003\u00ffk");
});

test("a key with a char that damage made is not taken for a sound one", () => {
  const damaged = "\u0003\u01c5Q";
  expect(keyToHex(damaged)).not.toBe(keyToHex("\u0003\u00c5Q"));
  expect(keyFromHex(keyToHex(damaged))).toBe(damaged);
});
