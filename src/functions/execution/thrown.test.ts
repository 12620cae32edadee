import { ConvexError } from "convex/values";
import { afterAll, expect, test } from "vitest";
import { shareConvexErrors } from "./thrown.js";

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
