/** Ends the backend of a managed aggregate after every single step: all that a build has to know is in the database. */
import { mutationGeneric } from "convex/server";
import aggregateTest from "trueup/aggregate/test";
import { expect, test } from "vitest";
import type { AggregateHost, HostCtx } from "./hosts.js";
import { Board, declare, expectExact, managementOf } from "./managed-boards.js";
import { newStorage, openApp } from "../setup/open-app.js";

/** Each run has a backend of its own, with code that was loaded anew. */
function reopeningHost(): AggregateHost {
  const storage = newStorage("sqlite");
  return {
    async run<T>(body: (ctx: HostCtx) => Promise<T>): Promise<T> {
      let result: { value: T } | null = null;
      const handler = async (ctx: HostCtx): Promise<void> => {
        result = { value: await body(ctx) };
      };
      const backend = await openApp(storage, {
        modules: { host: { run: mutationGeneric({ args: {}, handler }) } },
        components: { aggregate: aggregateTest },
      });
      try {
        const outcome = await backend.run({ path: "host:run", args: {}, allowInternal: true });
        if (outcome.status === "error") throw outcome.error;
        return (result as unknown as { value: T }).value;
      } finally {
        await backend.close();
      }
    },
    drain: () => Promise.resolve(),
  };
}

test("a build, a swap and the clearing go on where they were, whatever ended in between", async () => {
  const board = new Board(reopeningHost());
  await board.fill(200);
  const first = declare();
  board.followed = [first];
  await board.host.run((ctx) => managementOf(first).begin(ctx));
  for (let round = 0; (await board.step(declare())).state !== "ready"; round++) await board.insert(round);
  await expectExact(board, declare());
  const second = declare({ version: "2", sortKey: (doc) => -doc.score });
  await board.host.run((ctx) => managementOf(second).begin(ctx, { standby: true }));
  board.followed = [first, second];
  while ((await board.step(second)).state !== "ready") await board.insert(5);
  await expectExact(board, first);
  await board.host.run((ctx) => managementOf(second).begin(ctx));
  board.followed = [second];
  expect(await board.settle(second)).toBe("ready");
  await expectExact(board, second, (doc) => -doc.score);
  expect((await board.stored()).generations).toEqual([2]);
});
