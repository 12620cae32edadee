/**
 * The bytes that are on users' disks. Keys, ids and texts were written by earlier versions and are compared with those
 * of this one, so none of these vectors may ever change: where a test here fails, the format has changed, not the test.
 */
import type { Value } from "convex/values";
import { expect, test } from "vitest";
import { decodeKey, decodeId, encodeId, encodeKey, parseValue, stringifyValue } from "./index.js";

const bytes = (...items: number[]): ArrayBuffer => Uint8Array.from(items).buffer;
const float = (value: string): string => `0d${value}`;

/** A value and the key that it is stored under, in hexadecimal: both edges of every width, and each kind. */
const keys: readonly (readonly [Value | undefined, string])[] = [
  [undefined, "01"],
  [null, "03"],
  [-(2n ** 63n), "048000000000000000"],
  [-(2n ** 63n) + 1n, "048000000000000001"],
  [-(2n ** 32n) - 1n, "04fffffffeffffffff"],
  [-(2n ** 32n), "04ffffffff00000000"],
  [-(2n ** 31n) - 1n, "04ffffffff7fffffff"],
  [-(2n ** 31n), "0580000000"],
  [-(2n ** 24n), "05ff000000"],
  [-65537n, "05fffeffff"],
  [-65536n, "05ffff0000"],
  [-32769n, "05ffff7fff"],
  [-32768n, "068000"],
  [-32767n, "068001"],
  [-257n, "06feff"],
  [-256n, "06ff00"],
  [-129n, "06ff7f"],
  [-128n, "0780"],
  [-127n, "0781"],
  [-1n, "07ff"],
  [0n, "08"],
  [1n, "0901"],
  [126n, "097e"],
  [127n, "097f"],
  [128n, "0a0080"],
  [255n, "0a00ff"],
  [256n, "0a0100"],
  [32766n, "0a7ffe"],
  [32767n, "0a7fff"],
  [32768n, "0b00008000"],
  [65535n, "0b0000ffff"],
  [65536n, "0b00010000"],
  [2n ** 31n - 2n, "0b7ffffffe"],
  [2n ** 31n - 1n, "0b7fffffff"],
  [2n ** 31n, "0c0000000080000000"],
  [2n ** 32n, "0c0000000100000000"],
  [0x0123456789abcdefn, "0c0123456789abcdef"],
  [2n ** 63n - 1n, "0c7fffffffffffffff"],
  [-Infinity, float("000fffffffffffff")],
  [-Number.MAX_VALUE, float("0010000000000000")],
  [-1.5, float("4007ffffffffffff")],
  [-0.1, float("4046666666666665")],
  [-5e-324, float("7ffffffffffffffe")],
  [-0, float("7fffffffffffffff")],
  [0, float("8000000000000000")],
  [5e-324, float("8000000000000001")],
  [2.2250738585072014e-308, float("8010000000000000")],
  [0.1, float("bfb999999999999a")],
  [1, float("bff0000000000000")],
  [2 ** 53, float("c340000000000000")],
  [0.3, float("bfd3333333333333")],
  [Number.MAX_VALUE, float("ffefffffffffffff")],
  [Infinity, float("fff0000000000000")],
  [NaN, float("fff8000000000000")],
  [false, "0e"],
  [true, "0f"],
  ["", "1000"],
  ["\0", "1000ff00"],
  ["a\0b", "106100ff6200"],
  ["\u0001\u007f", "10017f00"],
  ["\u0080\u07ff", "10c280dfbf00"],
  ["\u0800\ud7ff\ue000\uffff", "10e0a080ed9fbfee8080efbfbf00"],
  ["\u{10000}\u{10ffff}", "10f0908080f48fbfbf00"],
  ["\ud800x", "10eda0807800"],
  ["x\udfff", "1078edbfbf00"],
  [bytes(), "1100"],
  [bytes(0, 1, 0xff), "1100ff01ff00"],
  [[], "1200"],
  [[[], [null]], "121200120300" + "00"],
  [["a", 1n, false], "1210610009010e00"],
  [{}, "1500"],
  [{ "": {} }, "1500ff150000"],
  [{ b: [1n], a: "\0" }, "1561001000ff006200120901" + "0000"],
  [{ B: null, a: null, _: null }, "15420003" + "5f0003" + "61000300"],
];

test.each(keys.map(([item, hex]) => ({ item, hex })))(
  "the key $hex stays what it is, both ways",
  ({ item, hex }) => {
    expect(Buffer.from(encodeKey([item]), "latin1").toString("hex")).toBe(hex);
    expect(decodeKey(Buffer.from(hex, "hex").toString("latin1"))).toStrictEqual([item]);
  },
);

test("the fields of a tuple follow each other without anything between them", () => {
  const tuple = encodeKey([null, "a", 1n, undefined]);
  expect(Buffer.from(tuple, "latin1").toString("hex")).toBe("0310610009" + "0101");
});

/** A value and the text that it is stored as. */
const texts: readonly (readonly [Value, string])[] = [
  [null, "null"],
  [true, "true"],
  [false, "false"],
  [0, "0"],
  [-1.5, "-1.5"],
  [1e21, "1e+21"],
  [1e-7, "1e-7"],
  [Number.MAX_VALUE, "1.7976931348623157e+308"],
  [-0, '{"$float":"AAAAAAAAAIA="}'],
  [Infinity, '{"$float":"AAAAAAAA8H8="}'],
  [-Infinity, '{"$float":"AAAAAAAA8P8="}'],
  [NaN, '{"$float":"AAAAAAAA+H8="}'],
  [0n, '{"$integer":"AAAAAAAAAAA="}'],
  [-1n, '{"$integer":"//////////8="}'],
  [-32768n, '{"$integer":"AID///////8="}'],
  [32768n, '{"$integer":"AIAAAAAAAAA="}'],
  [2n ** 63n - 1n, '{"$integer":"/////////38="}'],
  [-(2n ** 63n), '{"$integer":"AAAAAAAAAIA="}'],
  ["", '""'],
  ["é😀", '"é😀"'],
  ['"\\\n\0\u001f\u007f', String.raw`"\"\\\n\u0000\u001f` + '\u007f"'],
  ["\ud800", String.raw`"\ud800"`],
  [bytes(), '{"$bytes":""}'],
  [bytes(0, 255), '{"$bytes":"AP8="}'],
  [[], "[]"],
  [[1, [2n], "a"], '[1,[{"$integer":"AgAAAAAAAAA="}],"a"]'],
  [{}, "{}"],
  [{ b: {}, a: [null], "": 1 }, '{"":1,"a":[null],"b":{}}'],
  [{ _id: "x", "a b": -0 }, '{"_id":"x","a b":{"$float":"AAAAAAAAAIA="}}'],
];

test.each(texts.map(([item, text]) => ({ item, text })))(
  "the text $text stays what it is, both ways",
  ({ item, text }) => {
    expect(stringifyValue(item)).toBe(text);
    expect(parseValue(text)).toStrictEqual(item);
  },
);

const inner = String.fromCharCode(...Array.from({ length: 16 }, (_, index) => index * 17));

/** A table's number and the id of the document `00 11 22 … ff` in it: both edges of every width. */
const ids: readonly (readonly [number, string])[] = [
  [1, "040128hk8hapcxw8k6nbqk6xxvzzje8"],
  [127, "fw0128hk8hapcxw8k6nbqk6xxvzqf5r"],
  [128, "g00g04926d25askqh2ctneycvqqfyy9s"],
  [10001, "j57004926d25askqh2ctneycvqqfznw8"],
  [16383, "zxzg04926d25askqh2ctneycvqqfyxm5"],
  [16384, "g200200h48sm8nb6ey49kanvskeyxzzsq4"],
  [2097151, "zzzqy00h48sm8nb6ey49kanvskeyxzvne8"],
  [2097152, "g208008024h36h2ncsvrh6daqf6dvvqzf6wg"],
  [268435455, "zzzzyzr024h36h2ncsvrh6daqf6dvvqzehf0"],
  [268435456, "g2081001008j4ct4ank7f24snaxwsqfezzwkj"],
  [4294967295, "zzzzzzrf008j4ct4ank7f24snaxwsqfezw1xj"],
];

test.each(ids)("the ids of table %d stay the same for ever", (tableNumber, id) => {
  expect(encodeId(tableNumber, inner)).toBe(id);
  expect(decodeId(id)).toEqual({ tableNumber, internalId: inner });
});
