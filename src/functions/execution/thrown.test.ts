import { ConvexError } from "convex/values";
import { afterAll, expect, test } from "vitest";
import { describeThrown, shareConvexErrors } from "./thrown.js";

afterAll(() => {
  Reflect.deleteProperty(Error, Symbol.hasInstance);
});

const mark: unique symbol = Symbol.for("ConvexError");

/** Another copy of the class, as a bundle has it. */
const Other = {
  ConvexError: class ConvexError extends Error {
    readonly [mark] = true;
    readonly data: unknown;
    constructor(data: unknown) {
      super(String(data));
      this.data = data;
    }
  },
};

test("errors of one copy of ConvexError are instances of every copy, and of nothing else", () => {
  const theirs = new Other.ConvexError("x");
  expect(theirs instanceof ConvexError).toBe(false);
  shareConvexErrors();
  shareConvexErrors();
  expect(theirs instanceof ConvexError).toBe(true);
  expect(new ConvexError("x") instanceof Other.ConvexError).toBe(true);
  expect(new Error("x") instanceof ConvexError).toBe(false);
  expect(theirs instanceof TypeError).toBe(false);
  expect(theirs instanceof Error).toBe(true);
  expect({} instanceof Error).toBe(false);
  expect(new TypeError("x") instanceof Error).toBe(true);
});

test("what is told of an error names files as Convex does, and never where they lie", () => {
  const error = new Error("on purpose");
  error.stack = [
    "Error: on purpose",
    "    at handler (/home/ann/app/convex/dir/mod.ts:3:9)",
    "    at file:///home/ann/app/convex/other.ts:1:2",
    "    at async (/srv/data/code/ab12cd34/dir/mod.js:1:2)",
    "    at own (/home/ann/app/backend/mod.ts:1:2)",
  ].join("\n");
  expect(describeThrown(error).split("\n")).toEqual([
    "Uncaught Error: on purpose",
    "    at handler (../convex/dir/mod.ts:3:9)",
    "    at ../convex/other.ts:1:2",
    "    at async (../convex/dir/mod.js:1:2)",
    "    at own (../mod.ts:1:2)",
  ]);
});
