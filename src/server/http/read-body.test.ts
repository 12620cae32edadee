import { once } from "node:events";
import {
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { HttpError } from "./http-error.js";
import { readBody, receiveBody } from "./read-body.js";

const maxBytes = 1000;

let read: (incoming: IncomingMessage) => Promise<Buffer>;
beforeEach(() => {
  read = (incoming) => readBody(incoming, { maxBytes });
});

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  response.shouldKeepAlive = false;
  try {
    response.end((await read(incoming)).toString("base64"));
  } catch (error) {
    response.statusCode = error instanceof HttpError ? error.status : 500;
    response.end(error instanceof HttpError ? error.code : String(error));
    incoming.resume();
  }
}

const server = createServer((incoming, response) => void answer(incoming, response));
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

/** What the server read of these chunks, or the status and code of its refusal. */
async function send(chunks: readonly Buffer[], headers: OutgoingHttpHeaders = {}): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const sent = request({ port, host: "127.0.0.1", method: "POST", headers });
  const answered = once(sent, "response") as Promise<[IncomingMessage]>;
  for (const chunk of chunks) sent.write(chunk);
  sent.end();
  const [response] = await answered;
  let text = "";
  for await (const part of response) text += String(part);
  return response.statusCode === 200 ? Buffer.from(text, "base64") : [response.statusCode, text];
}

const tooLarge = [413, "PayloadTooLarge"];
const full = Buffer.alloc(maxBytes, "x");
const over = Buffer.alloc(maxBytes + 1, "x");

test("a body with a length may be as long as the limit, and no longer", async () => {
  expect(await send([full], { "Content-Length": maxBytes })).toEqual(full);
  expect(await send([over], { "Content-Length": maxBytes + 1 })).toEqual(tooLarge);
});

test("a body that is announced too long is refused before any of it came", async () => {
  const { port } = server.address() as AddressInfo;
  const headers = { "Content-Length": maxBytes + 1 };
  const sent = request({ port, host: "127.0.0.1", method: "POST", headers });
  sent.flushHeaders();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  sent.on("error", () => {});
  sent.destroy();
});

test("a body without a length may be as long as the limit, and no longer", async () => {
  expect(await send([full])).toEqual(full);
  expect(await send([full.subarray(0, 600), full.subarray(600)])).toEqual(full);
  expect(await send([over])).toEqual(tooLarge);
  expect(await send([full, Buffer.from("x")])).toEqual(tooLarge);
  expect(await send(Array.from({ length: 11 }, () => full.subarray(0, 100)))).toEqual(tooLarge);
});

test("a body that is taken as it came is held to the limit too", async () => {
  read = (incoming) => receiveBody(incoming, { maxBytes });
  expect(await send([full])).toEqual(full);
  expect(await send([over])).toEqual(tooLarge);
  expect(await send([over], { "Content-Length": maxBytes + 1 })).toEqual(tooLarge);
});

test.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
])("what was compressed by %s counts as what it becomes", async (encoding, compress) => {
  const headers = { "Content-Encoding": encoding };
  expect(await send([compress(full)], headers)).toEqual(full);
  expect(await send([compress(over)], headers)).toEqual(tooLarge);
  expect(await send([compress(Buffer.alloc(0))], headers)).toEqual(Buffer.alloc(0));
  expect(await send([full], headers)).toEqual([400, "MalformedBody"]);
});

test("no compression may be named, and no other is known", async () => {
  expect(await send([full], { "Content-Encoding": "identity" })).toEqual(full);
  expect(await send([full], { "Content-Encoding": "deflate" })).toEqual([415, "UnsupportedEncoding"]);
});
