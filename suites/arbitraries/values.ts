/**
 * Arbitraries of every Convex value, leaning towards what breaks orders and encodings: NaN, infinities,
 * -0, int64 at each width's edge, NULs, chars around the surrogates, near-equal strings, empty things.
 * Strings hold no lone surrogates and field names are ones that Convex accepts.
 */
import type { Value } from "convex/values";
import fc from "fast-check";

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/** int64, half of them at most one away from a power of two, where the encoded width changes. */
export const int64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: minInt64, max: maxInt64 }),
  fc.constantFrom(0n, 1n, -1n, minInt64, minInt64 + 1n, maxInt64, maxInt64 - 1n),
  fc
    .tuple(fc.constantFrom(7n, 8n, 15n, 16n, 31n, 32n, 62n), fc.constantFrom(-1n, 0n, 1n), fc.boolean())
    .map(([bits, offset, negative]) => (negative ? -(2n ** bits) : 2n ** bits) + offset),
);

/** float64 of all magnitudes with the special ones overrepresented. */
export const float64: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1,
    -1,
    0.1,
    1e20,
    -1e20,
    1e308,
    5e-324,
    -5e-324,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2 ** 53,
    1_700_000_000_000.5,
  ),
);

const interestingChars = Array.from(
  "\u0000\u0001abz\u007f\u0080\u00ff\u07ff\u0800\ud7ff\ue000\ufffd\uffff\u{10000}\u{1f600}\u{10ffff}",
);

/** Strings without lone surrogates; short ones over few chars, so that common prefixes are common. */
const string: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.constantFrom(...interestingChars), maxLength: 5 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ maxLength: 20 }),
);

export const bytes: fc.Arbitrary<ArrayBuffer> = fc
  .oneof(
    fc.array(fc.constantFrom(0, 1, 0xff), { maxLength: 4 }),
    fc.array(fc.integer({ min: 0, max: 0xff }), { maxLength: 20 }),
  )
  .map((items) => Uint8Array.from(items).buffer);

/** Names that Convex accepts for fields: printable ASCII, not beginning with a dollar sign. */
const fieldName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("a", "b", "ab", "A", "_", "0", "10", "9", ""),
  fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 6,
    })
    .filter((name) => !name.startsWith("$") && name !== "__proto__"),
);

/** Values without parts. */
export const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  int64,
  float64,
  string,
  bytes,
);

/** Every Convex value, nested up to five levels. */
export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value; array: Value; object: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: "value" },
    { weight: 4, arbitrary: scalar },
    tie("array"),
    tie("object"),
  ),
  array: fc.array(tie("value"), { maxLength: 4, depthIdentifier: "value" }),
  object: fc.dictionary(fieldName, tie("value"), {
    maxKeys: 4,
    noNullPrototype: true,
    depthIdentifier: "value",
  }),
})).value;

/** A value, or the undefined of a missing field in an index key. */
export const valueOrUndefined: fc.Arbitrary<Value | undefined> = fc.option(value, {
  nil: undefined,
  freq: 20,
});

/** Plain and nested values as a document's fields. */
export const fields: fc.Arbitrary<Record<string, Value>> = fc.dictionary(fieldName, value, {
  maxKeys: 6,
  noNullPrototype: true,
});
