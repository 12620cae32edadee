import { actionGeneric, makeFunctionReference, mutationGeneric, queryGeneric } from "convex/server";
import { afterEach, expect, test, vi } from "vitest";
import { call, openApp } from "../setup/open-app.js";

const add = mutationGeneric(async (ctx, { n }: { n: number }) => {
  if (n < 0) throw new Error("too small");
  await ctx.db.insert("numbers", { n });
  return (await ctx.db.query("numbers").collect()).length;
});
const all = queryGeneric((ctx) => ctx.db.query("numbers").collect());
const both = actionGeneric(async (ctx) => {
  await ctx.runMutation(makeFunctionReference<"mutation">("app:add"), { n: 2 });
  return await ctx.runQuery(makeFunctionReference<"query">("app:all"), {});
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("TRUEUP_TRACE=1 prints a line for each function: what it read and wrote, its time and its commit", async () => {
  vi.stubEnv("TRUEUP_TRACE", "1");
  const lines: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(
      String(text)
        .replace(/\d+\.\d ms/, "T ms")
        .replace(/commit \d+/, "commit C"),
    );
    return true;
  });
  const app = await openApp("memory", { modules: { app: { add, all, both } } });
  await call(app, "app:add", { n: 1 });
  await call(app, "app:both");
  await expect(call(app, "app:add", { n: -1 })).rejects.toThrow("too small");
  expect(lines).toEqual([
    "trace mutation app:add 1 read, 1 written, T ms, commit C\n",
    "trace mutation app:add 2 read, 1 written, T ms, commit C\n",
    "trace query app:all 2 read, 0 written, T ms, commit C\n",
    "trace action app:both T ms\n",
    "trace mutation app:add 0 read, 0 written, T ms, failed: too small\n",
  ]);
});

test("without TRUEUP_TRACE nothing is printed", async () => {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const app = await openApp("memory", { modules: { app: { add } } });
  await call(app, "app:add", { n: 1 });
  expect(write).not.toHaveBeenCalled();
});
