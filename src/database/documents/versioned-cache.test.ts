import { expect, test } from "vitest";
import { VersionedCache } from "./versioned-cache.js";

test("a value serves the snapshots from its commit on, and none before", () => {
  const cache = new VersionedCache<string>(1000);
  cache.write("a", "new", 1, { version: 10 });
  expect(cache.at("a", 9)).toBeUndefined();
  expect(cache.at("a", 10)).toBe("new");
  expect(cache.at("a", 11)).toBe("new");
});

test("a value that is not durable yet serves the next transaction but no snapshot", () => {
  const cache = new VersionedCache<string>(1000);
  const origin = { version: Infinity };
  cache.write("a", "new", 1, origin);
  expect(cache.latest("a")).toBe("new");
  expect(cache.at("a", 10)).toBeUndefined();
  origin.version = 10;
  expect(cache.at("a", 10)).toBe("new");
});

test("an older snapshot cannot bring back what was overwritten", () => {
  const cache = new VersionedCache<string>(1000);
  cache.write("a", "new", 1, { version: 10 });
  cache.load("a", "old", 1, { version: 5 });
  expect(cache.latest("a")).toBe("new");
});

test("nor when the overwriting value was dropped for room in the meantime", () => {
  const cache = new VersionedCache<string>(10);
  cache.write("a", "new", 1, { version: 10 });
  for (let n = 0; n < 20; n++) cache.load(`other ${n}`, "x", 1, { version: 3 });
  expect(cache.latest("a")).toBeUndefined();
  cache.load("a", "old", 1, { version: 9 });
  expect(cache.latest("a")).toBeUndefined();
  cache.load("a", "new", 1, { version: 10 });
  expect(cache.at("a", 10)).toBe("new");
});

test("a value dropped before its commit had a version keeps older readers out until it has one", () => {
  const cache = new VersionedCache<string>(10);
  const origin = { version: Infinity };
  cache.write("a", "new", 1, origin);
  for (let n = 0; n < 20; n++) cache.write(`other ${n}`, "x", 1, origin);
  cache.load("a", "old", 1, { version: 9 });
  expect(cache.latest("a")).toBeUndefined();
  origin.version = 10;
  cache.load("a", "new", 1, { version: 11 });
  expect(cache.latest("a")).toBe("new");
});

test("what is asked for stays, what is not goes", () => {
  const cache = new VersionedCache<string>(100);
  cache.load("hot", "x", 1, { version: 1 });
  cache.load("cold", "x", 1, { version: 1 });
  for (let n = 0; n < 500; n++) {
    cache.load(`${n}`, "x", 1, { version: 1 });
    expect(cache.latest("hot")).toBe("x");
  }
  expect(cache.latest("cold")).toBeUndefined();
});

test("what another process wrote is forgotten, and older readers cannot bring it back", () => {
  const cache = new VersionedCache<string>(100);
  cache.load("a", "old", 1, { version: 5 });
  cache.forget("a", 8);
  cache.load("a", "old", 1, { version: 7 });
  expect(cache.latest("a")).toBeUndefined();
  cache.load("a", "new", 1, { version: 8 });
  expect(cache.at("a", 8)).toBe("new");
});

test("after a failure nothing is believed until the next transaction says where things stand", () => {
  const cache = new VersionedCache<string>(100);
  cache.write("a", "lost", 1, { version: Infinity });
  cache.clear();
  cache.load("a", "old", 1, { version: 100 });
  expect(cache.latest("a")).toBeUndefined();
  cache.raiseFloor(7);
  cache.load("a", "right", 1, { version: 7 });
  expect(cache.latest("a")).toBe("right");
});

test("a rewrite takes the place of an entry, adds none, and keeps older ones out", () => {
  const cache = new VersionedCache<string>(1000);
  cache.write("a", "old", 10, { version: 1 });
  const origin = { version: Infinity };
  cache.rewrite("a", "new", 10, origin);
  cache.rewrite("b", "new", 10, origin);
  expect([cache.latest("a"), cache.latest("b")]).toEqual(["new", undefined]);
  cache.load("b", "old", 10, { version: 1 });
  expect(cache.latest("b")).toBeUndefined();
  origin.version = 2;
  cache.load("b", "old", 10, { version: 1 });
  expect(cache.at("b", 3)).toBeUndefined();
  cache.load("b", "new", 10, { version: 2 });
  expect(cache.at("b", 3)).toBe("new");
});
