import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { ServerConnection } from "./server-connection.js";

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

let server: Server | undefined;
afterEach(() => server?.close());

/** A server that gives every request the same answer, and what it was asked. */
async function answering(
  status: number,
  reply: unknown,
): Promise<{ connection: ServerConnection; seen: Seen[]; logged: string[] }> {
  const seen: Seen[] = [];
  const logged: string[] = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      seen.push({ url: request.url, headers: request.headers, body: JSON.parse(text) });
      response.writeHead(status).end(typeof reply === "string" ? reply : JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const connection = new ServerConnection(`http://127.0.0.1:${port}`, "key", (line) => logged.push(line));
  return { connection, seen, logged };
}

test("a call carries the admin key, the identity, the component and the name of its work", async () => {
  const { connection, seen, logged } = await answering(200, {
    status: "success",
    value: { n: { $integer: "AQAAAAAAAAA=" } },
    logLines: ["[LOG] a"],
  });
  const identity = { subject: "s", issuer: "i", tokenIdentifier: "i|s" };
  const outcome = await connection.call({
    path: "m:f",
    args: { n: 2n },
    componentPath: "c",
    identity,
    requestId: "r",
  });
  expect(outcome).toEqual({ status: "success", value: { n: 1n }, logLines: ["[LOG] a"] });
  expect(logged).toEqual(["[LOG] a"]);
  expect(seen[0]).toMatchObject({
    url: "/api/function",
    body: {
      path: "m:f",
      args: { n: { $integer: "AgAAAAAAAAA=" } },
      format: "convex_encoded_json",
      componentPath: "c",
    },
    headers: { "trueup-request-id": "r", authorization: `Convex key:${btoa(JSON.stringify(identity))}` },
  });
});

test("a query that is watched goes where only queries run", async () => {
  const { connection, seen } = await answering(200, { status: "success", value: null, logLines: [] });
  await connection.call({ path: "m:f", args: {}, componentPath: "", onlyQuery: true });
  expect(seen[0]).toMatchObject({
    url: "/api/query",
    body: { path: "m:f" },
    headers: { authorization: "Convex key" },
  });
});

test("a function's failure is an outcome with its message and data", async () => {
  const { connection } = await answering(560, {
    status: "error",
    errorMessage: "no",
    errorData: [1],
    logLines: [],
  });
  const outcome = await connection.call({ path: "m:f", args: {}, componentPath: "" });
  expect(outcome).toEqual({ status: "error", message: "no", data: [1], logLines: [] });
});

test.each([
  [403, { code: "BadDeployKey", message: "Bad key." }, "ADMIN_KEY_REFUSED"],
  [400, { code: "BadRequest", message: "Unknown component." }, "FUNCTION_FAILED"],
  [502, "<html>", "SERVER_UNREACHABLE"],
])("status %i is a coded error", async (status, reply, code) => {
  const { connection } = await answering(status, reply);
  await expect(connection.call({ path: "m:f", args: {}, componentPath: "" })).rejects.toMatchObject({ code });
});

test("a server that does not answer is a coded error", async () => {
  const gone = new ServerConnection("http://127.0.0.1:9", "key", () => {});
  await expect(gone.work("r")).rejects.toMatchObject({ code: "SERVER_UNREACHABLE", retryable: true });
});
