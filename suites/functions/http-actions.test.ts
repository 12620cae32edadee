import { httpActionGeneric as httpAction, httpRouter, mutationGeneric as mutation } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import type { Backend } from "trueup";
import { openApp } from "../setup/open-app.js";
import { fn } from "./references.js";

function open(): Promise<Backend> {
  const http = httpRouter();
  http.route({
    path: "/notes",
    method: "POST",
    handler: httpAction(async (ctx, request) => {
      const id = await ctx.runMutation(fn<"mutation">("notes:add"), { text: await request.text() });
      return Response.json({ id, who: (await ctx.auth.getUserIdentity())?.subject ?? null }, { status: 201 });
    }),
  });
  http.route({
    pathPrefix: "/broken/",
    method: "GET",
    handler: httpAction(() => Promise.resolve(1 as never)),
  });
  const add = mutation({
    args: { text: v.string() },
    handler: ({ db }, { text }) => db.insert("notes", { text }),
  });
  return openApp("memory", { modules: { http: { default: http }, notes: { add } } });
}

test("the router of http.ts answers requests, on behalf of who makes them", async () => {
  const app = await open();
  const request = new Request("http://localhost/notes", { method: "POST", body: "hello" });
  const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
  const response = await app.fetch(request, { identity });
  expect(response?.status).toBe(201);
  expect(await response?.json()).toEqual({ id: expect.any(String), who: "ann" });
});

test("a request without a route has no answer, one without a response fails", async () => {
  const app = await open();
  expect(await app.fetch(new Request("http://localhost/notes"))).toBeNull();
  const broken = app.fetch(new Request("http://localhost/broken/x"));
  await expect(broken).rejects.toMatchObject({ code: "INVALID_RETURN" });
});
