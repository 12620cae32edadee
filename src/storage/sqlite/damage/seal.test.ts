/** Seals as files hold them: a vector never changes, because a file that an earlier version wrote must be read for ever. */
import { expect, test } from "vitest";
import { seal, unseal, unsealRow } from "./seal.js";

const vectors: readonly (readonly [key: string, value: string, sealChars: string])[] = [
  ["", "", "0000000000"],
  ["a", "", "1000k_@cD1"],
  ["", "1", "0000Q?RDU2"],
  ["key", "value", "3000;FUef1"],
  ["\x02\0\x01users\xff", '{"name":"Ann"}', "9000:ePWg2"],
  ["k", "0123456789abcde", "10005c::S0"],
  ["k", "0123456789abcdef", "1000XK[XU1"],
  ["k", "0123456789abcdefg", "1000^VZh20"],
  ["k", "é中😀".repeat(9), "1000kgng21"],
  ["k".repeat(5000), "x".repeat(40), "8>10fE]BM0"],
  ["k", "y".repeat(70_000), "1000LKYD:2"],
];

test.each(vectors)("the seal of an entry never changes: key %j", (key, value, sealChars) => {
  expect(seal(key, value)).toBe(value + sealChars);
  expect(unseal(key, value + sealChars)).toBe(value);
  expect(unsealRow(key + value + sealChars)).toEqual([key, value]);
});

test("the length of a key stands before its checksum, the lowest six bits first", () => {
  const lengthOf = (key: string): string => seal(key, "").slice(0, 4);
  expect(lengthOf("")).toBe("0000");
  expect(lengthOf("k".repeat(63))).toBe("o000");
  expect(lengthOf("k".repeat(64))).toBe("0100");
  expect(lengthOf("k".repeat(4096))).toBe("0010");
  expect(lengthOf("k".repeat(2 ** 18))).toBe("0001");
});

test("what is shorter than a seal, or than the key that it names, is damaged", () => {
  const sealed = seal("key", "");
  for (let length = 0; length < sealed.length; length++) {
    expect(unseal("key", sealed.slice(length))).toBe(length === 0 ? "" : undefined);
    expect(unsealRow(sealed.slice(length))).toBeUndefined();
  }
  expect(unsealRow(`ke${sealed}`)).toBeUndefined();
  expect(unsealRow(`key${sealed}`)).toEqual(["key", ""]);
  expect(unsealRow("")).toBeUndefined();
  // Chars below those of a seal would give the key a length below zero.
  expect(unsealRow(`value${"\0".repeat(4)}000000`)).toBeUndefined();
});

test("a value of another length, with the same bytes and zeros behind them, has another seal", () => {
  const seals = ["", "\0", "\0\0", "\0".repeat(15), "\0".repeat(16), "\0".repeat(17)].map((value) =>
    seal("k", value).slice(value.length),
  );
  expect(new Set(seals).size).toBe(seals.length);
});

test("what an entry before left behind in memory does not count", () => {
  const alone = seal("k", "short");
  seal("k", "\x7f".repeat(100));
  expect(seal("k", "short")).toBe(alone);
  seal("k", "\x7f".repeat(200_000));
  expect(seal("k", "short")).toBe(alone);
});
