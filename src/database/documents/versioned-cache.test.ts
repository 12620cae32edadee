import fc from "fast-check";
import { expect, test } from "vitest";
import { type Origin, VersionedCache, View } from "./versioned-cache.js";

const asItIs = (text: string): string => text;

function newCache(capacityBytes = 1000): VersionedCache<string> {
  return new VersionedCache<string>(capacityBytes);
}

function at(cache: VersionedCache<string>, key: string, version: number, handedOver = 0): string | undefined {
  return cache.find(key, new View(version, handedOver), asItIs);
}

function load(
  cache: VersionedCache<string>,
  key: string,
  value: string,
  version: number,
  handedOver = 0,
): void {
  cache.load(key, value, 1, new View(version, handedOver));
}

/** Hands a write over, with no version yet. */
function begin(
  cache: VersionedCache<string>,
  key: string,
  value: string,
  order: number,
  isKept = true,
): Origin {
  const origin = { version: Infinity, order, isRefused: false };
  cache.begin(key, value, 1, origin, isKept);
  return origin;
}

function end(cache: VersionedCache<string>, key: string, origin: Origin, version: number | null): void {
  if (version !== null) origin.version = version;
  cache.end(key, origin, version);
}

function write(cache: VersionedCache<string>, key: string, value: string, version: number): void {
  end(cache, key, begin(cache, key, value, 1), version);
}

test("a value serves the views from its commit on, and none before", () => {
  const cache = newCache();
  write(cache, "a", "new", 10);
  expect([9, 10, 11].map((version) => at(cache, "a", version))).toEqual([undefined, "new", "new"]);
});

test("what was handed over is seen by who began after that, and by no snapshot until it is committed", () => {
  const cache = newCache();
  const origin = begin(cache, "a", "new", 5);
  expect([0, 4, 5, 6].map((order) => at(cache, "a", 10, order))).toEqual([
    undefined,
    undefined,
    "new",
    "new",
  ]);
  end(cache, "a", origin, 12);
  expect([11, 12].map((version) => at(cache, "a", version))).toEqual([undefined, "new"]);
  expect(at(cache, "a", 11, 5)).toBe("new");
});

test("a view names what it believed before it was committed", () => {
  const cache = newCache();
  const origin = begin(cache, "a", "new", 5);
  const view = new View(10, 5);
  expect([...view.believed]).toEqual([]);
  cache.find("a", view, asItIs);
  expect([...view.believed]).toEqual([origin]);
  end(cache, "a", origin, 10);
  const later = new View(10, 5);
  cache.find("a", later, asItIs);
  expect([...later.believed]).toEqual([]);
});

test("an older view cannot bring back what was overwritten, also not when that was dropped for room", () => {
  const cache = newCache(10);
  write(cache, "a", "new", 10);
  load(cache, "a", "old", 5);
  expect(at(cache, "a", 10)).toBe("new");
  for (let n = 0; n < 20; n++) load(cache, `other ${n}`, "x", 12);
  expect(at(cache, "a", 10)).toBeUndefined();
  load(cache, "a", "old", 9);
  expect(at(cache, "a", 12)).toBeUndefined();
  load(cache, "a", "new", 10);
  expect(at(cache, "a", 10)).toBe("new");
});

test("nobody loads what is being written, however many write it, until the last has ended", () => {
  const cache = newCache();
  const origins = [1, 2].map((order) => begin(cache, "a", "new", order, false));
  for (const [index, origin] of origins.entries()) {
    load(cache, "a", "old", 100);
    expect([at(cache, "a", 100), cache.isUnderWay("a")]).toEqual([undefined, true]);
    end(cache, "a", origin, 10 + index);
  }
  load(cache, "a", "old", 10);
  expect([at(cache, "a", 100), cache.isUnderWay("a")]).toEqual([undefined, false]);
  load(cache, "a", "new", 11);
  expect(at(cache, "a", 100)).toBe("new");
});

test("what was refused is gone, and nothing else", () => {
  const cache = newCache();
  write(cache, "kept", "kept", 3);
  const refused = begin(cache, "a", "refused", 2);
  const later = begin(cache, "b", "refused", 3);
  const overwriting = begin(cache, "b", "overwriting", 4);
  end(cache, "a", refused, null);
  end(cache, "b", later, null);
  expect([at(cache, "a", 9, 9), at(cache, "b", 9, 9), at(cache, "kept", 9)]).toEqual([
    undefined,
    "overwriting",
    "kept",
  ]);
  end(cache, "b", overwriting, 10);
  expect(at(cache, "b", 10)).toBe("overwriting");
});

test("who may have seen what was refused adds nothing, snapshots and those that begin later do", () => {
  const cache = newCache();
  end(cache, "a", begin(cache, "a", "refused", 2), null);
  cache.distrust(3);
  load(cache, "a", "refused", 9, 2);
  expect(at(cache, "a", 9)).toBeUndefined();
  load(cache, "a", "right", 9, 3);
  load(cache, "b", "right", 9, 0);
  expect([at(cache, "a", 9), at(cache, "b", 9)]).toEqual(["right", "right"]);
});

test("what another process wrote takes the place of what is here, is decoded when asked for, and adds nothing", () => {
  const cache = newCache();
  load(cache, "a", "old", 5);
  load(cache, "b", "old", 5);
  let decoded = 0;
  for (const key of ["a", "c"]) cache.replace(key, { text: "new" }, 8);
  cache.replace("b", null, 8);
  const decode = (text: string): string => `${text} ${++decoded}`;
  const found = (version: number): (string | undefined)[] =>
    ["a", "b", "c"].map((key) => cache.find(key, new View(version, 0), decode));
  expect(found(7)).toEqual([undefined, undefined, undefined]);
  expect(found(8)).toEqual(["new 1", undefined, undefined]);
  expect(found(9)).toEqual(["new 1", undefined, undefined]);
  load(cache, "c", "old", 7);
  expect(at(cache, "c", 9)).toBeUndefined();
  cache.replace("a", { value: "newer" }, 10);
  expect(at(cache, "a", 10)).toBe("newer");
});

test("what another process wrote leaves nothing to believe of what is handed over: either may come first", () => {
  const cache = newCache();
  const origin = begin(cache, "a", "own", 2);
  cache.replace("a", { text: "theirs" }, 8);
  expect(at(cache, "a", 8, 2)).toBeUndefined();
  load(cache, "a", "theirs", 8);
  expect(at(cache, "a", 8)).toBeUndefined();
  end(cache, "a", origin, 9);
  load(cache, "a", "own", 9);
  expect(at(cache, "a", 9)).toBe("own");
});

test("a sum is kept up by what is added, where it is known", () => {
  const cache = newCache();
  load(cache, "a", "1", 5);
  const add = (text: string): string => `${Number(text) + 1}`;
  for (const key of ["a", "b"]) cache.change(key, add, 8);
  expect([at(cache, "a", 7), at(cache, "a", 8), at(cache, "b", 8)]).toEqual([undefined, "2", undefined]);
  const origin = { version: Infinity, order: 2, isRefused: false };
  for (const key of ["a", "b"]) cache.beginSum(key, add, origin);
  expect([at(cache, "a", 8, 2), at(cache, "b", 8, 2)]).toEqual(["3", undefined]);
});

test("what is asked for stays, what is not goes", () => {
  const cache = newCache(100);
  load(cache, "hot", "x", 1);
  load(cache, "cold", "x", 1);
  for (let n = 0; n < 500; n++) {
    load(cache, `${n}`, "x", 1);
    expect(at(cache, "hot", 1)).toBe("x");
  }
  expect(at(cache, "cold", 1)).toBeUndefined();
});

test("once it was cleared, nothing older comes back", () => {
  const cache = newCache();
  write(cache, "a", "lost", 6);
  cache.clear(7);
  load(cache, "a", "old", 6);
  expect(at(cache, "a", 9)).toBeUndefined();
  load(cache, "a", "right", 7);
  expect(at(cache, "a", 7)).toBe("right");
});

test("what is of no further use takes the place of an entry, adds none, and keeps older ones out", () => {
  const cache = newCache();
  write(cache, "a", "old", 1);
  const origins = ["a", "b"].map((key) => begin(cache, key, "new", 2, false));
  expect(["a", "b"].map((key) => at(cache, key, 1, 2))).toEqual(["new", undefined]);
  for (const [index, key] of ["a", "b"].entries()) end(cache, key, origins[index] as Origin, 2);
  load(cache, "b", "old", 1);
  expect(at(cache, "b", 3)).toBeUndefined();
  load(cache, "b", "new", 2);
  expect(at(cache, "b", 3)).toBe("new");
});

type Step =
  | { readonly type: "hand over"; readonly key: string; readonly isKept: boolean }
  | { readonly type: "end"; readonly isRefused: boolean }
  | { readonly type: "theirs"; readonly key: string; readonly isTold: boolean }
  | { readonly type: "begin"; readonly isSnapshot: boolean }
  | { readonly type: "load"; readonly view: number; readonly key: string };

const keys = ["a", "b", "c", "d"];
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("hand over" as const), key: fc.constantFrom(...keys), isKept: fc.boolean() }),
  fc.record({ type: fc.constant("end" as const), isRefused: fc.boolean() }),
  fc.record({ type: fc.constant("theirs" as const), key: fc.constantFrom(...keys), isTold: fc.boolean() }),
  fc.record({ type: fc.constant("begin" as const), isSnapshot: fc.boolean() }),
  ...[1, 2, 3].map(() =>
    fc.record({ type: fc.constant("load" as const), view: fc.nat(5), key: fc.constantFrom(...keys) }),
  ),
);

interface Reader {
  readonly view: View;
  readonly pending: ReadonlyMap<string, string>;
  /** It has seen what was refused. */
  isDoubtful: boolean;
}

/** The storage beside the cache: all versions, and what each view sees of what is under way. */
class Model {
  readonly cache = new VersionedCache<string>(4);
  readonly views: Reader[] = [];
  #version = 1;
  #order = 1;
  #values = 0;
  readonly #committed: { key: string; value: string; version: number }[] = [];
  readonly #pending: { key: string; value: string; origin: Origin }[] = [];

  run(one: Step): void {
    switch (one.type) {
      case "hand over": {
        const origin = begin(this.cache, one.key, `${++this.#values}`, ++this.#order, one.isKept);
        this.#pending.push({ key: one.key, value: `${this.#values}`, origin });
        return;
      }
      case "end":
        return this.#end(one.isRefused);
      case "theirs": {
        const value = `${++this.#values}`;
        this.#committed.push({ key: one.key, value, version: ++this.#version });
        this.cache.replace(one.key, one.isTold ? { text: value } : null, this.#version);
        return;
      }
      case "begin":
        return void this.views.push(this.#begin(one.isSnapshot));
      case "load":
        return this.#read(this.views.at(-1 - one.view), one.key);
    }
  }

  /** Every view, those that begin now included, finds of every key what the storage would show it, or nothing. */
  check(): void {
    for (const reader of [...this.views, this.#begin(true), this.#begin(false)]) {
      for (const key of keys) {
        const found = this.cache.find(key, reader.view, asItIs);
        const isWrong = found !== undefined && found !== this.#stored(reader, key);
        if (isWrong && !reader.isDoubtful) throw new Error(`${key} is not ${found}`);
      }
    }
  }

  #begin(isSnapshot: boolean): Reader {
    const pending = new Map(isSnapshot ? [] : this.#pending.map(({ key, value }) => [key, value]));
    return { view: new View(this.#version, isSnapshot ? 0 : this.#order), pending, isDoubtful: false };
  }

  #end(isRefused: boolean): void {
    const first = this.#pending.shift();
    if (first === undefined) return;
    const { key, value, origin } = first;
    if (!isRefused) this.#committed.push({ key, value, version: ++this.#version });
    end(this.cache, key, origin, isRefused ? null : this.#version);
    if (!isRefused) return;
    this.cache.distrust(++this.#order);
    // The storage refuses what these views read; what they find need not be true.
    for (const each of this.views) if (each.pending.get(key) === value) each.isDoubtful = true;
  }

  #read(reader: Reader | undefined, key: string): void {
    if (reader === undefined || this.cache.find(key, reader.view, asItIs) !== undefined) return;
    this.cache.load(key, this.#stored(reader, key), 1, reader.view);
  }

  #stored({ view, pending }: Reader, key: string): string {
    const known = this.#committed.findLast((one) => one.key === key && one.version <= view.version);
    return pending.get(key) ?? known?.value ?? "nothing";
  }
}

test("whatever is written, refused, heard of and loaded in whatever order, a view finds what the storage would show it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const one of steps) {
        model.run(one);
        model.check();
      }
    }),
    { numRuns: 2000 },
  );
});
