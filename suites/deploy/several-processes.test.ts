/** Deploys where several processes share the data: what one puts in place, all of them run from that commit on. */
import { queryGeneric } from "convex/server";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Backend, OpenStorage } from "trueup";
import { catalogKeys } from "../../src/database/catalog/key-layout.js";
import { call } from "../setup/open-app.js";
import { pushedModule, type PushedSource } from "./hand-made-push.js";
import {
  appOf,
  finishPush,
  places,
  push,
  severalBackends,
  startPush,
  waitFor,
  type Life,
} from "./several-backends.js";

async function two(storage?: OpenStorage): Promise<[Backend, Backend]> {
  const open = severalBackends(storage);
  return [await open(), await open()];
}

test.each(places)(
  "a push through one is run by the other from the same commit on, on %s",
  async (_, newStorage) => {
    const [left, right] = await two(newStorage());
    await push(left, appOf("1"));
    expect([await call(left, "app:version"), await call(right, "app:version")]).toEqual(["1", "1"]);
    await push(right, appOf("2"));
    expect([await call(left, "app:version"), await call(right, "app:version")]).toEqual(["2", "2"]);
    expect((await left.deploy.configHashes()).moduleHashes).toEqual(
      (await right.deploy.configHashes()).moduleHashes,
    );
  },
);

test("one that is opened later goes by what is in place, and puts nothing there", async () => {
  const open = severalBackends();
  const left = await open();
  await push(left, appOf("1"));
  const { value: name } = await left.database.query((tx) => Promise.resolve(tx.program));
  const right = await open({ runScheduled: false });
  expect(await call(right, "app:version")).toBe("1");
  expect((await right.database.query((tx) => Promise.resolve(tx.program))).value).toBe(name);
});

test("a push that begins at one is finished at the other", async () => {
  const [left, right] = await two();
  const begun = await startPush(left, appOf("1"));
  expect(await waitFor([right, left], begun)).toBe("complete");
  await finishPush(right, begun);
  expect([await call(left, "app:version"), await call(right, "app:version")]).toEqual(["1", "1"]);
});

test.each(places)("of two pushes at once one is refused whole, on %s", async (_, newStorage) => {
  const [left, right] = await two(newStorage());
  await push(left, appOf("0"));
  const pushes = [await startPush(left, appOf("1")), await startPush(right, appOf("2"))] as const;
  await waitFor([left], pushes[0]);
  await waitFor([right], pushes[1]);
  const ended = await Promise.allSettled([finishPush(left, pushes[0]), finishPush(right, pushes[1])]);
  const refused = ended.filter(({ status }) => status === "rejected");
  expect(refused).toMatchObject([{ reason: { code: "PUSH_OUTDATED" } }]);
  const winner = ended[0]?.status === "fulfilled" ? "1" : "2";
  expect([await call(left, "app:version"), await call(right, "app:version")]).toEqual([winner, winner]);
});

test.each(places)(
  "a change of environment variables is seen everywhere in one commit, on %s",
  async (_, newStorage) => {
    const [left, right] = await two(newStorage());
    await push(left, appOf("1"));
    await left.deploy.updateEnvironment([{ name: "GREETING", value: "hello" }]);
    expect([await call(left, "app:variable"), await call(right, "app:variable")]).toEqual(["hello", "hello"]);
    await right.deploy.updateEnvironment([{ name: "GREETING", value: null }]);
    expect([await call(left, "app:variable"), await call(right, "app:variable")]).toEqual([null, null]);
  },
);

test("one that cannot load a program says so and refuses calls, and goes on with the next", async () => {
  const open = severalBackends();
  const left = await open();
  const logged: string[] = [];
  // Deploys are carried out by those that run what is scheduled.
  const right = await open({
    runScheduled: false,
    env: { PLACE: "right" },
    log: (line) => void logged.push(line),
  });
  await push(left, appOf("1"));
  expect(await call(right, "app:version")).toBe("1");
  await push(left, appOf("2", pushedModule("picky.js", picky)));
  expect(await call(left, "app:version")).toBe("2");
  for (const path of ["app:version", "app:add"]) {
    await expect(call(right, path)).rejects.toMatchObject({ code: "PROGRAM_NOT_LOADED" });
  }
  await expect.poll(() => right.deploy.programFailure?.message).toMatch(/not on this machine/);
  expect(logged.filter((message) => message.includes("not on this machine"))).toHaveLength(1);
  expect((await right.figures()).programFailure?.code).toBe("PROGRAM_NOT_LOADED");
  await push(left, appOf("3"));
  expect(await call(right, "app:version")).toBe("3");
  await expect.poll(() => right.deploy.programFailure).toBeNull();
});

/** Modules that throw where one of the processes runs. */
const picky = `if (process.env.PLACE === "right") throw new Error("not on this machine");`;

test("modules are taken over where they are the same, and refused where others are in place", async () => {
  const open = severalBackends();
  const modulesOf = (version: string): object => ({
    "./convex/app.ts": { version: queryGeneric(version === "1" ? () => "1" : () => "2") },
  });
  const left = await open({ modules: modulesOf("1") as never });
  const right = await open({ modules: modulesOf("1") as never, runScheduled: false });
  expect(await call(right, "app:version")).toBe("1");
  // Background work looks for the program before its modules have come.
  const slow = { "./convex/app.ts": () => pause(100).then(() => Object.values(modulesOf("1"))[0] as object) };
  expect(await call(await open({ modules: slow }), "app:version")).toBe("1");
  await expect(open({ modules: modulesOf("2") as never })).rejects.toMatchObject({
    code: "STORAGE_PROGRAM_DIFFERS",
  });
  const third = await open();
  await expect(call(third, "app:version")).rejects.toMatchObject({ code: "PROGRAM_NOT_LOADED" });
  await push(third, appOf("3"));
  for (const app of [left, right, third]) expect(await call(app, "app:version")).toBe("3");
  await expect(open({ modules: modulesOf("1") as never })).rejects.toMatchObject({
    code: "STORAGE_PROGRAM_DIFFERS",
  });
});

test.each(places)(
  "triggers and cron jobs of what one has pushed are those of the other, on %s",
  async (_, newStorage) => {
    const [left, right] = await two(newStorage());
    await push(left, appOf("1", triggers("1")));
    await call(right, "app:add", { score: 1 });
    await push(right, appOf("2", triggers("2"), pushedModule("crons.js", crons)));
    await call(left, "app:add", { score: 2 });
    const notes = (await call(right, "app:rows", { table: "notes" })) as { note: string }[];
    expect(notes.map(({ note }) => note)).toEqual(["1", "2"]);
  },
);

/** Whether a write of one process that a deploy of the other overtakes is followed by the triggers that this brings. */
async function isFollowed(storage: OpenStorage, forgets: (key: string) => boolean): Promise<boolean> {
  const open = severalBackends(storage);
  const life: Life = { isOver: false };
  const [left, right] = [await open(), await open({ runScheduled: false }, life)];
  await push(left, appOf("1"));
  await call(left, "app:add", { score: 0 });
  life.forgets = forgets;
  let runs = 0;
  await right.database.mutate(async (tx) => {
    if (++runs === 1) await push(left, appOf("2", triggers("2")));
    await tx.component("").insert("scores", { score: 1 });
  });
  return ((await call(left, "app:rows", { table: "notes" })) as unknown[]).length === 1;
}

test.each(places)(
  "every write is validated against the program that it was followed by; else the deploy would miss it, on %s",
  async (_, newStorage) => {
    expect(await isFollowed(newStorage(), () => false)).toBe(true);
    expect(await isFollowed(newStorage(), (key) => key === catalogKeys.head)).toBe(false);
  },
);

const triggers = (note: string): PushedSource =>
  pushedModule(
    "triggers.js",
    `export const triggers = { [Symbol.for("trueup.triggers")]: { registered: { scores: [
      async (ctx) => { await ctx.db.insert("notes", { note: ${JSON.stringify(note)} }); } ] } } };`,
  );

const crons = `export default { isCrons: true, export: () => JSON.stringify({ leapDay: {
  name: "app:add", args: [{}], schedule: { type: "cron", cron: "0 0 29 2 *" } } }) };`;
