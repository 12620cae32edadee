import {
  actionGeneric,
  defineSchema,
  httpActionGeneric,
  httpRouter,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({});
const readAtob = fn<"query">("globals:read");
const patch = (text: string): void => {
  globalThis.atob = () => text;
};
const http = httpRouter();
http.route({
  path: "/patch",
  method: "GET",
  handler: httpActionGeneric(async (ctx) => {
    patch("http");
    return Response.json([atob("aGk="), await ctx.runQuery(readAtob, {}), atob("aGk=")]);
  }),
});
const modules = {
  http: { default: http },
  globals: {
    read: queryGeneric(() => Promise.resolve(atob("aGk="))),
    mutate: mutationGeneric(async (ctx): Promise<unknown> => {
      patch("mutation");
      return [atob("aGk="), await ctx.runQuery(readAtob, {})];
    }),
    act: actionGeneric(async (_ctx, { text }: { text: string }): Promise<unknown> => {
      patch(text);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return atob("aGk=");
    }),
    date: mutationGeneric(() => {
      globalThis.Date = class extends Date {
        static override now(): number {
          return 7;
        }
      } as DateConstructor;
      return Promise.resolve(Date.now());
    }),
  },
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each(engines)("globals on %s", (_name, open) => {
  test("that a function replaces are replaced for itself alone", async () => {
    const t = open({ schema, modules });
    expect(await t.mutation(fn<"mutation">("globals:mutate"))).toEqual(["mutation", "hi"]);
    expect(await (await t.fetch("/patch")).json()).toEqual(["http", "hi", "http"]);
    const act = fn<"action">("globals:act");
    expect(await Promise.all([t.action(act, { text: "a" }), t.action(act, { text: "b" })])).toEqual([
      "a",
      "b",
    ]);
    expect(await t.mutation(fn<"mutation">("globals:date"))).toBe(7);
    expect(Date.now()).toBeGreaterThan(7);
    expect(await t.query(readAtob)).toBe("hi");
    expect(atob("aGk=")).toBe("hi");
  });

  test("fetch and timers are missing in transactions, unless the function brings its own", async () => {
    const t = open({ schema, modules });
    await expect(t.run(() => fetch("https://example.com"))).rejects.toThrow("`fetch` is not supported");
    await expect(t.query(() => Promise.resolve(setTimeout(() => {}, 1)))).rejects.toThrow(
      "`setTimeout` is not supported",
    );
    const fetched = t.run(async () => {
      globalThis.fetch = () => Promise.resolve(new Response("mine"));
      return await (await fetch("https://example.com")).text();
    });
    expect(await fetched).toBe("mine");
  });

  test("that a test stubs are what functions see", async () => {
    const t = open({ schema, modules });
    expect(await t.query(readAtob)).toBe("hi");
    vi.stubGlobal("atob", () => "stub");
    expect(await t.query(readAtob)).toBe("stub");
    vi.unstubAllGlobals();
    expect(await t.query(readAtob)).toBe("hi");
  });
});
