/** Clients of a server that cannot reach its storage for a while. */
import { expect, test, vi } from "vitest";
import {
  add,
  backend,
  openForEachTest,
  Peer,
  server,
  start,
  transitions,
} from "../../../suites/server/sync-peer.js";
import { TrueupError } from "../../errors/index.js";
import type { Storage, StorageTransaction } from "../../storage/storage.js";

openForEachTest();

/** Has the storage answer nothing until `find` is called; `refused` says how often it was asked. */
function loseStorage(): { readonly find: () => void; readonly refused: () => number } {
  const { storage } = backend.database;
  let refused = 0;
  const lost = (): Promise<never> => {
    refused += 1;
    return Promise.reject(new TrueupError("STORAGE_UNAVAILABLE"));
  };
  const spies = [
    vi.spyOn(storage, "snapshot").mockImplementation(lost),
    vi.spyOn(storage, "begin").mockImplementation(lost),
    vi.spyOn(storage, "latest").mockImplementation(lost),
  ];
  const find = (): void => {
    for (const spy of spies) spy.mockRestore();
  };
  return { find, refused: () => refused };
}

/** Lets the next commits happen, while whoever made them hears that the storage was lost; says how many did. */
function loseAnswers(count: number): () => number {
  const { storage } = backend.database;
  const begin: Storage["begin"] = storage.begin.bind(storage);
  let lost = 0;
  vi.spyOn(storage, "begin").mockImplementation(async () => {
    const transaction: StorageTransaction = await begin();
    const commit = transaction.commit.bind(transaction);
    transaction.commit = async (request) => {
      const version = await commit(request);
      if (request.writes.length === 0 || lost === count) return version;
      lost += 1;
      throw new TrueupError("STORAGE_UNAVAILABLE");
    };
    return transaction;
  });
  return () => lost;
}

const values = (peer: Peer): unknown[] =>
  transitions(peer.heard).flatMap(({ modifications }) =>
    modifications.map((one) => (one.type === "QueryUpdated" ? one.value : one)),
  );
const responses = (peer: Peer): unknown[] => peer.heard.filter(({ type }) => type === "MutationResponse");

test("what a client watches is shown once the storage is there again, and the client stays connected", async () => {
  await start();
  const peer = await Peer.connect();
  peer.hello();
  peer.watch(0, add(0, "mod:list"));
  await peer.until(1);
  const { find, refused } = loseStorage();
  peer.watch(1, add(1, "mod:who"), add(2, "mod:list"));
  await expect.poll(refused).toBeGreaterThan(2);
  expect(values(peer)).toEqual([[]]);
  find();
  await peer.until(2);
  expect(values(peer)).toEqual([[], null, []]);
});

test("a query that is outdated while the storage is away is shown anew, whatever failed meanwhile", async () => {
  await start();
  const [peer, other] = [await Peer.connect(), await Peer.connect()];
  for (const each of [peer, other]) {
    each.hello();
    each.watch(0, add(0, "mod:list"));
    await each.until(1);
  }
  const { storage } = backend.database;
  const lost = vi
    .spyOn(storage, "snapshot")
    .mockImplementation(() => Promise.reject(new TrueupError("STORAGE_UNAVAILABLE")));
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await expect.poll(() => lost.mock.calls.length).toBeGreaterThan(3);
  expect([values(peer), values(other)]).toEqual([[[]], [[]]]);
  lost.mockRestore();
  for (const each of [peer, other]) await expect.poll(() => values(each)).toEqual([[], [1]]);
});

test("a mutation waits for the storage, and happens once", async () => {
  await start();
  const peer = await Peer.connect();
  peer.hello();
  const { find, refused } = loseStorage();
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  peer.call("Mutation", 2, "mod:insert", { n: 2 });
  await expect.poll(refused).toBeGreaterThan(2);
  expect(peer.heard).toEqual([]);
  find();
  peer.watch(0, add(0, "mod:list"));
  await expect.poll(() => values(peer).at(-1)).toEqual([1, 2]);
  expect(responses(peer)).toMatchObject([
    { requestId: 1, success: true },
    { requestId: 2, success: true },
  ]);
});

test("a mutation that was committed while its answer was lost is answered as what it did, once", async () => {
  await start();
  const peer = await Peer.connect();
  peer.hello();
  const lost = loseAnswers(1);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  peer.watch(0, add(0, "mod:list"));
  await expect.poll(() => responses(peer)).toMatchObject([{ requestId: 1, success: true }]);
  await expect.poll(() => values(peer).at(-1)).toEqual([1]);
  expect(lost()).toBe(1);
});

test("a mutation whose client may not send it again is answered with what is known", async () => {
  await start();
  const peer = await Peer.connect();
  loseAnswers(1);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await peer.until(1);
  expect(peer.heard).toMatchObject([{ success: false, result: expect.stringContaining("could not be") }]);
});

test("a connection that ends while the storage is away leaves its mutation to the next server", async () => {
  await start();
  const peer = await Peer.connect();
  peer.hello();
  const { refused } = loseStorage();
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await expect.poll(refused).toBeGreaterThan(0);
  await server.close();
  expect([await peer.closed, peer.heard]).toEqual([[1001, "ServerShutdown"], []]);
});

test.each(["query", "mutation", "action"])(
  "%ss over HTTP are told that the storage is away",
  async (kind) => {
    await start();
    const path = { query: "mod:list", mutation: "mod:refuse", action: "mod:act" }[kind];
    const { find } = loseStorage();
    const ask = async (): Promise<[number, unknown]> => {
      const response = await fetch(`${server.url}/api/${kind}`, {
        method: "POST",
        body: JSON.stringify({ path, args: {} }),
      });
      return [response.status, await response.json()];
    };
    expect(await ask()).toEqual([503, expect.objectContaining({ code: "STORAGE_UNAVAILABLE" })]);
    find();
    expect(await ask()).toMatchObject([200, {}]);
  },
);
