/** Clients that do not take what they are sent. */
import { expect, test, vi } from "vitest";
import {
  add,
  backend,
  opened,
  openForEachTest,
  Peer,
  start,
  transitions,
} from "../../../suites/server/sync-peer.js";

openForEachTest();

/** How many inserts the last transition that a peer has heard of shows. */
function shownTo(peer: Peer): number {
  const modifications = transitions(peer.heard).at(-1)?.modifications ?? [];
  const [change] = modifications.filter((one) => one.type === "QueryUpdated");
  return change === undefined ? -1 : Number.parseInt(String(change.value), 10);
}

test("a client that takes nothing holds back only itself, is owed one transition, and then sees the newest", async () => {
  await start();
  const [slow, quick] = [await Peer.connect(), await Peer.connect()];
  for (const peer of [slow, quick]) peer.watch(0, add(0, "mod:large"));
  await Promise.all([slow.until(1), quick.until(1)]);
  opened[0]?.pause();
  const total = 40;
  for (let n = 1; n <= total; n++) {
    quick.call("Mutation", n, "mod:insert", { n });
    await expect.poll(() => shownTo(quick), { interval: 2 }).toBe(n);
  }
  expect(shownTo(slow)).toBe(0);
  opened[0]?.resume();
  await expect.poll(() => shownTo(slow)).toBe(total);
  // Some were on their way already, in what the system keeps for a connection.
  expect(slow.heard.length).toBeLessThan(total / 2);
  let reached = transitions(slow.heard)[0]?.startVersion;
  for (const { startVersion, endVersion } of transitions(slow.heard)) {
    expect(startVersion).toEqual(reached);
    reached = endVersion;
  }
});

test("a client that asks for much and takes nothing is not listened to meanwhile, and then answered", async () => {
  await start();
  const run = vi.spyOn(backend, "run");
  const peer = await Peer.connect();
  opened[0]?.pause();
  const total = 60;
  const text = "x".repeat(1024 * 1024);
  for (let n = 0; n < total; n++) peer.call("Action", n, "mod:echo", { text });
  let before = -1;
  while (run.mock.calls.length !== before) {
    before = run.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(before).toBeLessThan(total);
  opened[0]?.resume();
  await peer.until(total);
  expect(run).toHaveBeenCalledTimes(total);
});
