/** A call that never ends, or that fails where nobody waits, ends alone: it has written nothing, and holds up nobody. */
import {
  actionGeneric as action,
  httpActionGeneric,
  httpRouter,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import type { FunctionOutcome, LogEntry } from "trueup";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { logStrayFailures } from "../../src/functions/index.js";
import { openApp, storageNames } from "../setup/open-app.js";
import { fn } from "./references.js";

const never = (): Promise<never> => new Promise(() => {});
const late: unknown[] = [];
let goOn: () => void = () => {};

const http = httpRouter();
http.route({ path: "/never", method: "GET", handler: httpActionGeneric(never) });

const lib = {
  add: mutation(async (ctx) => await ctx.db.insert("rows", {}).then(() => "added")),
  count: query(async (ctx) => (await ctx.db.query("rows").collect()).length),
  stuck: mutation(async (ctx) => {
    await ctx.db.insert("rows", {});
    await new Promise<void>((resolve) => (goOn = resolve));
    await ctx.db.insert("rows", {}).catch((error: { code?: string }) => late.push(error.code));
  }),
  nested: mutation((ctx) => ctx.runMutation(fn<"mutation">("lib:stuck"), {})),
  waits: query(never),
  acts: action(never),
  patient: action(async (ctx) => {
    const failed = await ctx
      .runMutation(fn<"mutation">("lib:stuck"), {})
      .catch((error: { code?: string }) => error.code);
    return [failed, await ctx.runMutation(fn<"mutation">("lib:add"), {})];
  }),
  throwsLater: action(async () => {
    setTimeout(() => {
      throw new Error("in a callback");
    }, 0);
    await never();
  }),
  exits: mutation(async () => process.exit(3)),
  exitsLater: action(async () => {
    setTimeout(() => process.exit(3), 0);
    await never();
  }),
};

describe.each(storageNames)("on %s", (storage) => {
  const open = async (): Promise<{
    run: (path: string) => Promise<FunctionOutcome>;
    log: LogEntry[];
    fetch: (path: string) => Promise<unknown>;
  }> => {
    const log: LogEntry[] = [];
    const app = await openApp(storage, {
      modules: { lib, http: { default: http } },
      timeLimits: { transactionMs: 120, actionMs: 400 },
      log: (_line, entry) => log.push(entry),
    });
    return {
      log,
      run: (path) => app.run({ path: `lib:${path}`, allowInternal: false }),
      fetch: (path) => app.fetch(new Request(`http://app${path}`)),
    };
  };
  const timeout = { status: "error", error: { code: "FUNCTION_TIMEOUT" } };

  test.each(["stuck", "nested"])(
    "a mutation that never ends is undone, and later ones run: %s",
    async (path) => {
      const { run } = await open();
      const outcomes = await Promise.all([run("add"), run(path), run("add"), run("add")]);
      expect(outcomes).toMatchObject([{ value: "added" }, timeout, { value: "added" }, { value: "added" }]);
      expect(await run("count")).toMatchObject({ value: 3 });
      late.length = 0;
      goOn();
      await expect.poll(() => late).toHaveLength(1);
      expect(await run("count")).toMatchObject({ value: 3 });
    },
  );

  test("a query, an action and an HTTP action that never end are ended", async () => {
    const { run, fetch } = await open();
    const failed = fetch("/never").catch((error: { code?: string }) => error.code);
    expect(await Promise.all([run("waits"), run("acts"), failed])).toMatchObject([
      timeout,
      timeout,
      "FUNCTION_TIMEOUT",
    ]);
    expect(await run("add")).toMatchObject({ value: "added" });
  });

  test("an action goes on when a mutation of it was ended", async () => {
    const { run } = await open();
    expect(await run("patient")).toMatchObject({ value: ["FUNCTION_TIMEOUT", "added"] });
  });
});

describe("a server", () => {
  let undo = (): void => {};
  beforeEach(() => {
    undo = logStrayFailures(() => {});
  });
  afterEach(() => undo());

  test.each([
    ["throwsLater", "in a callback"],
    ["exitsLater", "cannot end the process"],
    ["exits", "cannot end the process"],
  ])("ends a call that fails in a callback, or would end the process: %s", async (path, message) => {
    const app = await openApp("memory", { modules: { lib }, log: "silent" });
    expect(await app.run({ path: `lib:${path}`, allowInternal: false })).toMatchObject({
      status: "error",
      errorMessage: expect.stringContaining(message),
    });
    expect(await app.run({ path: "lib:add", allowInternal: false })).toMatchObject({ value: "added" });
  });
});
