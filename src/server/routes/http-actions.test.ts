/** What a client gets when an HTTP action throws, in development and in production. */
import { httpActionGeneric, httpRouter } from "convex/server";
import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { memory, openBackend } from "../../backend/index.js";
import { startServer } from "../index.js";

const thrown: Readonly<Record<string, () => unknown>> = {
  "/error": () => new Error("the password is 42"),
  "/told": () => new ConvexError({ reason: "closed", count: 1n }),
  "/odd": () => ({
    toString() {
      throw new Error("odd");
    },
  }),
};

const http = httpRouter();
for (const [path, make] of Object.entries(thrown)) {
  const handler = httpActionGeneric(async () => {
    throw make();
  });
  http.route({ path, method: "GET", handler });
}
http.route({ path: "/none", method: "GET", handler: httpActionGeneric(async () => undefined as never) });

const code = expect.stringMatching(/^\[Request ID: [0-9a-f]{16}\] Server Error$/) as string;
const data = { reason: "closed", count: { $integer: "AQAAAAAAAAA=" } };

/** The status and the JSON of each path's answer, and what was logged. */
async function answers(isProduction: boolean) {
  const logged: string[] = [];
  const backend = await openBackend({
    storage: memory(),
    modules: { "convex/http.ts": { default: http } },
    log: (line) => logged.push(line),
    logsFailures: isProduction,
    runScheduled: false,
  });
  const server = await startServer(backend, { port: 0, adminKeys: ["trueup|secret"], isProduction });
  const answer = async (path: string): Promise<unknown> => {
    const response = await fetch(`${server.url}/http${path}`);
    return [response.status, await response.json()];
  };
  try {
    const found: Record<string, unknown> = {};
    for (const path of [...Object.keys(thrown), "/none"]) found[path] = await answer(path);
    return { found, logged };
  } finally {
    await server.close();
    await backend.close();
  }
}

test("in development a client is told what was thrown", async () => {
  const trace = (text: string): unknown => expect.stringContaining(text);
  expect((await answers(false)).found).toEqual({
    "/error": [500, { code, trace: trace("Uncaught Error: the password is 42") }],
    "/told": [500, { code, trace: trace("Uncaught ConvexError"), data }],
    "/odd": [500, { code, trace: "Uncaught value that cannot be shown" }],
    "/none": [500, { code, trace: trace("returned no Response") }],
  });
});

test("in production a client is told an id, and of a ConvexError its data; the log has the rest", async () => {
  const { found, logged } = await answers(true);
  expect(found).toEqual({
    "/error": [500, { code }],
    "/told": [500, { code, trace: expect.stringContaining("Uncaught ConvexError") as string, data }],
    "/odd": [500, { code }],
    "/none": [500, { code }],
  });
  const [, { code: told }] = found["/error"] as [number, { code: string }];
  expect(logged).toContainEqual(expect.stringContaining(`${told}\nUncaught Error: the password is 42`));
});
