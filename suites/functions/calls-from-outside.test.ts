import {
  actionGeneric as action,
  anyApi as api,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { describe, expect, test } from "vitest";
import { openBackend, type Backend, type FunctionFailure, type FunctionOutcome } from "trueup";
import { call, newStorage, openApp, storageNames } from "../setup/open-app.js";
import { fn } from "./references.js";

const messages = {
  send: mutation({
    args: { author: v.id("users"), text: v.string() },
    returns: v.object({ length: v.number() }),
    handler: (_ctx, { text }) => ({ length: (text === "bad" ? "three" : text.length) as number }),
  }),
  user: mutation(async ({ db }) => await db.insert("users", { name: "Ann" })),
  whoami: query(async ({ auth }) => (await auth.getUserIdentity())?.subject ?? null),
  secret: internalMutation(() => 42),
  nothing: query(() => undefined),
  thrown: query(() => {
    throw new ConvexError({ code: 7n });
  }),
  broken: query(() => {
    throw new TypeError("x is undefined");
  }),
  date: query(() => new Date() as never),
  default: query(() => "the default export"),
};

function failure(outcome: FunctionOutcome): FunctionFailure {
  if (outcome.status !== "error") throw new Error("expected a failure");
  return outcome;
}

describe.each(storageNames)("calls from outside on %s", (storage) => {
  const open = (): Promise<Backend> => openApp(storage, { modules: { messages } });

  test("are typed by reference, arguments left out where there are none", async () => {
    const app = await open();
    const author = await app.mutation(fn<"mutation">("messages:user"));
    expect(await app.mutation(fn<"mutation">("messages:send"), { author, text: "hello" })).toEqual({
      length: 5,
    });
    expect(await app.query(fn<"query">("messages:nothing"))).toBeNull();
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    expect(await app.query(fn<"query">("messages:whoami"), {}, { identity })).toBe("ann");
    expect(await app.query(fn<"query">("messages:whoami"))).toBeNull();
    await expect(app.query(fn<"query">("messages:broken"))).rejects.toThrow(TypeError);
  });

  test("arguments and results are checked, in Convex's words", async () => {
    const app = await open();
    const author = await call(app, "messages:user");
    const refused = async (args: unknown): Promise<FunctionFailure> =>
      failure(await app.run({ path: "messages:send", args, allowInternal: true }));
    expect(await refused({ author })).toMatchObject({
      error: { code: "INVALID_ARGUMENTS" },
      errorMessage: expect.stringContaining(
        "ArgumentValidationError: Object is missing the required field `text`",
      ),
    });
    expect((await refused({ author, text: 1 })).errorMessage).toContain("Validator: v.string()");
    expect((await refused({ author: "x", text: "" })).errorMessage).toContain("ArgumentValidationError: ");
    expect((await refused({ author, text: "bad" })).errorMessage).toContain("ReturnsValidationError: ");
    expect((await refused([])).errorMessage).toContain("must be an object");
    expect((await refused({ author, text: new Date(0) })).error).toMatchObject({ code: "INVALID_VALUE" });
    await expect(call(app, "messages:date")).rejects.toMatchObject({ code: "INVALID_RETURN" });
  });

  test("the public is told nothing of internal functions, the owner may call them", async () => {
    const app = await open();
    const publicly = async (path: string): Promise<string> =>
      failure(await app.run({ path, allowInternal: false })).errorMessage;
    expect(await call(app, "messages:secret")).toBe(42);
    expect(await publicly("messages:secret")).toContain(
      "Could not find public function for 'messages:secret'",
    );
    expect(await publicly("messages:none")).toContain("Could not find public function for 'messages:none'");
    await expect(call(app, "messages:none")).rejects.toThrow("Could not find function for 'messages:none'");
    expect(await call(app, "messages")).toBe("the default export");
    expect(await call(app, "messages.js:nothing")).toBeNull();
    const asMutation = call(app, "messages:nothing", {}, { kind: "mutation" });
    await expect(asMutation).rejects.toMatchObject({ code: "FUNCTION_WRONG_KIND" });
    const elsewhere = call(app, "a:b", {}, { componentPath: "none" });
    await expect(elsewhere).rejects.toMatchObject({ code: "COMPONENT_MISSING" });
  });

  test("an outcome has the error, a message for clients and the data of a ConvexError", async () => {
    const app = await open();
    const thrown = failure(await app.run({ path: "messages:thrown", allowInternal: true, requestId: "r1" }));
    expect(thrown.errorData).toEqual({ code: 7n });
    expect(thrown.errorMessage).toMatch(/^\[Request ID: r1\] Server Error\nUncaught ConvexError: /);
    const broken = failure(await app.run({ path: "messages:broken", allowInternal: true }));
    expect(broken.errorMessage).toContain("Uncaught TypeError: x is undefined");
    expect(broken.errorData).toBeUndefined();
  });

  test("a backend closes once, waits for what runs, and then refuses", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = action(() => gate.then(() => "done"));
    const app = await openApp(storage, { modules: { run: { slow } } });
    const running = call(app, "run:slow");
    const closing = app.close();
    expect(app.close()).toBe(closing);
    release();
    await closing;
    expect(await running).toBe("done");
    await expect(call(app, "run:slow")).rejects.toMatchObject({ code: "BACKEND_CLOSED" });
  });

  test("a backend without code opens, and says so when it is called", async () => {
    const backend = await openBackend({ storage: newStorage(storage) });
    await expect(call(backend, "a:b")).rejects.toMatchObject({ code: "MODULES_MISSING" });
    await expect(backend.query(api["a"]!["b"]!)).rejects.toMatchObject({ code: "MODULES_MISSING" });
    await backend.close();
  });
});
