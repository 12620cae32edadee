/**
 * What a deploy prepares while other processes write: aggregates that are built beside those that answer, transforms, indexes.
 * No write may be missed, whichever process makes it, and whenever the one that deploys dies.
 */
import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { Backend, OpenStorage } from "trueup";
import { call } from "../setup/open-app.js";
import { pushedModule } from "./hand-made-push.js";
import {
  appOf,
  bundledModule,
  finishPush,
  places,
  push,
  severalBackends,
  startPush,
  waitFor,
  type PushedApp,
} from "./several-backends.js";

/** An app with an aggregate of its scores, and whatever `more` has. */
async function counting(
  version: string,
  definition: string,
  value = "(doc) => doc.score",
): Promise<PushedApp> {
  const source = `import { fakeAggregate } from "../integrity/fake-aggregate.js";
    export const byScore = fakeAggregate({ definition: ${JSON.stringify(definition)}, value: ${value} });`;
  return appOf(version, await bundledModule("aggregates.js", source));
}

/** The items of an aggregate: it has one for each document, of the value that its definition gives it. */
async function items(app: Backend, definition: string): Promise<number[]> {
  const rows = (await call(app, "app:rows", { table: "items" })) as { definition: string; value: number }[];
  return rows
    .filter((row) => row.definition === definition)
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);
}

async function scores(app: Backend): Promise<number[]> {
  const rows = (await call(app, "app:rows", { table: "scores" })) as { score: number }[];
  return rows.map(({ score }) => score).toSorted((a, b) => a - b);
}

/** So many writes are enough, and few enough that a build catches up with them. */
const maxWrites = 40;

/** Adds scores in all apps, one after the other, until it is stopped; which resolves with how many it has added. */
function writer(apps: readonly Backend[]): () => Promise<number> {
  let isOver = false;
  let added = 0;
  const write = async (): Promise<number> => {
    for (; !isOver && added < maxWrites; added++) {
      const app = apps[added % apps.length];
      if (app !== undefined) await call(app, "app:add", { score: 1000 + added });
      await setImmediate();
    }
    return added;
  };
  const writing = write();
  const stop = (): Promise<number> => {
    isOver = true;
    return writing;
  };
  onTestFinished(async () => {
    await stop().catch(() => {});
  });
  return stop;
}

async function opened(count: number, first: PushedApp, storage?: OpenStorage): Promise<Backend[]> {
  const open = severalBackends(storage);
  const apps: Backend[] = [];
  // Deploys are carried out by those that run what is scheduled: here by the first.
  for (let n = 0; n < count; n++) apps.push(await open({ runScheduled: n === 0 }));
  const [app] = apps;
  if (app === undefined) throw new Error("none was opened");
  await push(app, first);
  for (let score = 0; score < 10; score++) await call(app, "app:add", { score });
  await ready(app, "1");
  return apps;
}

/** Until an aggregate has an item for each document. */
async function ready(app: Backend, definition: string): Promise<void> {
  await expect
    .poll(async () => (await items(app, definition)).length === (await scores(app)).length)
    .toBe(true);
}

test.each(places)(
  "an aggregate that is built beside the one that answers misses no write of another process, on %s",
  async (_, newStorage) => {
    const apps = await opened(3, await counting("1", "1"), newStorage());
    const [left, right, third] = apps as [Backend, Backend, Backend];
    const begun = await startPush(left, await counting("2", "2", "(doc) => -doc.score"));
    const stop = writer([right, third]);
    expect(await waitFor([left], begun)).toBe("complete");
    const added = (await stop()) + 2;
    // What it has scanned is behind it: these are followed, or missed.
    for (const app of [right, third]) await call(app, "app:add", { score: 5000 });
    await finishPush(left, begun);
    for (const app of apps) expect(await call(app, "app:version")).toBe("2");
    const all = await scores(right);
    expect(all).toHaveLength(10 + added);
    expect(await items(right, "2")).toEqual(all.map((score) => -score).toSorted((a, b) => a - b));
  },
);

test("a write that began before a deploy is refused, and runs again under what the deploy has brought", async () => {
  const apps = await opened(2, await counting("1", "1"));
  const [left, right] = apps as [Backend, Backend];
  const begun = await startPush(left, await counting("2", "2"));
  // The first is overtaken by what follows for the program to come, the second by that program.
  for (const deploy of [() => waitFor([left], begun), () => finishPush(left, begun)]) {
    const seen: unknown[] = [];
    const write = right.database.mutate(async (tx) => {
      const isFirst = seen.length === 0;
      seen.push([tx.program, tx.followers]);
      if (isFirst) await deploy();
      await tx.component("").insert("scores", { score: 77 });
    });
    await write;
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).not.toEqual(seen[0]);
  }
  expect(await items(right, "2")).toEqual(await scores(right));
});

test("a process that cannot load the program to come fails the deploy, and its writes go on", async () => {
  const open = severalBackends();
  const [left, right] = [await open(), await open({ runScheduled: false, env: { PLACE: "right" } })];
  await push(left, await counting("1", "1"));
  for (let score = 0; score < 4; score++) await call(left, "app:add", { score });
  const second = await counting("2", "2");
  const picky = pushedModule("picky.js", 'if (process.env.PLACE === "right") throw new Error("not here");');
  const begun = await startPush(left, { modules: [...second.modules, picky] });
  expect(await waitFor([left], begun)).toBe("complete");
  await call(right, "app:add", { score: 4 });
  await expect(finishPush(left, begun)).rejects.toMatchObject({ code: "AGGREGATE_BUILD_FAILED" });
  expect([await call(left, "app:version"), await call(right, "app:version")]).toEqual(["1", "1"]);
  expect(await items(right, "1")).toEqual(await scores(left));
});

test("a push whose process dies is taken up by another one, from the beginning", async () => {
  const open = severalBackends();
  const life = { isOver: false };
  const dying = await open({ runScheduled: false }, life);
  const [left, right] = [await open(), await open()];
  await push(left, await counting("1", "1"));
  for (let score = 0; score < 10; score++) await call(left, "app:add", { score });
  await ready(left, "1");
  const begun = await startPush(dying, await counting("2", "2", "(doc) => -doc.score"));
  expect(await waitFor([dying], begun)).toBe("complete");
  life.isOver = true;
  await call(right, "app:add", { score: 10 });
  expect(await items(right, "2")).toHaveLength(11);
  expect(await waitFor([left], begun)).toBe("complete");
  await call(right, "app:add", { score: 11 });
  await finishPush(left, begun);
  expect(await call(right, "app:version")).toBe("2");
  expect(await items(right, "2")).toEqual(
    (await scores(left)).map((score) => -score).toSorted((a, b) => a - b),
  );
});

const plans = (version: string): PushedApp => {
  const validator = (fields: object): object => ({ type: "object", value: fields });
  const number = { fieldType: { type: "number" }, optional: false };
  const fields = version === "1" ? { score: number } : { score: number, points: number };
  const modules = [...appOf(version).modules];
  if (version !== "1") {
    modules.push(
      pushedModule(
        "changes.js",
        `export const points = { [Symbol.for("trueup.transform")]: { kind: "transform", table: "scores", requires: [],
          up: (document) => ({ ...document, points: document.score * 2 }),
          down: ({ points, ...document }) => document } };`,
      ),
    );
  }
  return {
    modules,
    schema: {
      tables: [
        {
          tableName: "scores",
          indexes: [{ indexDescriptor: "by_it", fields: Object.keys(fields) }],
          stagedDbIndexes: [],
          searchIndexes: [],
          stagedSearchIndexes: [],
          vectorIndexes: [],
          stagedVectorIndexes: [],
          documentType: validator(fields),
        },
      ],
      schemaValidation: true,
    },
  };
};

test.each(places)(
  "a transform is prepared while another process writes, and in force in all from one commit on, on %s",
  async (_, newStorage) => {
    const open = severalBackends(newStorage());
    const [left, right] = [await open(), await open({ runScheduled: false })];
    await push(left, plans("1"));
    for (let score = 0; score < 10; score++) await call(left, "app:add", { score });
    const begun = await startPush(left, plans("2"));
    expect(await waitFor([left], begun)).toBe("complete");
    for (let score = 10; score < 20; score++) await call(right, "app:add", { score });
    await finishPush(left, begun);
    const rows = (await call(right, "app:rows", { table: "scores" })) as { points: number }[];
    expect(rows.map(({ points }) => points)).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
    await call(right, "app:add", { score: 20, points: 40 });
    await left.database.background.whenIdle();
    expect(await call(left, "app:rows", { table: "scores" })).toHaveLength(21);
    // One that opens later, or again, has the function too.
    const third = await open();
    expect(await call(third, "app:rows", { table: "scores" })).toHaveLength(21);
  },
);
