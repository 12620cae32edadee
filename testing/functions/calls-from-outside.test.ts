import {
  actionGeneric as action,
  anyApi as api,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { describe, expect, test } from "vitest";
import { openBackend, type FunctionOutcome, type LogEntry } from "trueup";
import { newStorage, openApp, storageNames } from "../open-app.js";

const messages = {
  send: mutation({
    args: { author: v.id("users"), text: v.string() },
    returns: v.object({ length: v.number() }),
    handler: (_ctx, { text }) => ({ length: text === "bad" ? "three" : text.length }) as { length: number },
  }),
  user: mutation(async ({ db }) => await db.insert("users", { name: "Ann" })),
  whoami: query(async ({ auth }) => (await auth.getUserIdentity())?.subject ?? null),
  secret: internalMutation(() => 42),
  nothing: query(() => undefined),
  thrown: query(() => { throw new ConvexError({ code: 7n }); }),
  broken: query(() => { throw new TypeError("x is undefined"); }),
  date: query(() => new Date() as never),
  default: query(() => "the default export"),
};

function error(outcome: FunctionOutcome): FunctionOutcome & { status: "error" } {
  if (outcome.status !== "error") throw new Error("expected a failure");
  return outcome;
}

describe.each(storageNames)("calls from outside on %s", (storage) => {
  const open = () => openApp(storage, { modules: { messages } });

  test("arguments and results are checked, in Convex's words", async () => {
    const app = await open();
    const author: any = await app.mutation(api.messages!.user!);
    expect(await app.mutation(api.messages!.send!, { author, text: "hello" })).toEqual({ length: 5 });
    const refused = async (args: unknown, code: string, text: string): Promise<void> => {
      const call = app.mutation(api.messages!.send!, args as never);
      await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    };
    await refused({ author }, "INVALID_ARGUMENTS", "ArgumentValidationError: Object is missing the required field `text`");
    await refused({ author, text: 1 }, "INVALID_ARGUMENTS", "Validator: v.string()");
    await refused({ author: "x", text: "" }, "INVALID_ARGUMENTS", "ArgumentValidationError");
    await refused({ author, text: "bad" }, "INVALID_RETURN", "ReturnsValidationError: ");
    await refused([], "INVALID_ARGUMENTS", "must be an object");
    await refused({ author, text: new Date(0) }, "INVALID_VALUE", "is not a supported Convex type");
    await expect(app.query(api.messages!.date!)).rejects.toMatchObject({ code: "INVALID_RETURN" });
    expect(await app.query(api.messages!.nothing!)).toBeNull();
  });

  test("the public is told nothing of internal functions, the owner may call them", async () => {
    const app = await open();
    const call = (path: string, allowInternal: boolean): Promise<FunctionOutcome> => app.run({ path, args: {}, allowInternal });
    expect(await call("messages:secret", true)).toMatchObject({ status: "success", value: 42 });
    expect(error(await call("messages:secret", false)).errorMessage).toContain("Could not find public function for 'messages:secret'");
    expect(error(await call("messages:none", false)).errorMessage).toContain("Could not find public function for 'messages:none'");
    expect(error(await call("messages:none", true)).errorMessage).toContain("Could not find function for 'messages:none'");
    expect(await call("messages", true)).toMatchObject({ value: "the default export" });
    expect(await call("messages.js:nothing", true)).toMatchObject({ status: "success", value: null });
    expect(error(await app.run({ path: "messages:nothing", kind: "mutation", allowInternal: true })).error).toMatchObject({ code: "FUNCTION_WRONG_KIND" });
    expect(error(await app.run({ path: "a:b", componentPath: "none", allowInternal: true })).error).toMatchObject({ code: "COMPONENT_MISSING" });
  });

  test("an outcome has the error, a message for clients and the data of a ConvexError", async () => {
    const app = await open();
    const thrown = error(await app.run({ path: "messages:thrown", allowInternal: true, requestId: "r1" }));
    expect(thrown.errorData).toEqual({ code: 7n });
    expect(thrown.errorMessage).toMatch(/^\[Request ID: r1\] Server Error\nUncaught ConvexError: /);
    const broken = error(await app.run({ path: "messages:broken", allowInternal: true }));
    expect(broken.errorMessage).toContain("Uncaught TypeError: x is undefined");
    expect(broken.errorData).toBeUndefined();
    await expect(app.query(api.messages!.broken!)).rejects.toThrow(TypeError);
  });

  test("functions know who calls", async () => {
    const app = await open();
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    expect(await app.query(api.messages!.whoami!, {}, { identity })).toBe("ann");
    expect(await app.query(api.messages!.whoami!)).toBeNull();
  });

  test("a backend closes once, waits for what runs, and then refuses", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => { release = resolve; });
    const app = await openApp(storage, { modules: { run: { slow: action(() => gate.then(() => "done")) } } });
    const running = app.action(api.run!.slow!);
    const closing = app.close();
    expect(app.close()).toBe(closing);
    release();
    await closing;
    expect(await running).toBe("done");
    await expect(app.action(api.run!.slow!)).rejects.toMatchObject({ code: "BACKEND_CLOSED" });
  });

  test("a backend without code opens, and says so when it is called", async () => {
    const backend = await openBackend({ storage: newStorage(storage) });
    const outcome = error(await backend.run({ path: "a:b", allowInternal: true }));
    expect(outcome.error).toMatchObject({ code: "MODULES_MISSING" });
    await backend.close();
  });
});

describe("the console and ctx.meta", () => {
  const run = {
    write: mutation(async (ctx) => {
      console.log("hello", { a: 1 });
      console.warn(3n);
      await ctx.runQuery(api.run!.nested!, {});
      await Promise.resolve().then(() => console.error("later"));
    }),
    nested: query(() => console.debug("nested")),
    many: query(() => { for (let i = 0; i < 1000; i += 1) console.log(i); }),
    meta: mutation(async (ctx) => {
      await ctx.db.insert("rows", {});
      const meta = (ctx as any).meta;
      return [await meta.getFunctionMetadata(), await meta.getTransactionMetrics(), await meta.getDeploymentMetadata(), await meta.getRequestMetadata()];
    }),
  };

  test("what functions write is captured in order, with levels, and goes to the sink", async () => {
    const entries: LogEntry[] = [];
    const lines: string[] = [];
    const app = await openApp("memory", { modules: { run }, log: (line, entry) => { lines.push(line); entries.push(entry); } });
    const outcome = await app.run({ path: "run:write", allowInternal: true });
    expect(outcome.logLines).toEqual(["[LOG] 'hello' { a: 1 }", "[WARN] 3n", "[DEBUG] 'nested'", "[ERROR] 'later'"]);
    expect(lines[0]).toBe("[LOG] run:write 'hello' { a: 1 }");
    expect(entries[2]).toMatchObject({ level: "DEBUG", functionPath: "run:nested", componentPath: "", args: ["nested"] });
    expect((await app.run({ path: "run:many", allowInternal: true })).logLines).toHaveLength(257);
  });

  test("a function knows itself, its transaction, the deployment and the request", async () => {
    const app = await openApp("memory", { modules: { run } });
    const outcome = await app.run({ path: "run:meta", allowInternal: true, requestId: "r1", ip: "::1" });
    const [fn, metrics, deployment, request] = (outcome as { value: any }).value;
    expect(fn).toEqual({ name: "run:meta", componentPath: "", type: "mutation", visibility: "public" });
    expect(metrics.documentsWritten).toEqual({ used: 1, remaining: 15_999 });
    expect(Object.keys(metrics)).toContain("filesRead");
    expect(deployment).toEqual({ name: "trueup", region: null, class: "s16" });
    expect(request).toEqual({ requestId: "r1", ip: "::1", userAgent: null, scheduledFunctionId: null, authToken: null });
  });

  test("features that are not there say so by name", async () => {
    const app = await openApp("memory", {
      modules: {
        run: {
          storage: mutation((ctx) => ctx.storage.generateUploadUrl()),
          search: query((ctx) => ctx.db.query("rows").withSearchIndex("s", (q) => q.search("a", "b")).collect()),
          vector: action((ctx) => ctx.vectorSearch("rows", "v", { vector: [1] })),
        },
      },
    });
    for (const [path, feature] of [["run:storage", "storage.generateUploadUrl"], ["run:search", "Text search"], ["run:vector", "Vector search"]] as const) {
      const outcome = error(await app.run({ path, allowInternal: true }));
      expect(outcome.error).toMatchObject({ code: "FEATURE_NOT_SUPPORTED", message: expect.stringContaining(feature) });
    }
  });

  test("env is seen in process.env by functions only", async () => {
    const app = await openApp("memory", {
      env: { TRUEUP_TEST_SECRET: "s3cret" },
      modules: { run: { secret: query(() => [process.env["TRUEUP_TEST_SECRET"] ?? null, process.env["PATH"] === undefined]) } },
    });
    expect(await app.query(api.run!.secret!)).toEqual(["s3cret", false]);
    expect(process.env["TRUEUP_TEST_SECRET"]).toBeUndefined();
  });
});
