import {
  createFunctionHandle,
  mutationGeneric as mutation,
  queryGeneric as query,
  type FunctionHandle,
} from "convex/server";
import { v } from "convex/values";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memory, programFromModules, type LogEntry } from "trueup";
import { fn, inComponent } from "../functions/references.js";
import { allStorageNames, call, newStorage, openApp, storageNames } from "../setup/open-app.js";
import { makeJobsApp, reopenable, type Job } from "./jobs-app.js";
import { passTime } from "./pass-time.js";

afterEach(() => {
  vi.useRealTimers();
});

describe.each(allStorageNames)("scheduled functions on %s", (storage) => {
  test("run once their mutation has committed, and never when it was undone", async () => {
    const app = await openApp(storage, makeJobsApp());
    await call(app, "run:schedule", { name: "note", args: { text: "ran" } });
    const undone = call(app, "run:schedule", { name: "note", args: { text: "no" }, fail: true });
    await expect(undone).rejects.toThrow("rolled back");
    await call(app, "run:fromAction");
    await app.scheduler.idle();
    expect(await call(app, "run:notes")).toEqual(["ran", "from action"]);
  });

  test("are documents that show what became of them", async () => {
    const app = await openApp(storage, makeJobsApp());
    const before = Date.now();
    const ok = await call(app, "run:schedule", { name: "note", args: { text: "x" } });
    const failed = await call(app, "run:schedule", { name: "fail" });
    const later = await call(app, "run:schedule", { name: "note", args: { text: "y" }, delay: 3_600_000 });
    await app.scheduler.idle();
    const job = async (id: unknown): Promise<Job> => (await call(app, "run:job", { id })) as Job;
    const done = await job(ok);
    expect(done).toEqual({
      _id: ok,
      _creationTime: expect.any(Number),
      name: "run:note",
      args: [{ text: "x" }],
      scheduledTime: expect.any(Number),
      completedTime: expect.any(Number),
      state: { kind: "success" },
    });
    expect(done.scheduledTime).toBeGreaterThanOrEqual(before);
    expect((await job(failed)).state).toEqual({
      kind: "failed",
      error: expect.stringContaining("job failed"),
    });
    expect(await call(app, "run:notes")).toEqual(["x"]);
    expect(await job(later)).not.toHaveProperty("completedTime");
    expect((await job(later)).state).toEqual({ kind: "pending" });
  });

  test("that fail are logged once, under the id of their request, whether callers' failures are logged or not", async () => {
    for (const logsFailures of [false, true]) {
      const lines: LogEntry[] = [];
      const app = await openApp(storage, {
        ...makeJobsApp(),
        logsFailures,
        log: (_line, entry) => lines.push(entry),
      });
      const ended: string[] = [];
      app.onCallEnded(({ errorMessage, requestId }) => errorMessage !== null && ended.push(requestId));
      await call(app, "run:schedule", { name: "fail" });
      await app.scheduler.idle();
      expect(ended).toHaveLength(1);
      expect(lines).toMatchObject([
        { functionPath: "run:fail", requestId: ended[0], message: expect.stringContaining("job failed") },
      ]);
    }
  });

  test("of a module that failed to import can be scheduled, by reference and by handle, and fail with its error", async () => {
    const { modules } = makeJobsApp();
    const schedule = mutation(async (ctx) => [
      await ctx.scheduler.runAfter(0, fn<"mutation">("broken:run"), {}),
      await ctx.scheduler.runAfter(0, await createFunctionHandle(fn<"mutation">("broken.js:run")), {}),
    ]);
    const app = await openApp(storage, { modules });
    const broken = (): Promise<never> => Promise.reject(new Error("no API key"));
    const sources = { ...modules, plan: { schedule }, broken };
    const paths = Object.entries(sources).map(([path, module]) => [`./convex/${path}.ts`, module]);
    const program = await programFromModules({ modules: Object.fromEntries(paths) });
    await app.activate(program, { moduleFailures: "defer" });
    const ids = (await call(app, "plan:schedule")) as string[];
    await app.scheduler.idle();
    for (const id of ids) {
      expect(await call(app, "run:job", { id })).toMatchObject({
        name: "broken:run",
        state: { kind: "failed", error: expect.stringContaining("no API key") as string },
      });
    }
    await call(app, "run:schedule", { name: "note", args: { text: "still runs" } });
    await app.scheduler.idle();
    expect(await call(app, "run:notes")).toEqual(["still runs"]);
  });

  test("can be canceled until they have ended", async () => {
    const app = await openApp(storage, makeJobsApp());
    const ended = await call(app, "run:schedule", { name: "note", args: { text: "x" } });
    await app.scheduler.idle();
    const later = await call(app, "run:schedule", { name: "note", args: { text: "y" }, delay: 3_600_000 });
    await call(app, "run:cancel", { id: later });
    await call(app, "run:cancel", { id: ended });
    const jobs = (await call(app, "run:jobs")) as Job[];
    expect(jobs.map((job) => job.state.kind)).toEqual(["success", "canceled"]);
    await expect(call(app, "run:cancel", { id: "nonsense" })).rejects.toMatchObject({
      code: "JOB_NOT_FOUND",
    });
  });

  test("know which job they are and are not told who scheduled them", async () => {
    const app = await openApp(storage, makeJobsApp());
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    await call(app, "run:schedule", { name: "whoami" }, { identity });
    await app.scheduler.idle();
    expect(await call(app, "run:notes")).toEqual(["nobody string"]);
  });

  test("times that are no times are refused, and so are queries", async () => {
    const app = await openApp(storage, makeJobsApp());
    for (const delay of [-1, NaN, Infinity]) {
      const refused = call(app, "run:schedule", { name: "note", args: { text: "" }, delay });
      await expect(refused).rejects.toMatchObject({ code: "INVALID_SCHEDULED_TIME" });
    }
    const aQuery = call(app, "run:schedule", { name: "notes" });
    await expect(aQuery).rejects.toMatchObject({ code: "FUNCTION_WRONG_KIND" });
  });

  test("actions run beside each other; one canceled meanwhile schedules nothing more", async () => {
    const { modules, gate } = makeJobsApp();
    const app = await openApp(storage, { modules });
    const a = await call(app, "run:schedule", { name: "slow", args: { name: "a" } });
    await call(app, "run:schedule", { name: "slow", args: { name: "b" } });
    const [openA, openB] = await Promise.all([gate("a"), gate("b")]);
    const states = async (): Promise<string[]> =>
      ((await call(app, "run:jobs")) as Job[]).slice(0, 2).map((job) => job.state.kind);
    expect(await states()).toEqual(["inProgress", "inProgress"]);
    await call(app, "run:cancel", { id: a });
    openA();
    openB();
    await app.scheduler.idle();
    expect(await states()).toEqual(["canceled", "success"]);
    expect(await call(app, "run:notes")).toEqual(["after b"]);
  });

  test("the work that a call set off can be followed by its request id", async () => {
    const app = await openApp(storage, makeJobsApp());
    const requestId = "r1";
    await call(app, "run:chain", { left: 2 }, { requestId });
    await call(app, "run:schedule", { name: "fail" }, { requestId });
    await call(app, "run:schedule", { name: "note", args: { text: "z" }, delay: 1e6 }, { requestId });
    await call(app, "run:chain", { left: 5 });
    await app.scheduler.idle();
    const nothing = { pending: 0, inProgress: 0, succeeded: 0, failed: 0, canceled: 0 };
    const lastError = expect.stringContaining("job failed");
    expect(await app.scheduler.work("r1")).toEqual({
      ...nothing,
      pending: 1,
      succeeded: 2,
      failed: 1,
      lastError,
    });
    expect(await app.scheduler.work("r2")).toEqual(nothing);
    for (const job of (await call(app, "run:jobs")) as object[]) expect(job).not.toHaveProperty("origin");
  });

  test("a job may call into a component and out of one", async () => {
    const part = {
      modules: {
        "./component/lib.ts": {
          later: mutation({
            args: { handle: v.string() },
            handler: (ctx, { handle }) =>
              ctx.scheduler.runAfter(0, handle as FunctionHandle<"mutation">, { text: "called back" }),
          }),
          put: mutation(async ({ db }) => {
            await db.insert("rows", {});
          }),
          rows: query(async ({ db }) => (await db.query("rows").collect()).length),
          jobs: query(({ db }) => db.system.query("_scheduled_functions").collect()),
        },
      },
    };
    const own = {
      into: mutation((ctx) => ctx.scheduler.runAfter(0, inComponent<"mutation">("part/lib/put"), {})),
      out: mutation(async (ctx) => {
        const handle = await createFunctionHandle(fn("run:note"));
        return await ctx.runMutation(inComponent<"mutation">("part/lib/later"), { handle });
      }),
    };
    const { modules } = makeJobsApp();
    const app = await openApp(storage, { modules: { ...modules, own }, components: { part } });
    await call(app, "own:into");
    await call(app, "own:out");
    await app.scheduler.idle();
    const inPart = { componentPath: "part" };
    expect(await call(app, "lib:rows", {}, inPart)).toBe(1);
    expect(await call(app, "run:notes")).toEqual(["called back"]);
    expect(await call(app, "lib:jobs", {}, inPart)).toMatchObject([
      { name: "run:note", state: { kind: "success" } },
    ]);
  });
});

describe.each(storageNames)("in one process, on %s", (storage) => {
  test("run in the order of their times, however many, and set each other off", async () => {
    const { modules, ran } = makeJobsApp();
    const app = await openApp(storage, { modules });
    const past = Date.now() - 1000;
    await call(app, "run:at", { times: [past + 30, past + 10, past + 20] });
    await app.scheduler.idle();
    expect(ran).toEqual([10, 20, 30].map((ms) => `at ${past + ms}`));
    await call(app, "run:many", { count: 200 });
    await app.scheduler.idle();
    expect(ran.slice(3)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
    await call(app, "run:chain", { left: 3 });
    await app.scheduler.idle();
    const notes = (await call(app, "run:notes")) as string[];
    expect(notes.slice(-4)).toEqual(["left 3", "left 2", "left 1", "left 0"]);
  });
});

describe.each(storageNames)("after a restart on %s", (storage) => {
  test("pending jobs run, and actions that had begun have failed, once", async () => {
    const { modules } = makeJobsApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules, runScheduled: false });
    await call(first, "run:schedule", { name: "note", args: { text: "survived" } });
    const id = (await call(first, "run:schedule", { name: "slow", args: { name: "a" } })) as string;
    await first.database.mutate(async (tx) => {
      await tx.system("").patch(id, { state: { kind: "inProgress" } }, "_scheduled_functions");
    });
    await first.close();
    const second = await openApp(data, { modules });
    await second.scheduler.idle();
    expect(await call(second, "run:notes")).toEqual(["survived"]);
    expect(await call(second, "run:job", { id })).toMatchObject({
      state: { kind: "failed", error: expect.stringContaining("process ended") },
    });
  });

  test("jobs whose function is gone fail with its name", async () => {
    const { modules } = makeJobsApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules, runScheduled: false });
    const id = await call(first, "run:schedule", { name: "note", args: { text: "x" } });
    await first.close();
    const { note: _gone, ...rest } = modules.run;
    const second = await openApp(data, { modules: { run: rest } });
    await second.scheduler.idle();
    expect(await call(second, "run:job", { id })).toMatchObject({
      state: { error: expect.stringContaining("Could not find function for 'run:note'") },
    });
  });

  test("jobs that ended more than a week ago are removed, later ones are kept", async () => {
    const { modules } = makeJobsApp();
    const data = reopenable(newStorage(storage));
    const first = await openApp(data, { modules });
    await call(first, "run:many", { count: 5 });
    const kept = await call(first, "run:schedule", { name: "note", args: { text: "x" } });
    await first.scheduler.idle();
    await first.database.mutate(async (tx) => {
      const jobs = tx.system("");
      const source = { type: "FullTableScan", tableName: "_scheduled_functions", order: "asc" } as const;
      for (const job of await jobs.stream({ source, operators: [] }).take(5)) {
        const completedTime = Date.now() - 8 * 24 * 3_600_000;
        await jobs.patch(job._id, { completedTime }, "_scheduled_functions");
      }
    });
    await first.close();
    const second = await openApp(data, { modules });
    await second.scheduler.idle();
    expect(await call(second, "run:jobs")).toMatchObject([{ _id: kept }]);
  });
});

test("timers that tests replace are the ones that are used", async () => {
  vi.useFakeTimers();
  const app = await openApp(memory(), makeJobsApp());
  await call(app, "run:schedule", { name: "note", args: { text: "later" }, delay: 60_000 });
  await passTime(59_000);
  expect(await call(app, "run:notes")).toEqual([]);
  await passTime(2_000);
  expect(await call(app, "run:notes")).toEqual(["later"]);
});
