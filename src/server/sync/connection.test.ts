/** How a connection begins and ends, and what ends it. */
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  adminKey,
  backend,
  openForEachTest,
  Peer,
  server,
  sessionId,
  start,
} from "../../../suites/server/sync-peer.js";
import type { ServerMessage } from "./server-messages.js";

openForEachTest();

test("a failure of the server itself ends the connection, so that the client comes back", async () => {
  await start();
  vi.spyOn(backend, "run").mockRejectedValue(new Error("broken"));
  const [first, second] = [await Peer.connect(), await Peer.connect()];
  first.call("Mutation", 1, "mod:insert", { n: 1 });
  expect(await first.closed).toEqual([1011, "InternalServerError"]);
  second.call("Action", 1, "mod:act");
  expect(await second.closed).toEqual([1011, "InternalServerError"]);
  expect([first.heard, second.heard]).toEqual([[], []]);
});

test.each([
  [
    "connects twice",
    [
      { type: "Connect", sessionId },
      { type: "Connect", sessionId },
    ],
  ],
  ["authenticates at another version", [{ type: "Authenticate", baseVersion: 1, tokenType: "None" }]],
  ["modifies another set", [{ type: "ModifyQuerySet", baseVersion: 1, newVersion: 2, modifications: [] }]],
  ["says what nobody knows", [{ type: "Nonsense" }]],
])("a client that %s is refused for good", async (_what, messages) => {
  await start();
  const peer = await Peer.connect();
  for (const message of messages) peer.say(message);
  expect(await peer.closed).toEqual([1008, "ProtocolError"]);
  expect(peer.heard).toEqual([{ type: "FatalError", error: expect.stringMatching(/./) }]);
});

test.each([
  ["a user's token", { tokenType: "User", value: "token" }],
  ["a wrong key", { tokenType: "Admin", value: "wrong" }],
  ["an identity without a subject", { tokenType: "Admin", value: adminKey, impersonating: {} }],
])("%s is refused with the version that it was for", async (_what, token) => {
  await start();
  const peer = await Peer.connect();
  peer.say({ type: "Authenticate", baseVersion: 0, ...token });
  expect(await peer.closed).toEqual([1008, "AuthError"]);
  expect(peer.heard).toEqual([
    { type: "AuthError", error: expect.stringMatching(/./), baseVersion: 0, authUpdateAttempted: true },
  ]);
});

test("what a client says after its connection was ended is not heard", async () => {
  await start();
  const run = vi.spyOn(backend, "run");
  const peer = await Peer.connect();
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await peer.until(2);
  await server.close();
  expect(await peer.closed).toEqual([1001, "ServerShutdown"]);
  peer.call("Mutation", 2, "mod:insert", { n: 2 });
  await server.close();
  expect(run).toHaveBeenCalledTimes(1);
});

test("an answer is found again by the session's next connection, and by no other session", async () => {
  await start();
  const rows = async (): Promise<unknown> => {
    const outcome = await backend.run({ path: "mod:list", allowInternal: false });
    return outcome.status === "success" && outcome.value;
  };
  const ask = async (hello: object): Promise<ServerMessage | undefined> => {
    const peer = await Peer.connect();
    peer.say(hello);
    peer.call("Mutation", 1, "mod:insert", { n: 1 });
    return (await peer.until(1))[0];
  };
  const first = await ask({ type: "Connect", sessionId });
  expect(await ask({ type: "Connect", sessionId })).toEqual(first);
  expect(await rows()).toEqual([1]);
  expect(await ask({ type: "Connect", sessionId: "another" })).not.toEqual(first);
  expect(await rows()).toEqual([1, 1]);
});

test("a silent connection is told every fifteen seconds that the server is there", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await start();
  const peer = await Peer.connect();
  vi.advanceTimersByTime(14_999);
  vi.advanceTimersByTime(1);
  vi.advanceTimersByTime(15_000);
  peer.call("Action", 1, "mod:act");
  while (peer.heard.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(peer.heard).toMatchObject([{ type: "Ping" }, { type: "Ping" }, { type: "ActionResponse" }]);
});

test("connections are taken at the paths of every version of the client, and at no other", async () => {
  await start();
  for (const path of ["/api/sync", "/api/1.48.0-alpha.1/sync", "/api/1.48.0/sync?x=1"]) {
    const peer = await Peer.connect(path);
    peer.call("Action", 1, "mod:act");
    expect(await peer.until(1)).toMatchObject([{ success: true }]);
  }
  for (const path of ["/sync", "/api/a/b/sync", "/api/sync/x", "/x/api/sync", "/"]) {
    const socket = new WebSocket(server.url.replace("http", "ws") + path);
    const error = await new Promise((resolve) => socket.on("error", resolve));
    expect([path, String(error)]).toEqual([path, expect.stringMatching(/404/)]);
  }
});

test("a message may have 32 MiB, and no more", async () => {
  await start();
  const most = 32 * 1024 * 1024;
  const padded = (bytes: number): object => {
    const event = { type: "Event", padding: "" };
    return { ...event, padding: "x".repeat(bytes - JSON.stringify(event).length) };
  };
  const peer = await Peer.connect();
  peer.say(padded(most));
  peer.call("Action", 1, "mod:act");
  await peer.until(1);
  peer.say(padded(most + 1));
  expect((await peer.closed)[0]).toBe(1009);
});
