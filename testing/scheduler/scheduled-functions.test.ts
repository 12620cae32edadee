import {
  actionGeneric as action,
  anyApi as api,
  componentsGeneric,
  cronJobs,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memory, type OpenStorage } from "trueup";
import { newStorage, openApp, storageNames } from "../open-app.js";

const components: any = componentsGeneric();

afterEach(() => {
  vi.useRealTimers();
});

/** An app that notes what ran, in the order it ran. */
function makeApp() {
  const gates = new Map<string, () => void>();
  const ran: string[] = [];
  const modules = {
    run: {
      note: mutation(async ({ db }, { text }: { text: string }) => { ran.push(text); await db.insert("notes", { text }); }),
      fail: mutation(async ({ db }) => { await db.insert("notes", { text: "lost" }); throw new Error("job failed"); }),
      chain: mutation(async (ctx, { left }: { left: number }) => {
        await ctx.db.insert("notes", { text: `left ${left}` });
        if (left > 0) await ctx.scheduler.runAfter(0, api.run!.chain!, { left: left - 1 });
      }),
      schedule: mutation(async (ctx, { name, args, delay, fail }: any) => {
        const id = await ctx.scheduler.runAfter(delay ?? 0, api.run![name]!, args ?? {});
        if (fail) throw new Error("rolled back");
        return id;
      }),
      at: mutation(async (ctx, { times }: { times: number[] }) => {
        for (const time of times) await ctx.scheduler.runAt(new Date(time), api.run!.note!, { text: `at ${time}` });
      }),
      many: mutation(async (ctx, { count }: { count: number }) => {
        for (let i = 0; i < count; i += 1) await ctx.scheduler.runAfter(0, api.run!.note!, { text: String(i) });
      }),
      bad: mutation(async (ctx, { delay }: { delay: number }) => { await ctx.scheduler.runAfter(delay, api.run!.note!, { text: "" }); }),
      cancel: mutation((ctx, { id }: any) => ctx.scheduler.cancel(id)),
      slow: action(async (ctx, { name }: { name: string }) => {
        await new Promise<void>((resolve) => gates.set(name, resolve));
        await ctx.scheduler.runAfter(0, api.run!.note!, { text: `after ${name}` });
        return name;
      }),
      fromAction: action((ctx) => ctx.scheduler.runAfter(0, api.run!.note!, { text: "from action" })),
      whoami: mutation(async (ctx) => {
        const { scheduledFunctionId } = await (ctx as any).meta.getRequestMetadata();
        await ctx.db.insert("notes", { text: `${(await ctx.auth.getUserIdentity())?.subject ?? "nobody"} ${typeof scheduledFunctionId}` });
      }),
      notes: query(async ({ db }) => (await db.query("notes").collect()).map((note) => note["text"])),
      jobs: query(({ db }) => db.system.query("_scheduled_functions").collect()),
      job: query(({ db }, { id }: any) => db.system.get("_scheduled_functions", id)),
    },
  };
  const waitForGate = async (name: string): Promise<() => void> => {
    for (;;) {
      const open = gates.get(name);
      if (open !== undefined) return open;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { modules, waitForGate, ran };
}

describe.each(storageNames)("scheduled functions on %s", (storage) => {
  test("run once their mutation has committed, and never when it was undone", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    await app.mutation(api.run!.schedule!, { name: "note", args: { text: "ran" } });
    await expect(app.mutation(api.run!.schedule!, { name: "note", args: { text: "no" }, fail: true })).rejects.toThrow();
    await app.action(api.run!.fromAction!);
    await app.scheduler.idle();
    expect(await app.query(api.run!.notes!)).toEqual(["ran", "from action"]);
  });

  test("are documents that show what became of them", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    const before = Date.now();
    const ok = await app.mutation(api.run!.schedule!, { name: "note", args: { text: "x" } });
    const failed = await app.mutation(api.run!.schedule!, { name: "fail" });
    const later = await app.mutation(api.run!.schedule!, { name: "note", args: { text: "y" }, delay: 3_600_000 });
    await app.scheduler.idle();
    const job = (id: unknown): Promise<any> => app.query(api.run!.job!, { id });
    const done = await job(ok);
    expect(done).toEqual({ _id: ok, _creationTime: expect.any(Number), name: "run:note", args: [{ text: "x" }], scheduledTime: expect.any(Number), completedTime: expect.any(Number), state: { kind: "success" } });
    expect(done.scheduledTime).toBeGreaterThanOrEqual(before);
    expect((await job(failed)).state).toEqual({ kind: "failed", error: expect.stringContaining("job failed") });
    expect(await app.query(api.run!.notes!)).toEqual(["x"]);
    expect((await job(later)).state).toEqual({ kind: "pending" });
    expect((await job(later)).completedTime).toBeUndefined();
    await app.mutation(api.run!.cancel!, { id: later });
    await app.mutation(api.run!.cancel!, { id: ok });
    expect([(await job(later)).state.kind, (await job(ok)).state.kind]).toEqual(["canceled", "success"]);
    await expect(app.mutation(api.run!.cancel!, { id: "nonsense" })).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });

  test("run in the order of their times, however many, and set each other off", async () => {
    const { modules, ran } = makeApp();
    const app = await openApp(storage, { modules });
    const past = Date.now() - 1000;
    await app.mutation(api.run!.at!, { times: [past + 30, past + 10, past + 20] });
    await app.scheduler.idle();
    expect(ran).toEqual([10, 20, 30].map((ms) => `at ${past + ms}`));
    await app.mutation(api.run!.many!, { count: 200 });
    await app.scheduler.idle();
    expect(ran.slice(3)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
    await app.mutation(api.run!.chain!, { left: 3 });
    await app.scheduler.idle();
    expect((await app.query(api.run!.notes!) as string[]).filter((text) => text.startsWith("left"))).toEqual(["left 3", "left 2", "left 1", "left 0"]);
  });

  test("know which job they are and are not told who scheduled them", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    await app.mutation(api.run!.schedule!, { name: "whoami" }, { identity });
    await app.scheduler.idle();
    expect(await app.query(api.run!.notes!)).toEqual(["nobody string"]);
  });

  test("times that are no times are refused", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    for (const delay of [-1, NaN, Infinity]) {
      await expect(app.mutation(api.run!.bad!, { delay })).rejects.toMatchObject({ code: "INVALID_SCHEDULED_TIME" });
    }
    await expect(app.mutation(api.run!.schedule!, { name: "notes" })).rejects.toMatchObject({ code: "FUNCTION_WRONG_KIND" });
  });

  test("actions run beside each other and beside mutations; one canceled schedules nothing more", async () => {
    const { modules, waitForGate } = makeApp();
    const app = await openApp(storage, { modules });
    const a = await app.mutation(api.run!.schedule!, { name: "slow", args: { name: "a" } });
    const b = await app.mutation(api.run!.schedule!, { name: "slow", args: { name: "b" } });
    const [openA, openB] = await Promise.all([waitForGate("a"), waitForGate("b")]);
    const state = async (id: unknown): Promise<string> => (await app.query(api.run!.job!, { id }) as any).state.kind;
    expect([await state(a), await state(b)]).toEqual(["inProgress", "inProgress"]);
    await app.mutation(api.run!.cancel!, { id: a });
    openA();
    openB();
    await app.scheduler.idle();
    expect([await state(a), await state(b)]).toEqual(["canceled", "success"]);
    expect(await app.query(api.run!.notes!)).toEqual(["after b"]);
  });

  test("the work that a call set off can be followed by its request id", async () => {
    const { modules } = makeApp();
    const app = await openApp(storage, { modules });
    const call = { allowInternal: true, requestId: "r1" };
    await app.run({ ...call, path: "run:chain", args: { left: 2 } });
    await app.run({ ...call, path: "run:schedule", args: { name: "fail" } });
    await app.run({ ...call, path: "run:schedule", args: { name: "note", args: { text: "z" }, delay: 1e6 } });
    await app.run({ path: "run:chain", args: { left: 5 }, allowInternal: true });
    await app.scheduler.idle();
    expect(await app.scheduler.work("r1")).toEqual({ pending: 1, inProgress: 0, succeeded: 2, failed: 1, canceled: 0, lastError: expect.stringContaining("job failed") });
    expect(await app.scheduler.work("r2")).toEqual({ pending: 0, inProgress: 0, succeeded: 0, failed: 0, canceled: 0 });
    expect(Object.keys((await app.query(api.run!.jobs!) as any)[0])).not.toContain("origin");
  });

  test("a job may call into a component and out of one", async () => {
    const parts = {
      modules: { "./c/lib.ts": {
        later: mutation((ctx, { handle }: any) => ctx.scheduler.runAfter(0, handle, { text: "called back" })),
        put: mutation(async ({ db }) => { await db.insert("rows", {}); }),
        rows: query(async ({ db }) => (await db.query("rows").collect()).length),
        jobs: query(({ db }) => db.system.query("_scheduled_functions").collect()),
      } },
    };
    const { modules } = makeApp();
    const { createFunctionHandle } = await import("convex/server");
    const app = await openApp(storage, {
      components: { part: parts },
      modules: { ...modules, own: {
        into: mutation((ctx) => ctx.scheduler.runAfter(0, components.part.lib.put, {})),
        out: mutation(async (ctx) => ctx.runMutation(components.part.lib.later, { handle: await createFunctionHandle(api.run!.note!) })),
        rows: query((ctx) => ctx.runQuery(components.part.lib.rows, {})),
        jobs: query((ctx) => ctx.runQuery(components.part.lib.jobs, {})),
      } },
    });
    await app.mutation(api.own!.into!);
    await app.mutation(api.own!.out!);
    await app.scheduler.idle();
    expect(await app.query(api.own!.rows!)).toBe(1);
    expect(await app.query(api.run!.notes!)).toEqual(["called back"]);
    expect((await app.query(api.own!.jobs!) as any[]).map((job) => [job.name, job.state.kind])).toEqual([["run:note", "success"]]);
  });
});

/** A storage that stays open when its backend is closed, to be opened again. */
function reopenable(open: OpenStorage): OpenStorage {
  const opened = open();
  return async () => {
    const storage = await opened;
    return new Proxy(storage, {
      get: (target, key) => {
        if (key === "close") return () => Promise.resolve();
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
}

describe.each(storageNames)("after a restart on %s", (storage) => {
  test("pending jobs run, and actions that had begun have failed, once", async () => {
    const { modules } = makeApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules, runScheduled: false });
    await first.mutation(api.run!.schedule!, { name: "note", args: { text: "survived" } });
    const id = await first.mutation(api.run!.schedule!, { name: "slow", args: { name: "a" } });
    await first.database.mutate(async (tx) => {
      await tx.system("").patch(id as string, { state: { kind: "inProgress" } }, "_scheduled_functions");
    });
    await first.close();
    const second = await openApp(data, { modules });
    await second.scheduler.idle();
    expect(await second.query(api.run!.notes!)).toEqual(["survived"]);
    const job: any = await second.query(api.run!.job!, { id });
    expect(job.state).toEqual({ kind: "failed", error: expect.stringContaining("process ended") });
  });

  test("jobs whose function is gone fail with its name", async () => {
    const { modules } = makeApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules, runScheduled: false });
    const id = await first.mutation(api.run!.schedule!, { name: "note", args: { text: "x" } });
    await first.close();
    const { note: _gone, ...rest } = modules.run;
    const second = await openApp(data, { modules: { run: rest } });
    await second.scheduler.idle();
    const job: any = await second.query(api.run!.job!, { id });
    expect(job.state.error).toContain("Could not find function for 'run:note'");
  });

  test("jobs that ended more than a week ago are removed, later ones are kept", async () => {
    const { modules } = makeApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules });
    await first.mutation(api.run!.many!, { count: 5 });
    const kept = await first.mutation(api.run!.schedule!, { name: "note", args: { text: "x" } });
    await first.scheduler.idle();
    await first.database.mutate(async (tx) => {
      const jobs = tx.system("");
      const source = { type: "FullTableScan", tableName: "_scheduled_functions", order: "asc" } as const;
      for (const job of await jobs.stream({ source, operators: [] }).take(5)) {
        await jobs.patch(job._id, { completedTime: Date.now() - 8 * 24 * 3_600_000 }, "_scheduled_functions");
      }
    });
    await first.close();
    const second = await openApp(data, { modules });
    await second.scheduler.idle();
    expect((await second.query(api.run!.jobs!) as any[]).map((job) => job._id)).toEqual([kept]);
  });
});

describe("cron jobs", () => {
  const crons = (build: (jobs: ReturnType<typeof cronJobs>) => void) => {
    const jobs = cronJobs();
    build(jobs);
    return { default: jobs };
  };

  test("an interval is due at once and then every period, a daily job at its hour", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-21T10:00:00Z") });
    const { modules } = makeApp();
    const app = await openApp(memory(), {
      modules: { ...modules, crons: crons((jobs) => {
        jobs.interval("tick", { minutes: 30 }, api.run!.note! as any, { text: "tick" });
        jobs.daily("noon", { hourUTC: 12, minuteUTC: 0 }, api.run!.note! as any, { text: "noon" });
      }) },
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(await app.query(api.run!.notes!)).toEqual(["tick"]);
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect((await app.query(api.run!.notes!) as string[]).sort()).toEqual(["noon", "tick", "tick", "tick", "tick", "tick"]);
    expect(await app.query(api.run!.jobs!)).toEqual([]);
  });

  test("a failing cron job goes on, a missed one runs once, a removed one no more", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-21T10:00:00Z") });
    const { modules } = makeApp();
    const data = reopenable(memory());
    const lines: string[] = [];
    const hourly = crons((jobs) => {
      jobs.hourly("note", { minuteUTC: 0 }, api.run!.note! as any, { text: "hour" });
      jobs.hourly("fail", { minuteUTC: 30 }, api.run!.fail! as any);
    });
    const first = await openApp(data, { modules: { ...modules, crons: hourly }, log: (line) => lines.push(line) });
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(await first.query(api.run!.notes!)).toEqual(["hour", "hour"]);
    expect(lines.filter((line) => line.includes("job failed"))).toHaveLength(2);
    await first.close();
    vi.setSystemTime(Date.parse("2026-11-21T20:10:00Z"));
    const second = await openApp(data, { modules: { ...modules, crons: hourly } });
    await vi.advanceTimersByTimeAsync(0);
    expect(await second.query(api.run!.notes!)).toHaveLength(3);
    await second.close();
    const third = await openApp(data, { modules });
    await vi.advanceTimersByTimeAsync(5 * 3_600_000);
    expect(await third.query(api.run!.notes!)).toHaveLength(3);
  });

  test("a schedule that cannot be read fails the opening", async () => {
    const { modules } = makeApp();
    const bad = crons((jobs) => jobs.cron("bad", "61 * * * *", api.run!.note! as any, { text: "" }));
    await expect(openApp(memory(), { modules: { ...modules, crons: bad } })).rejects.toMatchObject({ code: "INVALID_CRON" });
  });
});

test("timers that tests replace are the ones that are used", async () => {
  vi.useFakeTimers();
  const { modules } = makeApp();
  const app = await openApp(memory(), { modules });
  await app.mutation(api.run!.schedule!, { name: "note", args: { text: "later" }, delay: 60_000 });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(await app.query(api.run!.notes!)).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await app.query(api.run!.notes!)).toEqual(["later"]);
});
