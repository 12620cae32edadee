import { componentsGeneric, cronJobs, mutationGeneric, type Crons } from "convex/server";
import { v } from "convex/values";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { memory, programFromModules } from "trueup";
import { fn } from "../functions/references.js";
import { call, openApp } from "../setup/open-app.js";
import { makeJobsApp, reopenable } from "./jobs-app.js";
import { passTime } from "./pass-time.js";

const note = fn<"mutation">("run:note");
const hourMs = 3_600_000;

function crons(build: (jobs: Crons) => void): { default: Crons } {
  const jobs = cronJobs();
  build(jobs);
  return { default: jobs };
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-21T10:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

test("an interval is due at once and then every period, a daily job at its hour", async () => {
  const { modules } = makeJobsApp();
  const both = crons((jobs) => {
    jobs.interval("tick", { minutes: 30 }, note, { text: "tick" });
    jobs.daily("noon", { hourUTC: 12, minuteUTC: 0 }, note, { text: "noon" });
  });
  const app = await openApp(memory(), { modules: { ...modules, crons: both } });
  await passTime(0);
  expect(await call(app, "run:notes")).toEqual(["tick"]);
  await passTime(2 * hourMs);
  const notes = (await call(app, "run:notes")) as string[];
  expect(notes.toSorted()).toEqual(["noon", "tick", "tick", "tick", "tick", "tick"]);
  expect(await call(app, "run:jobs")).toEqual([]);
});

test("a failing cron job goes on, a missed one runs once, a removed one no more", async () => {
  const { modules } = makeJobsApp();
  const data = reopenable(memory());
  const lines: string[] = [];
  const hourly = crons((jobs) => {
    jobs.hourly("note", { minuteUTC: 0 }, note, { text: "hour" });
    jobs.hourly("fail", { minuteUTC: 30 }, fn<"mutation">("run:fail"));
  });
  const withCrons = { modules: { ...modules, crons: hourly } };
  const logged = { log: (line: string): unknown => lines.push(line), logsFailures: true };
  const first = await openApp(data, { ...withCrons, ...logged });
  await passTime(2 * hourMs);
  expect(await call(first, "run:notes")).toEqual(["hour", "hour"]);
  expect(lines.filter((line) => line.includes("job failed"))).toHaveLength(2);
  await first.close();
  vi.setSystemTime(Date.parse("2026-11-21T20:10:00Z"));
  const second = await openApp(data, withCrons);
  await passTime(0);
  expect(await call(second, "run:notes")).toHaveLength(3);
  await second.close();
  const third = await openApp(data, { modules });
  await passTime(5 * hourMs);
  expect(await call(third, "run:notes")).toHaveLength(3);
});

test("an action that still runs when its cron job is due again is not called a second time", async () => {
  const { modules, gate } = makeJobsApp();
  const slow = crons((jobs) =>
    jobs.interval("slow", { minutes: 1 }, fn<"action">("run:slow"), { name: "a" }),
  );
  const app = await openApp(memory(), { modules: { ...modules, crons: slow } });
  await passTime(3 * 60_000);
  const open = await gate("a");
  open();
  await passTime(30_000);
  expect(await call(app, "run:notes")).toEqual(["after a"]);
  await passTime(60_000);
  await expect.poll(() => gate("a")).not.toBe(open);
  (await gate("a"))();
});

test.each<[string, (jobs: Crons) => void, string, string]>([
  [
    "a function that does not exist",
    (jobs) => jobs.interval("nightly", { hours: 1 }, fn<"mutation">("run:nothing"), {}),
    "FUNCTION_NOT_FOUND",
    'The cron job "nightly" calls run:nothing: Could not find function',
  ],
  [
    "a module that does not exist",
    (jobs) => jobs.interval("nightly", { hours: 1 }, fn<"mutation">("runs/jobs:note"), {}),
    "FUNCTION_NOT_FOUND",
    'The cron job "nightly" calls runs/jobs:note: Could not find function',
  ],
  [
    "a query",
    (jobs) => jobs.interval("nightly", { hours: 1 }, fn<"mutation">("run:notes"), {}),
    "INVALID_FUNCTION",
    'The cron job "nightly" calls run:notes, which is a query',
  ],
  [
    "a function whose arguments are others",
    (jobs) => jobs.interval("nightly", { hours: 1 }, note, { words: 1 }),
    "INVALID_ARGUMENTS",
    'The cron job "nightly" calls run:note with arguments that do not fit',
  ],
])(
  "a cron job of %s fails the opening and the activation, and is named",
  async (_what, build, code, message) => {
    const { modules } = makeJobsApp();
    const refusal = {
      code,
      message: expect.stringContaining(message) as string,
      details: { cron: "nightly" },
    };
    const bad = { ...modules, crons: crons(build) };
    await expect(openApp(memory(), { modules: bad })).rejects.toMatchObject(refusal);
    const app = await openApp(memory(), { modules });
    const paths = Object.entries(bad).map(([path, module]) => [`./convex/${path}.ts`, module]);
    const next = await programFromModules({ modules: Object.fromEntries(paths) });
    await expect(app.activate(next)).rejects.toMatchObject(refusal);
    expect(await call(app, "run:notes")).toEqual([]);
  },
);

test("a cron job of a component's function fails the opening: it has to be called by one of the app's", async () => {
  const { modules } = makeJobsApp();
  const reference = componentsGeneric()["counter"]?.["lib"]?.["tick"] as unknown as typeof note;
  const load = (): Promise<object> =>
    Promise.resolve(crons((jobs) => jobs.interval("tick", { hours: 1 }, reference, { text: "" })));
  const opening = openApp(memory(), { modules: { ...modules, crons: load } });
  await expect(opening).rejects.toMatchObject({
    code: "MODULE_FAILED",
    message: expect.stringContaining("_reference/childComponent/counter/lib/tick") as string,
  });
});

test("a cron job with ids among its arguments is taken, whatever table they are of", async () => {
  const { modules } = makeJobsApp();
  const byId = { run: mutationGeneric({ args: { id: v.id("notes") }, handler: () => null }) };
  const withId = crons((jobs) =>
    jobs.interval("x", { hours: 1 }, fn<"mutation">("byId:run"), { id: "some id" }),
  );
  await openApp(memory(), { modules: { ...modules, byId, crons: withId } });
});

test("a schedule that cannot be read fails the opening", async () => {
  const { modules } = makeJobsApp();
  const bad = crons((jobs) => jobs.cron("bad", "61 * * * *", note, { text: "" }));
  const opening = openApp(memory(), { modules: { ...modules, crons: bad } });
  await expect(opening).rejects.toMatchObject({ code: "INVALID_CRON" });
});
