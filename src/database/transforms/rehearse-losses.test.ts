/** What a rehearsal finds out about values that a transform loses, and about a `down` that is no inverse. */
import type { Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { value } from "../../../suites/arbitraries/values.js";
import { mutate, openDatabase } from "../../../suites/setup/open-database.js";
import { stringifyValue } from "../../values/index.js";
import type { Document, Fields } from "../documents/document.js";
import type { RehearsalLoss, TransformFunction } from "./types.js";

async function lossesOf(
  documents: readonly Fields[],
  run: TransformFunction,
  down?: TransformFunction,
): Promise<readonly RehearsalLoss[]> {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    for (const one of documents) await tx.component("").insert("t", one);
  });
  const through = [{ name: "m:t", run, down }];
  const rehearsal = await database.rehearse({ componentPath: "", tableName: "t", through });
  expect(rehearsal.failures).toEqual([]);
  return rehearsal.losses;
}

async function lost(documents: readonly Fields[], run: TransformFunction): Promise<unknown> {
  return Object.fromEntries((await lossesOf(documents, run)).map(({ path, count }) => [path, count]));
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const plain = (document: Document): Fields => {
  const { _id, _creationTime, ...fields } = document;
  return fields;
};

test("a field that neither stays nor is read is lost, in the documents that have it", async () => {
  const documents = [{ a: "1", keep: "x" }, { a: "2" }, { a: "3", keep: "y" }];
  const losses = await lossesOf(documents, ({ a }) => ({ a: Number(a) }));
  expect(losses).toEqual([
    { kind: "lost", transform: "m:t", path: "keep", count: 2, ids: expect.any(Array), example: '"x"' },
  ]);
  expect(losses[0]?.ids).toHaveLength(2);
});

test.each<[string, Fields, TransformFunction]>([
  ["a copy", { a: 1, b: { c: [1, { d: true }] } }, (document) => ({ ...document, n: 1 })],
  ["another name", { a: "long" }, ({ a, ...rest }) => ({ ...rest, b: a })],
  ["another name of a poor value", { a: true, z: true }, ({ a, ...rest }) => ({ ...rest, b: a })],
  ["another place", { a: { b: "long" } }, ({ a, ...rest }) => ({ ...rest, ...(a as Fields) })],
  [
    "what decides",
    { isPro: true, name: "n" },
    ({ isPro, ...rest }) => ({ ...rest, plan: isPro ? "pro" : "basic" }),
  ],
  ["what is converted in its place", { a: "y" }, ({ a, ...rest }) => ({ ...rest, a: a === "x" })],
  ["what is read and compared", { a: 3, b: 1 }, (document) => ({ b: 1, isBig: Number(document["a"]) > 100 })],
  ["what is put into a text", { a: { x: 1, y: 2 } }, ({ a }) => ({ text: JSON.stringify(a) })],
  [
    "what is put into a text as the rest",
    { a: 5, b: 6 },
    ({ a, ...rest }) => ({ a, text: JSON.stringify(rest) }),
  ],
  [
    "the order of an array",
    { tags: ["b", "a"] },
    ({ tags, ...rest }) => ({ ...rest, tags: [...(tags as string[])].sort() }),
  ],
  ["what is cloned", { a: { b: 7, c: 8 } }, ({ a, ...rest }) => ({ ...rest, a: structuredClone(a) })],
  ["the object that was given", { a: 9 }, (document) => Object.assign(document, { b: 1 })],
  ["bytes", { a: new Uint8Array([1, 2]).buffer }, ({ a, ...rest }) => ({ ...rest, b: a })],
])("nothing is lost of %s", async (_what, document, run) => {
  expect(await lost([document], run)).toEqual({});
});

test.each<[string, Fields, TransformFunction, Record<string, number>]>([
  ["left out of the rest", { legacy: 5, a: 1 }, ({ legacy: _legacy, ...rest }) => rest, { legacy: 1 }],
  [
    "left out of the rest, and made up",
    { isPro: true },
    ({ isPro: _isPro, ...rest }) => ({ ...rest, plan: "basic" }),
    { isPro: 1 },
  ],
  ["deleted", { a: 1, b: 2 }, (document) => (delete document["b"], document), { b: 1 }],
  ["not copied, though the same value stays elsewhere", { a: false, b: false }, ({ b }) => ({ b }), { a: 1 }],
  ["one of several equal ones", { a: "same", b: "same" }, ({ b }) => ({ b }), { a: 1 }],
  ["inside of an object", { o: { a: 5, b: 6 } }, ({ o }) => ({ a: (o as Document)["a"] }), { "o.b": 1 }],
  ["a whole object", { o: { a: 5, b: 6 }, n: 7 }, ({ n }) => ({ n }), { o: 1 }],
  [
    "inside of the objects of an array",
    {
      items: [
        { sku: "s1", qty: 5 },
        { sku: "s2", qty: 6 },
      ],
    },
    ({ items }) => ({ skus: (items as Document[]).map(({ sku }) => sku) }),
    { "items[].qty": 1 },
  ],
  [
    "elements that go",
    { tags: ["aa", "bb"] },
    ({ tags }) => ({ tags: (tags as string[]).slice(0, 1) }),
    { "tags[]": 1 },
  ],
  [
    "a member of a union",
    { kind: "b", x: 5 },
    ({ kind, x }) => (kind === "a" ? { kind, n: x } : { kind }),
    { x: 1 },
  ],
  [
    "a member of a union that is not looked at",
    { kind: "b", x: 5 },
    (document) => (document["kind"] === "a" ? { kind: "a", n: document["x"] } : { kind: document["kind"] }),
    { x: 1 },
  ],
])("a value is lost that is %s", async (_what, document, run, expected) => {
  expect(await lost([document], run)).toEqual(expected);
});

test("a value that decides in one document is used in all of them", async () => {
  const run: TransformFunction = ({ status, ...rest }) => ({ ...rest, isArchived: status === "archived" });
  expect(await lost([{ status: "open" }, { status: "archived" }, { status: "open" }], run)).toEqual({});
  expect(await lost([{ status: "open" }, { status: "open" }], run)).toEqual({ status: 2 });
});

test("a narrowed value of any type is counted by what is lost of it", async () => {
  const documents = [{ data: "text" }, { data: { at: 5, note: "n" } }, { data: { at: 6 } }];
  const run: TransformFunction = (document) => {
    const data = document["data"] as Document | string;
    return { data: typeof data === "string" ? data : { at: data["at"] } };
  };
  expect(await lost(documents, run)).toEqual({ "data.note": 1 });
});

test("long arrays and large records are tried in parts, and counted whole", async () => {
  const long = Array.from({ length: 5000 }, (_, n) => `value ${n}`);
  const large = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`k${n}`, n + 2]));
  let runs = 0;
  const run: TransformFunction = ({ a }) => {
    runs++;
    return { a };
  };
  expect(await lost([{ a: 1, long, large }], run)).toEqual({ long: 1, large: 1 });
  expect(runs).toBeLessThan(400);
  expect(await lost([{ large }], ({ large: all }) => ({ text: JSON.stringify(all) }))).toEqual({});
});

test("each of several transforms is asked what it loses", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { a: 5, b: 6 }));
  const { losses } = await database.rehearse({
    componentPath: "",
    tableName: "t",
    through: [
      { name: "first", run: ({ a: _a, ...rest }) => rest },
      { name: "second", run: ({ b, ...rest }) => ({ ...rest, c: b }) },
      { name: "third", run: ({ c: _c, ...rest }) => rest },
    ],
  });
  expect(losses).toMatchObject([
    { transform: "first", path: "a" },
    { transform: "third", path: "c" },
  ]);
});

test("what takes another one back is asked nothing", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { a: 5, b: 6 }));
  const back = { name: "up", run: ({ a }: Document): Fields => ({ a }), undoes: 9 };
  expect(await database.rehearse({ componentPath: "", tableName: "t", through: [back] })).toMatchObject({
    losses: [],
  });
});

test("a down that is no inverse is told with what becomes of the values", async () => {
  const names = [
    { first: "Ann Mary", last: "Lee" },
    { first: "Bea", last: "Smith" },
  ];
  const losses = await lossesOf(
    names,
    (document) => ({ name: `${textOf(document["first"])} ${textOf(document["last"])}` }),
    (document) => {
      const [first = "", last = ""] = textOf(document["name"]).split(" ");
      return { first, last };
    },
  );
  expect(losses).toMatchObject([
    { kind: "broughtBackOtherwise", path: "first", count: 1, example: '"Ann Mary" comes back as "Ann"' },
    { kind: "broughtBackOtherwise", path: "last", count: 1, example: '"Lee" comes back as "Mary"' },
  ]);
});

test("a down that leaves values away, makes them up, adds some or fails is told so", async () => {
  const up: TransformFunction = ({ isPro, ...rest }) => ({ ...rest, plan: isPro === true ? "pro" : "basic" });
  const documents = [{ isPro: true, o: { x: 1 } }];
  const kinds = async (down: TransformFunction): Promise<unknown> =>
    (await lossesOf(documents, up, down)).map(({ kind, path }) => `${kind} ${path}`);
  expect(await kinds(({ plan, ...rest }) => ({ ...rest, isPro: plan === "pro" }))).toEqual([]);
  expect(await kinds(({ plan: _plan, ...rest }) => rest)).toEqual(["notBroughtBack isPro"]);
  expect(await kinds(({ plan: _plan, ...rest }) => ({ ...rest, isPro: false }))).toEqual([
    "broughtBackOtherwise isPro",
  ]);
  expect(await kinds(({ plan, o: _o }) => ({ isPro: plan === "pro", o: { x: 2 }, z: 1 }))).toEqual([
    "broughtBackOtherwise o.x",
    "broughtBackOtherwise z",
  ]);
  const failing: TransformFunction = () => {
    throw new Error("no way");
  };
  expect(await kinds(failing)).toEqual(["broughtBackOtherwise "]);
});

test("a field is lost even where another one that stays has the same value in every document", async () => {
  const documents = [{ a: "same", b: "same" }];
  const paths = async (up: TransformFunction): Promise<string[]> =>
    (await lossesOf(documents, up)).map(({ path }) => path);
  expect(await paths(({ b }) => ({ c: b as Value }))).toEqual(["a"]);
  expect(await paths(({ a }) => ({ c: a as Value }))).toEqual(["b"]);
  expect(await paths(({ a, b }) => ({ c: a as Value, d: b as Value }))).toEqual([]);
});

const fate = fc.constantFrom("kept", "renamed", "written", "dropped");

test("of any document exactly those fields are lost that a transform neither keeps, renames nor uses", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), value, fate), {
        selector: ([name]) => name,
        maxLength: 6,
      }),
      async (fields) => {
        const document = Object.fromEntries(fields.map(([name, of]) => [name, { only: of }]));
        const run: TransformFunction = (given) => {
          const made: Record<string, Value> = {};
          for (const [name, , becomes] of fields) {
            if (becomes === "dropped") continue;
            const of = given[name] as Value;
            if (becomes === "kept") made[name] = of;
            if (becomes === "renamed") made[`X${name}`] = of;
            if (becomes === "written") made[`Y${name}`] = stringifyValue(of);
          }
          return made;
        };
        const dropped = fields.filter(([, , becomes]) => becomes === "dropped").map(([name]) => name);
        const found = await lossesOf([document], run);
        expect(new Set(found.map(({ path }) => path.split(/[.[]/)[0]))).toEqual(new Set(dropped));
        expect(found).toHaveLength(dropped.length);
      },
    ),
    { numRuns: 100 },
  );
});

test("nothing but the document's own fields is compared", async () => {
  expect(await lossesOf([{ a: 5 }], plain, plain)).toEqual([]);
});
