import { expect, test } from "vitest";
import { orderByRequires } from "./order-by-requires.js";

function names(of: Readonly<Record<string, readonly string[]>>, done: readonly string[] = []): string[] {
  const items = Object.entries(of).map(([name, requires]) => ({ name, requires }));
  return orderByRequires(items, { kind: "transform", isDone: (name) => done.includes(name) }).map(
    ({ name }) => name,
  );
}

test("what is required comes first; the rest keeps its order", () => {
  expect(names({ a: ["c"], b: [], c: ["d"], d: [] })).toEqual(["d", "c", "a", "b"]);
});

test("what was done before needs no place", () => {
  expect(names({ a: ["old"] }, ["old"])).toEqual(["a"]);
});

test("a circle is shown, and a name that nothing has is told", () => {
  expect(() => names({ a: ["b"], b: ["a"] })).toThrow("a → b → a");
  expect(() => names({ a: ["nope"] })).toThrow("requires nope");
});
