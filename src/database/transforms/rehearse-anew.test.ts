/** What a rehearsal does with another instance of a transform's module, and how it counts and cuts what it tells. */
import { expect, test } from "vitest";
import { mutate, openDatabase } from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import type { Document, Fields } from "../documents/document.js";
import type { Rehearsal, RehearsedTransform, TransformFunction } from "./types.js";

async function openWith(documents: readonly Fields[]): Promise<Database> {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    for (const one of documents) await tx.component("").insert("t", one);
  });
  return database;
}

async function rehearsal(
  documents: readonly Fields[],
  one: Omit<RehearsedTransform, "name">,
): Promise<Rehearsal> {
  const database = await openWith(documents);
  return await database.rehearse({
    componentPath: "",
    tableName: "t",
    through: [{ name: "m:t", ...one }],
  });
}

/** A transform that gives every document what the first one that it saw has. */
function keepsTheFirst(of: (document: Document) => unknown): TransformFunction {
  let kept: string | undefined;
  return (document) => {
    kept ??= String(of(document));
    return { ...document, kept };
  };
}

const impure = {
  failed: 1,
  failures: [{ kind: "impure", message: expect.stringContaining("imported anew") }],
};

test("a pure transform comes out alike in another instance of its module", async () => {
  const run: TransformFunction = (document) => ({ ...document, m: 1 });
  expect(await rehearsal([{ n: 1 }, { n: 2 }], { run, anew: (document) => run(document) })).toMatchObject({
    processed: 2,
    failed: 0,
  });
});

test.each<[string, unknown]>([
  ["a text", "text"],
  ["an empty text", ""],
  ["a number", 5],
  ["a bool", true],
  ["a big number", 5n],
  ["the very big number that others become", 104_729n],
])("what an instance keeps of the first document shows, though all are alike: %s", async (_what, value) => {
  const of = (document: Document): unknown => document["v"];
  const documents = [{ v: value }] as Fields[];
  expect(await rehearsal(documents, { run: keepsTheFirst(of), anew: keepsTheFirst(of) })).toMatchObject(
    impure,
  );
});

test("so does what it keeps of values within objects and arrays", async () => {
  const documents = [{ o: { p: { q: 5 } }, l: [{ s: "x" }] }];
  for (const of of [
    ({ o }: Document) => (o as { p: { q: number } }).p.q,
    ({ l }: Document) => (l as { s: string }[])[0]?.s,
  ]) {
    const found = await rehearsal(documents, { run: keepsTheFirst(of), anew: keepsTheFirst(of) });
    expect(found).toMatchObject(impure);
  }
});

test("the document that there is not has the same id, creation time and form, and its values are close to none", async () => {
  const seen: Document[] = [];
  const document = {
    s: "mid",
    n: 5,
    l: [1],
    o: { b: true },
    nothing: null,
    bytes: new Uint8Array([1]).buffer,
  };
  const anew: TransformFunction = (given) => {
    seen.push(structuredClone(given));
    return given;
  };
  await rehearsal([document], { run: (given) => given, anew });
  const [misleading, real] = seen;
  expect(misleading).toEqual({
    ...real,
    s: expect.stringMatching(/^~mid~{90,}$/),
    n: 5 + 104_729,
    l: [1 + 104_729],
    o: { b: false },
  });
  expect(real).toMatchObject(document);
});

test("another instance sees the documents from the last to the first, in all batches", async () => {
  const seen: unknown[] = [];
  const anew: TransformFunction = (document) => {
    seen.push(document["n"]);
    return document;
  };
  const documents = Array.from({ length: 401 }, (_, n) => ({ n }));
  await rehearsal(documents, { run: (document) => document, anew });
  expect(seen.slice(1)).toEqual(documents.map(({ n }) => n).toReversed());
  expect(seen[0]).toBe(400 + 104_729);
});

test("what fails already is not tried anew", async () => {
  let calls = 0;
  const anew: TransformFunction = (document) => {
    calls++;
    return document;
  };
  const run: TransformFunction = () => {
    throw new Error("on purpose");
  };
  expect(await rehearsal([{ n: 1 }], { run, anew })).toMatchObject({ failures: [{ kind: "threw" }] });
  expect(calls).toBe(0);
});

test("an instance that fails where the other does not is told, and one that fails on what there is not is not", async () => {
  const fails: TransformFunction = () => {
    throw new Error("only here");
  };
  expect(await rehearsal([{ n: 1 }], { run: (one) => one, anew: fails })).toMatchObject(impure);
  const picky: TransformFunction = (document) => {
    if (document["n"] !== 1) throw new Error("not this one");
    return document;
  };
  expect(await rehearsal([{ n: 1 }], { run: (one) => one, anew: picky })).toMatchObject({ failed: 0 });
});

test("each of several transforms may have another instance or not", async () => {
  const database = await openWith([{ n: 1 }]);
  const of = (document: Document): unknown => document["n"];
  const plan = (through: RehearsedTransform[]): Promise<Rehearsal> =>
    database.rehearse({ componentPath: "", tableName: "t", through });
  const plain: TransformFunction = (document) => document;
  const stateful = { name: "kept", run: keepsTheFirst(of), anew: keepsTheFirst(of) };
  expect(await plan([{ name: "plain", run: plain }, stateful])).toMatchObject(impure);
  expect(await plan([{ name: "plain", run: plain }])).toMatchObject({ failed: 0 });
});

test("a document that another order of the documents changes is told with its id, in the order of the documents", async () => {
  const database = await openWith(Array.from({ length: 5 }, (_, n) => ({ n })));
  let last = -1;
  const run: TransformFunction = (document) => {
    const n = Number(document["n"]);
    const made = { ...document, follows: last === n - 1 };
    last = n;
    return made;
  };
  const { failed, failures } = await database.rehearse({
    componentPath: "",
    tableName: "t",
    through: [{ name: "m:t", run }],
  });
  expect(failed).toBe(5);
  const ids = await database.query((tx) =>
    tx
      .component("")
      .stream({ source: { type: "FullTableScan", tableName: "t", order: "asc" }, operators: [] })
      .take(9),
  );
  expect(failures).toMatchObject([{ kind: "impure", count: 5, ids: ids.value.map(({ _id }) => _id) }]);
});

test("twenty documents are named of each kind, a hundred fields of a record, most frequent first", async () => {
  const documents = Array.from({ length: 30 }, (_, n) => ({
    often: n + 2,
    ...(n < 25 ? { seldom: n + 2 } : {}),
  }));
  const { losses } = await rehearsal(documents, { run: () => ({}) });
  expect(losses).toMatchObject([
    { path: "often", count: 30, ids: { length: 20 } },
    { path: "seldom", count: 25, ids: { length: 20 } },
  ]);
  const record = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`k${n}`, n + 2]));
  expect((await rehearsal([record], { run: () => ({}) })).losses).toHaveLength(100);
});

test("an example is cut after sixty chars", async () => {
  const exampleOf = async (length: number): Promise<string | undefined> =>
    (await rehearsal([{ s: "x".repeat(length) }], { run: () => ({}) })).losses[0]?.example;
  expect(await exampleOf(58)).toBe(`"${"x".repeat(58)}"`);
  expect(await exampleOf(59)).toBe(`"${"x".repeat(59)}...`);
});

test("a document that a transform is not written for fails as it would, with the reason", async () => {
  const misfitOf = ({ n }: Document): string | null => (n === 1 ? "one is no n" : null);
  expect(await rehearsal([{ n: 1 }, { n: 2 }], { run: (one) => one, misfitOf })).toMatchObject({
    failed: 1,
    failures: [{ kind: "threw", message: "one is no n" }],
  });
});

test("a way back is asked only of documents that can come back", async () => {
  const down: TransformFunction = () => ({});
  const documents = [{ n: 3 }, { n: 4 }];
  const canComeBack = (before: Document, after: Document): boolean => before["n"] === 3 && after["n"] === 3;
  expect((await rehearsal(documents, { run: (one) => one, down, canComeBack })).losses).toMatchObject([
    { kind: "notBroughtBack", count: 1, example: "3 comes back as nothing" },
  ]);
  const failing: TransformFunction = () => {
    throw new Error("no way");
  };
  expect((await rehearsal(documents, { run: (one) => one, down: failing })).losses).toMatchObject([
    { kind: "broughtBackOtherwise", path: "", count: 2, example: "`down` fails: no way" },
  ]);
});
