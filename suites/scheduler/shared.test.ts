/**
 * Two and three openings of one storage, as servers on one database: each scheduled mutation runs once, each action at most once,
 * each cron job once a tick, whoever stops or dies.
 */
import { actionGeneric, mutationGeneric, queryGeneric, cronJobs } from "convex/server";
import { v } from "convex/values";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { openBackend, type Backend, type ModuleSource, type OpenStorage } from "trueup";
import { JobTable } from "../../src/scheduler/job-table.js";
import { sharedMemory } from "../../src/storage/memory/index.js";
import { fn } from "../functions/references.js";
import { call, openApp } from "../setup/open-app.js";
import { sharedStorages } from "../setup/shared-storages.js";
import { passTime } from "./pass-time.js";

afterEach(() => void vi.useRealTimers());

/** A storage whose openings may be killed: nobody hears of them any more, and they hear of nobody. */
function killable(): { open: OpenStorage; kill: (opening: number) => void } {
  const killed = new Set<number>();
  const { open } = sharedMemory({
    before: (_step, opening) => (killed.has(opening) ? new Promise<void>(() => {}) : undefined),
  });
  return { open, kill: (opening) => void killed.add(opening) };
}

interface Ran {
  /** Actions that were begun, with the opening that did. */
  readonly actions: string[];
  readonly ticks: number[];
}

/** The app as one process has it. */
function appOf(ran: Ran, process: number): Readonly<Record<string, ModuleSource>> {
  const run = {
    note: mutationGeneric({
      args: { text: v.string() },
      handler: async ({ db }, { text }) => void (await db.insert("notes", { text, process })),
    }),
    act: actionGeneric({
      args: { text: v.string() },
      handler: async (_ctx, { text }) => {
        ran.actions.push(`${text} by ${process}`);
        if (text.startsWith("slow")) await new Promise(() => {});
      },
    }),
    tick: actionGeneric(async () => void ran.ticks.push(Date.now())),
    schedule: mutationGeneric({
      args: { name: v.string(), texts: v.array(v.string()) },
      handler: async (ctx, { name, texts }) => {
        const ids: string[] = [];
        for (const text of texts) {
          ids.push(await ctx.scheduler.runAfter(0, fn<"mutation">(`run:${name}`), { text }));
        }
        return ids;
      },
    }),
    notes: queryGeneric(async ({ db }) => await db.query("notes").collect()),
    states: queryGeneric(async ({ db }) => {
      const jobs = await db.system.query("_scheduled_functions").collect();
      return jobs.map(({ state }) => state.kind);
    }),
  };
  return { run };
}

function newRan(): Ran {
  return { actions: [], ticks: [] };
}

/** Opens the app in a process that is killed, so that nobody waits for its end. */
async function openMortal(
  storage: OpenStorage,
  modules: Readonly<Record<string, ModuleSource>>,
): Promise<Backend> {
  const loaders = Object.entries(modules).map(([path, module]) => [`./convex/${path}.ts`, module]);
  return await openBackend({ storage, log: "silent", modules: Object.fromEntries(loaders) });
}

interface Note {
  readonly text: string;
  readonly process: number;
}

async function notesOf(app: Backend): Promise<Note[]> {
  return (await call(app, "run:notes")) as Note[];
}

const texts = Array.from({ length: 60 }, (_, number) => `text ${number}`);

test.each(sharedStorages())(
  "mutations that one process schedules run once each, in both, on %s",
  async (_, newStorage) => {
    const ran = newRan();
    const open = newStorage();
    const first = await openApp(open, { modules: appOf(ran, 0) });
    const second = await openApp(open, { modules: appOf(ran, 1) });
    await call(first, "run:schedule", { name: "note", texts });
    await call(first, "run:schedule", { name: "act", texts });
    await Promise.all([first.scheduler.idle(), second.scheduler.idle()]);
    const notes = await notesOf(second);
    expect(notes.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
    expect(ran.actions.map((text) => text.replace(/ by .*/, "")).toSorted()).toEqual(texts.toSorted());
    expect(await call(second, "run:states")).toEqual(Array.from({ length: 120 }, () => "success"));
  },
);

test("a process looks for jobs because of its own, and not because of those of others", async () => {
  const { open } = sharedMemory();
  const apps: Backend[] = [];
  for (const process of [0, 1, 2]) apps.push(await openApp(open, { modules: appOf(newRan(), process) }));
  const idle = (): Promise<unknown> => Promise.all(apps.map((app) => app.scheduler.idle()));
  await idle();
  const looks = vi.spyOn(JobTable.prototype, "pending");
  onTestFinished(() => looks.mockRestore());
  for (const text of texts) {
    await call(apps[0] as Backend, "run:schedule", { name: "note", texts: [text] });
    await idle();
  }
  expect(await notesOf(apps[1] as Backend)).toHaveLength(texts.length);
  expect(looks.mock.calls.length).toBeLessThan(3 * texts.length);
});

test("a process that is opened leaves the actions of another alone", async () => {
  const ran = newRan();
  const { open, kill } = killable();
  const first = await openMortal(open, appOf(ran, 0));
  await call(first, "run:schedule", { name: "act", texts: ["slow"] });
  await expect.poll(() => ran.actions).toEqual(["slow by 0"]);
  const second = await openApp(open, { modules: appOf(ran, 1) });
  await call(second, "run:schedule", { name: "note", texts });
  await expect.poll(() => notesOf(second)).toHaveLength(texts.length);
  expect(await call(second, "run:states")).toContain("inProgress");
  kill(0);
});

test("what a killed process had is done by another, and its actions fail", async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 1) });
  const ran = newRan();
  const { open, kill } = killable();
  const first = await openMortal(open, appOf(ran, 0));
  await call(first, "run:schedule", { name: "act", texts: ["slow"] });
  await passTime(200);
  expect(ran.actions).toEqual(["slow by 0"]);
  const second = await openApp(open, { modules: appOf(ran, 1) });
  await passTime(3_000);
  kill(0);
  await call(second, "run:schedule", { name: "note", texts });
  await passTime(6_000);
  const early = await notesOf(second);
  expect(early.length).toBeLessThan(texts.length);
  expect(await call(second, "run:states")).toContain("inProgress");
  await passTime(8_000);
  const notes = await notesOf(second);
  expect(notes.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
  expect(notes.every(({ process }) => process === 1)).toBe(true);
  expect((await call(second, "run:states")) as string[]).toEqual(["failed", ...texts.map(() => "success")]);
  expect(ran.actions).toEqual(["slow by 0"]);
});

test("what a process that is closed had is done by another at once", async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 1) });
  const ran = newRan();
  const { open } = sharedMemory();
  const first = await openApp(open, { modules: appOf(ran, 0) });
  const second = await openApp(open, { modules: appOf(ran, 1) });
  await passTime(500);
  const closing = first.close();
  await passTime(200);
  await closing;
  await call(second, "run:schedule", { name: "note", texts });
  await passTime(500);
  expect((await notesOf(second)).map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
});

test("a cron job that calls an action runs once a tick, in one process after the other", async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 1) });
  const ran = newRan();
  const crons = cronJobs();
  crons.interval("tick", { seconds: 5 }, fn<"action">("run:tick") as never);
  const { open } = sharedMemory();
  const modulesOf = (process: number): Readonly<Record<string, ModuleSource>> => ({
    ...appOf(ran, process),
    crons: { default: crons },
  });
  const apps = [];
  for (const process of [0, 1, 2]) apps.push(await openApp(open, { modules: modulesOf(process) }));
  for (const app of apps.slice(0, 2)) {
    await passTime(20_000);
    const closing = app.close();
    await passTime(100);
    await closing;
  }
  await passTime(20_000);
  const places = ran.ticks.map((tick) => Math.round((tick - Date.UTC(2026, 10, 1)) / 5_000));
  expect(new Set(places).size).toBe(places.length);
  expect(places.length).toBeGreaterThan(9);
});
