import { expect, test } from "vitest";
import { encodeKey, parseValue, stringifyValue } from "../values/index.js";
import { isEmpty, plainWrites, stampedWrites, stampLength, stampOf, sumOf } from "./commit-request.js";

test("a stamp puts the timestamp where the value of an int64 stands, in keys and in values", () => {
  const timestamp = stampOf(1_796_046_381_925_123, 7);
  const key = encodeKey(["name", 2n ** 40n, "more"]);
  const value = stringifyValue({ at: 2n ** 40n, name: "Ann" });
  const [write] = stampedWrites(
    {
      writes: [[key, value]],
      stamps: [
        { write: 0, part: "key", offset: encodeKey(["name"]).length + 1 },
        { write: 0, part: "value", offset: value.indexOf('"$integer":"') + '"$integer":"'.length },
      ],
    },
    () => timestamp,
  );
  expect(write?.[0]).toBe(encodeKey(["name", timestamp, "more"]));
  expect(parseValue(write?.[1] ?? "")).toEqual({ at: timestamp, name: "Ann" });
  expect(stampLength({ part: "key" })).toBe(8);
  expect(stampLength({ part: "value" })).toBe(stringifyValue(1n).length - '{"$integer":""}'.length);
});

test("a stamp of a delete stands in its key only, and one of no write is a mistake", () => {
  const stamp = { write: 0, part: "value", offset: 0 } as const;
  expect(stampedWrites({ writes: [["a", undefined]], stamps: [stamp] }, () => 1n)).toEqual([
    ["a", undefined],
  ]);
  expect(() => stampedWrites({ writes: [], stamps: [stamp] }, () => 1n)).toThrow(RangeError);
});

test("adds are summed number by number, and what is absent counts as zeros", () => {
  expect(sumOf("3,120", [1, 40])).toBe("4,160");
  expect(sumOf(undefined, [1, -40])).toBe("1,-40");
  expect(plainWrites([["a", "1"]], [["n", [2]]], () => "5")).toEqual([
    ["a", "1"],
    ["n", "7"],
  ]);
});

test("a request that only adds is not empty", () => {
  expect(isEmpty({ writes: [] })).toBe(true);
  expect(isEmpty({ writes: [], adds: [["n", [1]]] })).toBe(false);
});
