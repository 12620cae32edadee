import { expect, test } from "vitest";
import { Overlay } from "./overlay.js";

const keys = ["b", "d", "a", "c"];

/** The keys that an overlay gives from its first to its last, and back. */
function inOrder(overlay: Overlay<number>): [up: string[], down: string[]] {
  const [up, down]: [string[], string[]] = [[], []];
  for (let entry = overlay.atOrAfter(""); entry !== undefined; entry = overlay.after(entry[0])) {
    up.push(entry[0]);
  }
  for (let entry = overlay.before(undefined); entry !== undefined; entry = overlay.before(entry[0])) {
    down.push(entry[0]);
  }
  return [up, down];
}

test("entries are in order whenever they came, before the first look or after it", () => {
  const overlay = new Overlay<number>();
  for (const [index, key] of keys.entries()) overlay.set(key, index);
  expect(inOrder(overlay)).toEqual([
    ["a", "b", "c", "d"],
    ["d", "c", "b", "a"],
  ]);
  overlay.set("bb", 9);
  overlay.set("c", undefined);
  overlay.set("a", 7);
  expect(inOrder(overlay)[0]).toEqual(["a", "b", "bb", "d"]);
  expect([overlay.get("a"), overlay.get("c"), overlay.size]).toEqual([7, undefined, 4]);
  expect(overlay.atOrAfter("a")).toEqual(["a", 7]);
  expect([...overlay.entries()].map(([key]) => key)).toEqual(["b", "d", "a", "bb"]);
});

test("the next entry may be the key itself, or must come after or before it", () => {
  const overlay = new Overlay<number>();
  for (const key of keys) overlay.set(key, 1);
  expect([overlay.atOrAfter("b")?.[0], overlay.atOrAfter("bb")?.[0], overlay.atOrAfter("e")]).toEqual([
    "b",
    "c",
    undefined,
  ]);
  expect([overlay.after("b")?.[0], overlay.after("d")]).toEqual(["c", undefined]);
  expect([overlay.before("b")?.[0], overlay.before("a"), overlay.before(undefined)?.[0]]).toEqual([
    "a",
    undefined,
    "d",
  ]);
});

test("an empty overlay has no entries on either side", () => {
  const overlay = new Overlay<number>();
  overlay.set("a", 1);
  overlay.set("a", undefined);
  expect([overlay.size, overlay.atOrAfter(""), overlay.before(undefined)]).toEqual([0, undefined, undefined]);
});
