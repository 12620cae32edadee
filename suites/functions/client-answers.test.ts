/** A client's mutation runs once, however often it is sent: its answer is part of its own transaction. */
import { actionGeneric, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { ConvexError, v } from "convex/values";
import { memory, openBackend, sqlite, type Backend, type FunctionOutcome, type OpenStorage } from "trueup";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { forgetSessions } from "../../src/functions/index.js";
import { temporaryFolder } from "../setup/temporary-folder.js";

const inFolder = temporaryFolder();

let fails = false;
const notes = {
  add: mutation({
    args: { text: v.string() },
    handler: async (ctx, { text }) => {
      await ctx.db.insert("notes", { text });
      if (fails) throw new ConvexError("not now");
      return { text, at: (await ctx.db.query("notes").collect()).length };
    },
  }),
  large: mutation({
    args: {},
    handler: async (ctx) => {
      await ctx.db.insert("notes", { text: "large" });
      return "x".repeat(100_000);
    },
  }),
  nothing: mutation({ args: {}, handler: async () => {} }),
  count: query({ args: {}, handler: async (ctx) => (await ctx.db.query("notes").collect()).length }),
  act: actionGeneric({ args: {}, handler: async () => "acted" }),
};

const open = (storage: OpenStorage): Promise<Backend> =>
  openBackend({ storage, modules: { "convex/notes.ts": notes }, log: "silent", runScheduled: false });

let backend: Backend;
beforeEach(async () => {
  fails = false;
  backend = await open(memory());
});
afterEach(async () => {
  await backend.close();
  vi.useRealTimers();
});

const send = (requestId: number, text = "a", sessionId = "session", to = backend): Promise<FunctionOutcome> =>
  to.run({ path: "notes:add", args: { text }, allowInternal: false, once: { sessionId, requestId } });

const count = async (of = backend): Promise<unknown> =>
  await of.run({ path: "notes:count", allowInternal: false });

/** The names of all cells of the app. */
async function cells(): Promise<string[]> {
  const codec = { encode: String, decode: String };
  const { value } = await backend.database.query((tx) => tx.component("").cells(codec).names("", 10_000), {
    limits: null,
  });
  return value;
}

const hourMs = 60 * 60_000;

describe("a mutation that is sent again", () => {
  test("runs once, and is answered what it was answered first", async () => {
    const first = await send(1);
    await send(2, "b");
    expect(await send(1, "whatever")).toMatchObject({ status: "success", value: { text: "a", at: 1 } });
    expect(first).toMatchObject({ value: { text: "a", at: 1 } });
    expect(await count()).toMatchObject({ value: 2 });
  });

  test("runs once when it comes several times at once", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => send(1)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ value: { text: "a", at: 1 } });
    expect(await count()).toMatchObject({ value: 1 });
  });

  test("is another one under another number, or of another session", async () => {
    await send(1);
    await send(11);
    await send(1, "b", "other");
    await send(1, "c", "session/1");
    expect(await count()).toMatchObject({ value: 4 });
  });

  test("runs when it had failed, since nothing of it was kept", async () => {
    fails = true;
    expect(await send(1)).toMatchObject({ status: "error", errorData: "not now" });
    fails = false;
    expect(await send(1)).toMatchObject({ status: "success", value: { text: "a", at: 1 } });
    expect(await count()).toMatchObject({ value: 1 });
  });

  test("does not run again when its answer was too large to be kept; it is told so", async () => {
    const once = { sessionId: "session", requestId: 1 };
    const large = (): Promise<FunctionOutcome> =>
      backend.run({ path: "notes:large", allowInternal: false, once });
    expect(await large()).toMatchObject({ status: "success" });
    expect(await large()).toMatchObject({ status: "error", error: { code: "ANSWER_NOT_KEPT" } });
    expect(await count()).toMatchObject({ value: 1 });
  });

  test("is known even where the app has no table yet", async () => {
    const once = { sessionId: "session", requestId: 1 };
    for (let i = 0; i < 2; i++) {
      const outcome = await backend.run({ path: "notes:nothing", allowInternal: false, once });
      expect(outcome).toMatchObject({ status: "success", value: null });
    }
    expect(await cells()).toEqual(["answer/session/1", "session/session"]);
  });

  test("is known after the server was closed and opened again", async () => {
    const file = inFolder("data.sqlite");
    const before = await open(sqlite(file));
    await send(1, "a", "session", before);
    await before.close();
    const after = await open(sqlite(file));
    expect(await send(1, "b", "session", after)).toMatchObject({ value: { text: "a", at: 1 } });
    expect(await count(after)).toMatchObject({ value: 1 });
    await after.close();
  });
});

describe("answers are kept", () => {
  test("for the thousand latest requests of a session", async () => {
    for (let requestId = 0; requestId <= 1_002; requestId++) await send(requestId);
    const names = await cells();
    expect(names).toHaveLength(1_001);
    expect(names).not.toContain("answer/session/2");
    expect(names).toContain("answer/session/3");
  });

  test("for a day after the session was seen last", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000 * hourMs });
    await send(1, "a", "old");
    await send(1, "a", "busy");
    vi.setSystemTime(1_010 * hourMs);
    await send(2, "a", "busy");
    const forget = async (hour: number): Promise<string[]> => {
      await forgetSessions(backend.database, hour * hourMs);
      return await cells();
    };
    expect(await forget(1_023.9)).toHaveLength(5);
    expect(await forget(1_024)).toEqual(["answer/busy/1", "answer/busy/2", "session/busy"]);
    expect(await forget(1_034)).toEqual([]);
    expect(await send(2, "a", "busy")).toMatchObject({ value: { at: 4 } });
  });

  test("of many sessions, and forgotten in parts", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000 * hourMs });
    for (let session = 0; session < 120; session++) await send(1, "a", `session ${session}`);
    await forgetSessions(backend.database, 1_023 * hourMs);
    expect(await cells()).toHaveLength(240);
    await forgetSessions(backend.database, 1_030 * hourMs);
    expect(await cells()).toEqual([]);
  });
});
