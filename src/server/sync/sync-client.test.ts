import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { SyncClient } from "./sync-client.js";

/** A socket on which so much waits to be taken. */
function client(): { socket: { bufferedAmount: number }; terminate: () => void; client: SyncClient } {
  const terminate = vi.fn<() => void>();
  const quiet = {
    pause: vi.fn<() => void>(),
    resume: vi.fn<() => void>(),
    send: vi.fn<() => void>(),
    ping: vi.fn<() => void>(),
    close: vi.fn<() => void>(),
  };
  const socket = { readyState: 1, OPEN: 1, bufferedAmount: 0, terminate, ...quiet };
  return { socket, terminate, client: new SyncClient(socket as unknown as WebSocket) };
}

const pings = (one: SyncClient, count: number): void => {
  for (let at = 0; at < count; at++) one.ping();
};

test("a client of which nothing is heard for a minute of pings is dropped, and one that answers is not", () => {
  const [gone, there] = [client(), client()];
  for (let at = 0; at < 10; at++) {
    pings(gone.client, 1);
    pings(there.client, 1);
    if (at % 4 === 3) there.client.hear();
    expect(gone.terminate).toHaveBeenCalledTimes(at < 4 ? 0 : at - 3);
  }
  expect(there.terminate).not.toHaveBeenCalled();
});

test("one that is not read from for what it asked for is not dropped", () => {
  const held = client();
  const release = held.client.hold();
  pings(held.client, 20);
  expect(held.terminate).not.toHaveBeenCalled();
  release();
  pings(held.client, 5);
  expect(held.terminate).toHaveBeenCalled();
});

test("one that takes what it is sent is there, and one that takes nothing of it is dropped", () => {
  const [slow, stuck] = [client(), client()];
  for (let at = 0; at < 10; at++) {
    slow.socket.bufferedAmount = 1_000_000 - at;
    stuck.socket.bufferedAmount = 1_000_000;
    pings(slow.client, 1);
    pings(stuck.client, 1);
  }
  expect(slow.terminate).not.toHaveBeenCalled();
  expect(stuck.terminate).toHaveBeenCalled();
});
