import { actionGeneric, httpActionGeneric, httpRouter, mutationGeneric, queryGeneric } from "convex/server";
import { memory, openBackend, type Backend, type EndedCall } from "trueup";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CallLog } from "./call-log.js";

const http = httpRouter();
http.route({ path: "/hi", method: "GET", handler: httpActionGeneric(async () => new Response("hi")) });
const functions = {
  get: queryGeneric(() => {
    console.log("got", 1);
    return 1;
  }),
  fail: mutationGeneric(() => {
    throw new Error("on purpose");
  }),
  later: actionGeneric(async (ctx) => void (await ctx.scheduler.runAfter(0, "f:fail" as never, {}))),
};

let backend: Backend;
let calls: CallLog;
const never = new AbortController().signal;

beforeEach(async () => {
  const modules = { "convex/f.ts": functions, "convex/http.ts": { default: http } };
  backend = await openBackend({ storage: memory(), modules, log: "silent" });
  calls = new CallLog();
  backend.onCallEnded((call) => calls.add(call));
});
afterEach(() => backend.close());

const run = (path: string): Promise<unknown> => backend.run({ path, allowInternal: false });

test("calls are kept as the official CLI reads them: what they logged, how they ended, how long they took", async () => {
  await run("f:get");
  await run("f:fail");
  await run("f:none");
  await backend.fetch(new Request("http://app/hi?x=1"));
  const { entries } = await calls.after(0, never, 0);
  const time = { timestamp: expect.closeTo(Date.now() / 1000, 0), executionTime: expect.any(Number) };
  const entry = {
    kind: "Completion",
    componentPath: "",
    error: null,
    logLines: [],
    requestId: expect.stringMatching(/^[0-9a-f]{16}$/),
    ...time,
  };
  expect(entries).toEqual([
    { ...entry, udfType: "Query", identifier: "f:get", logLines: ["[LOG] 'got' 1"] },
    {
      ...entry,
      udfType: "Mutation",
      identifier: "f:fail",
      error: expect.stringContaining("Uncaught Error: on purpose"),
    },
    { ...entry, udfType: "Query", identifier: "f:none", error: expect.stringContaining("Could not find") },
    { ...entry, udfType: "HttpAction", identifier: "GET /hi" },
  ]);
});

test("scheduled functions are told of, too", async () => {
  await run("f:later");
  await backend.scheduler.idle();
  const { entries } = await calls.after(0, never, 0);
  expect(entries.map(({ identifier }) => identifier)).toEqual(["f:later", "f:fail"]);
});

test("who follows is told of each call once, as soon as it has ended", async () => {
  await run("f:get");
  const first = await calls.after(0, never, 0);
  expect(first.entries).toHaveLength(1);
  const waiting = calls.after(first.newCursor, never, 10_000);
  await run("f:fail");
  const second = await waiting;
  expect(second.entries.map(({ identifier }) => identifier)).toEqual(["f:fail"]);
  expect(await calls.after(second.newCursor, never, 0)).toEqual({ entries: [], newCursor: second.newCursor });
});

test("nobody waits longer than asked for, or after going away, and a cursor of before is behind what comes", async () => {
  const { newCursor } = await calls.after(0, never, 10_000);
  expect(newCursor).toBeGreaterThan(1e15);
  expect(await calls.after(newCursor, AbortSignal.abort(), 10_000)).toEqual({ entries: [], newCursor });
  const gone = new AbortController();
  const waiting = calls.after(newCursor, gone.signal, 10_000);
  gone.abort();
  expect(await waiting).toEqual({ entries: [], newCursor });
  await run("f:get");
  expect((await calls.after(newCursor, never, 0)).entries).toHaveLength(1);
});

test("a call that ends in the moment in which one begins to follow is told of", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
  const { newCursor } = await calls.after(0, never, 0);
  await run("f:get");
  expect((await calls.after(newCursor, never, 0)).entries).toHaveLength(1);
  vi.useRealTimers();
});

test("a thousand calls are kept, or eight megabytes of what they logged", async () => {
  const call: EndedCall = {
    kind: "query",
    path: "f:get",
    componentPath: "",
    requestId: "r",
    logLines: [],
    endedAtMs: 1,
    tookMs: 1,
    errorMessage: null,
  };
  for (let at = 0; at < 1_500; at++) calls.add({ ...call, path: `f:${at}` });
  const { entries } = await calls.after(0, never, 0);
  expect([entries.length, entries[0]?.identifier]).toEqual([1_000, "f:500"]);
  for (let at = 0; at < 20; at++) calls.add({ ...call, logLines: ["x".repeat(1024 * 1024)] });
  expect((await calls.after(0, never, 0)).entries).toHaveLength(8);
});
