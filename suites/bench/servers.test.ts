/**
 * The servers that the bench compares must do the same: what callers are answered over HTTP, and what watchers are shown over
 * WebSocket, is held against each other, with the bench's own clients.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { memory, openBackend } from "trueup";
import { moduleLoaders } from "../../bench/harness/hosts.js";
import { HttpCaller } from "../../bench/harness/http-caller.js";
import { app } from "../../bench/server/app.js";
import { serveBare } from "../../bench/server/bare-server.js";
import { bodyOf, valueOf } from "../../bench/server/peers.js";
import { SyncClient } from "../../bench/server/sync-client.js";
import { startServer } from "../../src/server/index.js";

const score = { player: "Ann", score: 10, note: "a note" };

async function withOurs(use: (port: number) => Promise<void>): Promise<void> {
  const { schema } = app;
  const backend = await openBackend({
    storage: memory(),
    schema,
    modules: moduleLoaders(app),
    log: "silent",
  });
  const server = await startServer(backend, { port: 0 });
  try {
    await use(server.port);
  } finally {
    await server.close();
    await backend.close();
  }
}

async function withBare(
  name: "bare Node + SQLite" | "bare, grouped",
  use: (port: number) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "trueup-bare-"));
  try {
    const { port, close } = await serveBare(name, folder, 0);
    await use(port);
    close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const servers: readonly [string, (use: (port: number) => Promise<void>) => Promise<void>][] = [
  ["ours", withOurs],
  ["bare Node + SQLite", (use) => withBare("bare Node + SQLite", use)],
  ["bare, grouped", (use) => withBare("bare, grouped", use)],
];

test.each(servers)("%s adds scores and gets them again over HTTP", async (_, withServer) => {
  await withServer(async (port) => {
    const caller = await HttpCaller.open(port);
    const id = valueOf(await caller.post("/api/mutation", bodyOf("bench:add", score)));
    const scores = [score, { ...score, player: "Bob" }];
    const ids = valueOf(await caller.post("/api/mutation", bodyOf("bench:fill", { scores }))) as string[];
    expect(new Set([id, ...ids]).size).toBe(3);
    const found = [];
    for (const each of [id, ...ids]) {
      found.push(valueOf(await caller.post("/api/query", bodyOf("bench:get", { id: each }))));
    }
    expect(found).toMatchObject([{ ...score, _id: id }, score, { player: "Bob", _id: ids[1] }]);
    caller.close();
  });
});

test.each(servers)(
  "%s shows a message to all who watch its room, and to nobody else",
  async (_, withServer) => {
    await withServer(async (port) => {
      const caller = await HttpCaller.open(port);
      const shown: string[][] = [[], []];
      const clients = [await SyncClient.open(port), await SyncClient.open(port)];
      await clients[0]?.watch("bench:latest", [{ room: 1 }, { room: 2 }], (text) =>
        shown[0]?.push(text.toString()),
      );
      await clients[1]?.watch("bench:latest", [{ room: 3 }], (text) => shown[1]?.push(text.toString()));
      await caller.post("/api/mutation", bodyOf("bench:say", { rooms: [1, 2], text: "hello" }));
      await expect.poll(() => shown[0]?.join().split("hello").length).toBe(3);
      await caller.post("/api/mutation", bodyOf("bench:say", { rooms: [3], text: "goodbye" }));
      await expect.poll(() => shown[1]?.length).toBe(1);
      expect(shown[1]?.join()).toContain("goodbye");
      expect(shown[1]?.join()).not.toContain("hello");
      await expect(clients[0]?.mutate("bench:add", score)).resolves.toEqual(expect.any(String));
      for (const client of clients) client.close();
      caller.close();
    });
  },
);

test("a caller takes replies in pieces, and refuses those that are no success", async () => {
  const replies = ["200 OK", "200 OK", "500 Internal Server Error"].map(
    (status, index) =>
      `HTTP/1.1 ${status}\r\nContent-Length: ${index + 7}\r\n\r\n${"é".repeat(3)}${"x".repeat(index + 1)}`,
  );
  const server = createServer((socket) => {
    const sendBytes = async (): Promise<void> => {
      for (const byte of Buffer.from(replies.shift() ?? "")) {
        await new Promise((resolve) => void socket.write(Buffer.of(byte), resolve));
      }
    };
    socket.on("data", () => void sendBytes());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const caller = await HttpCaller.open(typeof address === "object" && address !== null ? address.port : 0);
  expect(await caller.post("/", "{}")).toBe("éééx");
  expect(await caller.post("/", "{}")).toBe("éééxx");
  await expect(caller.post("/", "{}")).rejects.toThrow("500");
  caller.close();
  server.close();
});
