import { defineSchema, defineTable, httpActionGeneric, httpRouter, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({
  docs: defineTable(
    v.union(
      v.object({ kind: v.literal("text"), body: v.string(), lang: v.string() }),
      v.object({ kind: v.literal("vector"), at: v.array(v.float64()), lang: v.string() }),
    ),
  )
    .searchIndex("search", { searchField: "body", filterFields: ["lang"] })
    .vectorIndex("near", { vectorField: "at", dimensions: 2, filterFields: ["lang"] }),
  stamped: defineTable({ at: v.commitTs() }).index("by_at", ["at"]),
});

const http = httpRouter();
http.route({
  path: "/echo",
  method: "POST",
  handler: httpActionGeneric(async (ctx, request) => {
    const bodies = await ctx.runQuery(fn<"query">("docs:bodies"), {});
    const name = (await ctx.auth.getUserIdentity())?.name ?? null;
    return Response.json({ body: await request.json(), url: request.url, bodies, name }, { status: 201 });
  }),
});
http.route({
  pathPrefix: "/prefix/",
  method: "GET",
  handler: httpActionGeneric((_ctx, request) => Promise.resolve(new Response(new URL(request.url).search))),
});
const modules = {
  http: { default: http },
  docs: {
    bodies: queryGeneric(async (ctx) =>
      (await ctx.db.query("docs").collect()).map(({ body }) => body ?? null),
    ),
  },
};

describe.each(engines)("HTTP actions, files and searches on %s", (_name, open) => {
  test("requests are answered by the router of http.ts", async () => {
    const t = open({ schema, modules }).withIdentity({ name: "Ada" });
    await t.run((ctx) => ctx.db.insert("docs", { kind: "text", body: "hello", lang: "en" }));
    const response = await t.fetch("/echo", { method: "POST", body: JSON.stringify({ a: 1 }) });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      body: { a: 1 },
      url: "https://some.convex.site/echo",
      bodies: ["hello"],
      name: "Ada",
    });
    expect(await (await t.fetch("/prefix/x?y=1")).text()).toBe("?y=1");
    expect((await t.fetch("/echo")).status).toBe(404);
    await expect(t.fetch("echo")).rejects.toThrow("must start with a `/`");
  });

  test("files are stored, read, listed and deleted, each with its transaction", async () => {
    const t = open({ schema, modules });
    const id = await t.action((ctx) => ctx.storage.store(new Blob(["abc"])));
    expect(await t.query((ctx) => ctx.storage.getUrl(id))).toMatch(/^https:/);
    expect(await t.run((ctx) => ctx.db.system.query("_storage").collect())).toMatchObject([
      { _id: id, size: 3, sha256: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" },
    ]);
    await expect(
      t.run(async (ctx) => {
        const other = await ctx.storage.store(new Blob(["other"]));
        expect(await (await ctx.storage.get(other))?.text()).toBe("other");
        await ctx.storage.delete(id);
        expect(await ctx.storage.getUrl(id)).toBeNull();
        throw new Error("undone");
      }),
    ).rejects.toThrow("undone");
    expect(await t.action(async (ctx) => await (await ctx.storage.get(id))?.text())).toBe("abc");
    await t.mutation((ctx) => ctx.storage.delete(id));
    expect(await t.action((ctx) => ctx.storage.get(id))).toBeNull();
    expect(await t.mutation((ctx) => ctx.storage.generateUploadUrl())).toMatch(/^https:/);
  });

  test("text is searched by the beginnings of words, with filters", async () => {
    const t = open({ schema, modules });
    const search = (text: string, lang: string) =>
      t.query(async (ctx) => {
        const found = await ctx.db
          .query("docs")
          .withSearchIndex("search", (q) => q.search("body", text).eq("lang", lang))
          .take(10);
        return found.map((doc) => (doc.kind === "text" ? doc.body : null));
      });
    await t.run(async (ctx) => {
      for (const [body, lang] of [
        ["Hello World", "en"],
        ["other words", "en"],
        ["hello welt", "de"],
      ] as const) {
        await ctx.db.insert("docs", { kind: "text", body, lang });
      }
    });
    expect(await search("hel", "en")).toEqual(["Hello World"]);
    expect(await search("wor hello", "en")).toEqual(["Hello World", "other words"]);
    expect(await search("nothing", "de")).toEqual([]);
  });

  test("vectors are found by direction, with filters", async () => {
    const t = open({ schema, modules });
    const ids = await t.run(async (ctx) => {
      const insert = (at: number[], lang: string) => ctx.db.insert("docs", { kind: "vector", at, lang });
      return [await insert([1, 0], "en"), await insert([1, 1], "en"), await insert([0, 1], "de")];
    });
    const near = await t.action((ctx) =>
      ctx.vectorSearch("docs", "near", { vector: [2, 0.1], limit: 2, filter: (q) => q.eq("lang", "en") }),
    );
    expect(near.map(({ _id }) => _id)).toEqual([ids[0], ids[1]]);
    expect(near[0]!._score).toBeCloseTo(0.9988, 3);
  });

  test("commit timestamps grow, and are those of the commit", async () => {
    const t = open({ schema, modules });
    const stamp = () =>
      t.run(async (ctx) => {
        await ctx.db.insert("stamped", { at: ctx.db.vars.commitTs });
        await ctx.db.insert("stamped", { at: ctx.db.vars.commitTs });
      });
    await stamp();
    await stamp();
    const stamps = await t.query(async (ctx) =>
      (await ctx.db.query("stamped").withIndex("by_at").collect()).map(({ at }) => at as bigint),
    );
    expect(stamps[0]).toBe(stamps[1]);
    expect(stamps[2]).toBe(stamps[3]);
    expect(stamps[2]! > stamps[1]!).toBe(true);
    expect(await t.query((ctx) => Promise.resolve(ctx.meta.getSnapshotTs()))).toBeGreaterThanOrEqual(
      stamps[3]!,
    );
  });

  test("a union at the top of a table takes each of its shapes and no other", async () => {
    const t = open({ schema, modules });
    await t.run((ctx) => ctx.db.insert("docs", { kind: "vector", at: [1, 2], lang: "x" }));
    await expect(
      t.run((ctx) => ctx.db.insert("docs", { kind: "vector", body: "x", lang: "x" } as never)),
    ).rejects.toThrow("Validator error");
  });
});
