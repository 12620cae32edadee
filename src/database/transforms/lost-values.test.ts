/** What counts as lost of one document, asked of `lossesOf` itself. */
import type { Value } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Document, Fields } from "../documents/document.js";
import { prepareDocument } from "../documents/prepare-document.js";
import { applyTransform } from "./apply-transform.js";
import { lossesOf, type Losses } from "./lost-values.js";
import type { TransformFunction } from "./types.js";

function lossesIn(fields: Fields, run: TransformFunction): Losses {
  const before = prepareDocument(fields, "an id", 1, 0);
  return lossesOf(run, before, applyTransform(run, before, 1));
}

const lostIn = (fields: Fields, run: TransformFunction): string[] =>
  lossesIn(fields, run).lost.map(({ path }) => path);

const bytes = new Uint8Array([1, 2]).buffer;

describe("a value that is found under another name, put there without being asked for", () => {
  test.each([1.5, -0.5, 2, -2, 1e12, "ab", 0n, 5n, bytes])(
    "is taken for the same when it tells itself apart: %s",
    (value) => {
      expect(lostIn({ a: value }, () => ({ c: value }))).toEqual([]);
    },
  );

  test.each([0, 1, -1, "", "a", true, false, null])(
    "may be there by chance when many are like it: %s",
    (value) => {
      expect(lostIn({ a: value }, () => ({ c: value }))).toEqual(["a"]);
    },
  );

  test("makes up for as many as there are of it", () => {
    expect(lostIn({ a: "same", b: "same" }, ({ a }) => ({ c: a as Value }))).toEqual(["b"]);
    expect(lostIn({ a: "same", b: "same" }, ({ b }) => ({ c: b as Value }))).toEqual(["a"]);
    expect(lostIn({ a: "same", b: "same" }, () => ({ c: "same" }))).toEqual(["a", "b"]);
    expect(lostIn({ a: "same", b: "same" }, () => ({ c: "same", d: "same" }))).toEqual([]);
    expect(lostIn({ a: "same", b: "same" }, () => ({ b: "same" }))).toEqual(["a"]);
    expect(lostIn({ l: [1, 0, 1] }, () => ({ l: [0, 1, 1] }))).toEqual([]);
    expect(lostIn({ l: [1, 0, 1] }, () => ({ l: [0, 1] }))).toEqual(["l[]"]);
  });
});

describe("a value that does not stay is used when another one in its place makes another document", () => {
  const only =
    (other: unknown): TransformFunction =>
    (document) => ({ isIt: document["a"] === other });

  test.each([
    [5, 6],
    [5, -6],
    [5, 1e12],
    [5, -1e12],
    [5, undefined],
    [true, false],
    [false, true],
    [true, undefined],
    [0n, 1n],
    [5n, 4n],
    [5n, undefined],
    ["text", "text~"],
    ["text", ""],
    ["text", undefined],
    [null, "~"],
    [null, undefined],
    [bytes, "~"],
  ])("%s, of which a transform asks whether it is %s", (value, other) => {
    expect(lossesIn({ a: value }, only(other))).toEqual({ lost: [], used: ["a"] });
  });

  test.each([5, true, 5n, "text", null])(
    "%s, of which it asks something else, is lost, and said to be named",
    (value) => {
      expect(lossesIn({ a: value }, only("something else"))).toEqual({
        lost: [{ path: "a", value, isNamed: true }],
        used: [],
      });
    },
  );

  test("or none at all", () => {
    const run: TransformFunction = ({ a }) => {
      if (a !== 5) throw new Error("no other");
      return {};
    };
    expect(lossesIn({ a: 5 }, run)).toEqual({ lost: [], used: ["a"] });
  });

  test("also within objects and arrays", () => {
    const run: TransformFunction = (document) => {
      const { o, l } = document as unknown as { o: { p: { q?: string } }; l: (number | null)[] };
      return { has: "q" in o.p, nulls: l.filter((item) => item === null).length };
    };
    expect(lossesIn({ o: { p: { q: "x" } }, l: [7, 8] }, run)).toEqual({
      lost: [],
      used: ["l[]", "l[]", "o.p.q"],
    });
  });

  test("or when it is asked for by name and something stands in its place", () => {
    const run: TransformFunction = ({ a, ...rest }) => ({ ...rest, a: a === "never" ? 1 : 2 });
    expect(lossesIn({ a: "text" }, run)).toEqual({ lost: [], used: ["a"] });
    expect(lossesIn({ a: "text" }, () => ({ a: 2 })).lost).toEqual([
      { path: "a", value: "text", isNamed: false },
    ]);
  });

  test("a transform that does otherwise when it is looked at is taken to have asked for nothing", () => {
    let runs = 0;
    const run: TransformFunction = ({ a }) => ({ a: a === "never" ? 0 : ++runs });
    const fails: TransformFunction = ({ a }) => {
      if (runs++ > 1) throw new Error("not again");
      return { a: a === "never" ? 0 : 2 };
    };
    const before = prepareDocument({ a: "text" }, "an id", 1, 0);
    const after = prepareDocument({ a: 1 }, "an id", 1, 1);
    runs = 5;
    expect(lossesOf(run, before, after).used).toEqual(["a"]);
    runs = 2;
    expect(lossesOf(fails, before, after).used).toEqual(["a"]);
  });
});

describe("what is lost is told by its path", () => {
  test("of the outermost object or array of which nothing is left, with the first of its values", () => {
    const fields = { o: { p: { q: "x1", r: "x2" }, s: "x3" }, l: [{ t: "x4" }, { t: "x5" }] };
    const none: TransformFunction = () => ({});
    expect(lossesIn(fields, none).lost).toEqual([
      { path: "l", value: "x4", isNamed: false },
      { path: "o", value: "x1", isNamed: false },
    ]);
    const some: TransformFunction = () => ({ o: { s: "x3" }, l: [{ u: "x4" }] });
    expect(lostIn(fields, some)).toEqual(["l[].t", "o.p"]);
  });

  test("of a field that is asked for by name its own", () => {
    const run: TransformFunction = (document) => {
      const { q } = (document["o"] as { p: Document }).p;
      return { is: q === "something else" };
    };
    expect(lossesIn({ o: { p: { q: "x1" } } }, run).lost).toEqual([
      { path: "o.p.q", value: "x1", isNamed: true },
    ]);
  });

  test("names that begin like others are other fields", () => {
    expect(lostIn({ a: "x1", ab: "x2" }, ({ ab }) => ({ ab }))).toEqual(["a"]);
    expect(lostIn({ o: { a: "x1" }, oo: "x2" }, ({ oo }) => ({ oo }))).toEqual(["o"]);
  });
});

describe("of many values some are tried", () => {
  const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => `text ${n}`);

  function runsOn(fields: Fields): number {
    let runs = 0;
    lossesIn(fields, () => {
      runs++;
      return {};
    });
    // One run makes the document, one is watched, and each text that is tried takes three more.
    return (runs - 2) / 3;
  }

  test("four of each array, and sixty-four of a document", () => {
    for (const count of [1, 3, 4]) expect(runsOn({ l: texts(count) })).toBe(count);
    expect(runsOn({ l: texts(50) })).toBe(4);
    expect(runsOn({ l: texts(50), m: texts(50) })).toBe(8);
    const record = (count: number): Fields =>
      Object.fromEntries(texts(count).map((text, n) => [`k${n}`, text]));
    expect(runsOn(record(64))).toBe(64);
    expect(runsOn(record(65))).toBe(64);
    expect(runsOn(record(200))).toBe(64);
  });

  test("the others of an array are taken for used when one that was tried is", () => {
    const run =
      (at: number): TransformFunction =>
      ({ l }) => ({ is: (l as string[])[at] === "" });
    const fields = { l: texts(6) };
    expect(lossesIn(fields, run(0)).used).toHaveLength(3);
    expect(lossesIn(fields, run(3)).used).toHaveLength(3);
    expect(lossesIn(fields, run(5)).used).toEqual([]);
  });

  test("the others of a large record are taken for used when all that were tried of its field are", () => {
    const record = Object.fromEntries(texts(80).map((text, n) => [`k${String(n).padStart(3, "0")}`, text]));
    const all: TransformFunction = ({ r }) => ({ text: JSON.stringify(r) });
    expect(lossesIn({ r: record }, all)).toMatchObject({ lost: [], used: { length: 80 } });
    const allButOne: TransformFunction = ({ r }) => {
      const { k000: _first, ...rest } = r as Fields;
      return { text: JSON.stringify(rest) };
    };
    expect(lossesIn({ r: record }, allButOne).used).toHaveLength(63);
  });
});
