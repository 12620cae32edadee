/** Calls and transitions in their order, as the official clients rely on them. */
import { queryGeneric } from "convex/server";
import { expect, test, vi } from "vitest";
import {
  add,
  adminKey,
  backend,
  commitOf,
  openForEachTest,
  Peer,
  start,
  transitions,
} from "../../../suites/server/sync-peer.js";
import { programFromModules } from "../../functions/index.js";
import type { StateVersion } from "./server-messages.js";

openForEachTest();

/** Holds calls back until they are let go, one by one. */
function holdCalls(): { started: string[]; letGo: () => void } {
  const started: string[] = [];
  const held: (() => void)[] = [];
  const run = backend.run.bind(backend);
  vi.spyOn(backend, "run").mockImplementation(async (call) => {
    if (call.kind !== "mutation") return await run(call);
    started.push(JSON.stringify(call.args));
    await new Promise<void>((resolve) => held.push(resolve));
    return await run(call);
  });
  return { started, letGo: () => held.shift()?.() };
}

test("a client's mutations run one after the other, in the order in which it sent them", async () => {
  await start();
  const { started, letGo } = holdCalls();
  const peer = await Peer.connect();
  for (const n of [1, 2, 3]) peer.call("Mutation", n, "mod:insert", { n });
  // An action waits for no mutation, so once it is answered a second mutation would have begun.
  peer.call("Action", 9, "mod:act");
  await peer.until(1);
  expect([started, peer.heard]).toMatchObject([['{"n":1}'], [{ type: "ActionResponse", requestId: 9 }]]);
  for (const count of [1, 2, 3]) {
    await expect.poll(() => started.length).toBe(count);
    letGo();
  }
  await expect
    .poll(() => peer.heard.flatMap((message) => ("requestId" in message ? [message.requestId] : [])))
    .toEqual([9, 1, 2, 3]);
  peer.watch(0, add(0, "mod:list"));
  await expect
    .poll(() => transitions(peer.heard).at(-1))
    .toMatchObject({ modifications: [{ type: "QueryUpdated", value: [1, 2, 3] }] });
});

test("the transition after a mutation's answer shows it, though news of the commit come late", async () => {
  const held: (() => void)[] = [];
  const onCommit = backend.database.onCommit.bind(backend.database);
  vi.spyOn(backend.database, "onCommit").mockImplementation((listener) =>
    onCommit((commit) => void held.push(() => listener(commit))),
  );
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:list"));
  await peer.until(1);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  const [, answer] = await peer.until(2);
  expect(answer).toMatchObject({ type: "MutationResponse", requestId: 1, success: true });
  // Whatever was sent meanwhile would come before the answer to this.
  peer.call("Action", 2, "mod:act");
  expect((await peer.until(3))[2]).toMatchObject({ type: "ActionResponse" });
  for (const tell of held) tell();
  const shown = (await peer.until(4))[3];
  expect(shown).toMatchObject({ type: "Transition", modifications: [{ queryId: 0, value: [1] }] });
  const own = answer?.type === "MutationResponse" ? (answer.ts ?? "") : "";
  expect(commitOf(transitions(peer.heard)[1]?.endVersion ?? { ts: "" })).toBeGreaterThanOrEqual(
    commitOf({ ts: own }),
  );
});

test("a mutation that changes no query is shown too, by a transition without modifications", async () => {
  await start();
  const peer = await Peer.connect();
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  const [answer, shown] = await peer.until(2);
  expect([answer, shown]).toMatchObject([{ success: true }, { type: "Transition", modifications: [] }]);
  expect(commitOf(transitions(peer.heard)[0]?.endVersion ?? { ts: "" })).toBeGreaterThanOrEqual(
    commitOf({ ts: answer?.type === "MutationResponse" ? (answer.ts ?? "") : "" }),
  );
});

test("a mutation that throws is answered, shows nothing, and keeps no other from running", async () => {
  await start();
  const peer = await Peer.connect();
  peer.call("Mutation", 1, "mod:refuse");
  peer.call("Mutation", 2, "mod:insert", { n: 2 });
  await peer.until(3);
  expect(peer.heard).toMatchObject([
    { type: "MutationResponse", requestId: 1, success: false, errorData: "refused" },
    { type: "MutationResponse", requestId: 2, success: true },
    { type: "Transition" },
  ]);
  expect(peer.heard[0]).not.toHaveProperty("ts");
});

test("each transition begins where the one before it ended, and shows commits as a whole and in order", async () => {
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:list"));
  const total = 30;
  for (let n = 1; n <= total; n++) {
    peer.call("Mutation", n, "mod:insert", { n });
    if (n % 10 === 0) peer.watch(n / 10, add(n, "mod:who"));
  }
  const isShown = (): boolean =>
    transitions(peer.heard).some(({ modifications }) =>
      modifications.some((change) => change.type === "QueryUpdated" && String(change.value).endsWith(",30")),
    );
  await expect.poll(isShown).toBe(true);
  await expect.poll(() => transitions(peer.heard).at(-1)?.endVersion.querySet).toBe(4);
  let reached: StateVersion = { querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" };
  const answered = new Set<number>();
  for (const message of peer.heard) {
    if (message.type === "MutationResponse") answered.add(message.requestId);
    if (message.type !== "Transition") continue;
    expect(message.startVersion).toEqual(reached);
    expect(commitOf(message.endVersion)).toBeGreaterThanOrEqual(commitOf(reached));
    reached = message.endVersion;
    for (const change of message.modifications) {
      if (change.type !== "QueryUpdated" || change.queryId !== 0) continue;
      const seen = change.value as number[];
      expect(seen).toEqual(seen.map((_, index) => index + 1));
    }
  }
  expect([...answered]).toEqual(Array.from({ length: total }, (_, index) => index + 1));
});

test("a query is told again only when its outcome is another", async () => {
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:list"), add(1, "mod:who"));
  await peer.until(1);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await peer.until(3);
  expect(transitions(peer.heard).flatMap(({ modifications }) => modifications)).toMatchObject([
    { type: "QueryUpdated", queryId: 0, value: [], journal: null },
    { type: "QueryUpdated", queryId: 1, value: null },
    { type: "QueryUpdated", queryId: 0, value: [1] },
  ]);
});

test("a query that is taken away is told once, is not run any more, and may come again", async () => {
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:list"));
  await peer.until(1);
  peer.watch(1, { type: "Remove", queryId: 0 });
  await peer.until(2);
  peer.call("Mutation", 1, "mod:insert", { n: 1 });
  await peer.until(4);
  peer.watch(2, add(0, "mod:list"));
  await peer.until(5);
  peer.watch(3, { type: "Remove", queryId: 0 }, add(0, "mod:who"));
  await peer.until(6);
  expect(
    transitions(peer.heard).map(({ endVersion, modifications }) => [endVersion.querySet, modifications]),
  ).toMatchObject([
    [1, [{ type: "QueryUpdated", queryId: 0, value: [] }]],
    [2, [{ type: "QueryRemoved", queryId: 0 }]],
    [2, []],
    [3, [{ type: "QueryUpdated", queryId: 0, value: [1] }]],
    [4, [{ type: "QueryUpdated", queryId: 0, value: null }]],
  ]);
});

test("an admin's key makes every query run anew as who the client is now", async () => {
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:secret"), add(1, "mod:who"));
  await peer.until(1);
  const impersonating = { issuer: "https://i", subject: "ann" };
  peer.say({ type: "Authenticate", baseVersion: 0, tokenType: "Admin", value: adminKey, impersonating });
  await peer.until(2);
  peer.say({ type: "Authenticate", baseVersion: 1, tokenType: "None" });
  await peer.until(3);
  expect(
    transitions(peer.heard).map(({ endVersion, modifications }) => [endVersion.identity, modifications]),
  ).toMatchObject([
    [
      0,
      [
        { type: "QueryFailed", queryId: 0 },
        { type: "QueryUpdated", queryId: 1, value: null },
      ],
    ],
    [
      1,
      [
        { type: "QueryUpdated", queryId: 0, value: "secret" },
        { type: "QueryUpdated", queryId: 1, value: "ann" },
      ],
    ],
    [
      2,
      [
        { type: "QueryFailed", queryId: 0 },
        { type: "QueryUpdated", queryId: 1, value: null },
      ],
    ],
  ]);
});

test("a call is made as who the client was when it sent it", async () => {
  await start();
  const { letGo } = holdCalls();
  const peer = await Peer.connect();
  peer.say({ type: "Authenticate", baseVersion: 0, tokenType: "Admin", value: adminKey });
  for (const requestId of [1, 2]) {
    peer.say({ type: "Mutation", requestId, udfPath: "mod:insert", args: [{ n: 1 }], componentPath: "none" });
  }
  peer.say({ type: "Authenticate", baseVersion: 1, tokenType: "None" });
  peer.say({
    type: "Mutation",
    requestId: 3,
    udfPath: "mod:insert",
    args: [{ n: 1 }],
    componentPath: "none",
  });
  await expect.poll(() => transitions(peer.heard).at(-1)?.endVersion.identity).toBe(2);
  const results = (): unknown[] =>
    peer.heard.flatMap((message) => (message.type === "MutationResponse" ? [message.result] : []));
  for (const count of [1, 2]) {
    letGo();
    await expect.poll(() => results().length).toBeGreaterThanOrEqual(count);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => results().length).toBe(3);
  const missing = expect.stringMatching(/no component 'none'/);
  expect(results()).toEqual([missing, missing, expect.stringMatching(/^You do not have permission/)]);
});

test.each([
  ["a mutation", "Mutation", "mod:insert", "MutationResponse"],
  ["an action", "Action", "mod:act", "ActionResponse"],
] as const)(
  "%s with more than one argument is answered with what is wrong",
  async (_what, type, udfPath, answer) => {
    await start();
    const peer = await Peer.connect();
    peer.say({ type, requestId: 1, udfPath, args: [{}, {}] });
    await peer.until(1);
    expect(peer.heard).toEqual([
      {
        type: answer,
        requestId: 1,
        success: false,
        result: expect.stringMatching(/one argument/),
        logLines: [],
      },
    ]);
  },
);

test("other code makes every query be told anew", async () => {
  await start();
  const peer = await Peer.connect();
  peer.watch(0, add(0, "mod:who"));
  await peer.until(1);
  const changed = queryGeneric({ args: {}, handler: async () => "changed" });
  await backend.activate(await programFromModules({ modules: { "convex/mod.ts": { who: changed } } }));
  expect((await peer.until(2))[1]).toMatchObject({
    type: "Transition",
    modifications: [{ type: "QueryUpdated", queryId: 0, value: "changed" }],
  });
});
