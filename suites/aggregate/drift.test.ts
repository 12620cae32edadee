/**
 * Writes notice the drift that they meet: whatever damaged a managed aggregate, a write leaves its document with the right item,
 * or the document is noted, or the aggregate says that it is being built anew.
 */
import { describe, expect, test, vi } from "vitest";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import { checkedHostOnEngine, checkedHostOnMock, managed, type OpenCheckedHost } from "./checked-host.js";
import { damageNames, driftNames } from "./damages.js";
import {
  change,
  DriftingBoard,
  expectNoticed,
  expectRight,
  insert,
  management,
  writes,
} from "./drifting-board.js";
import { truthOf } from "./truth.js";
import { seededRandom } from "../setup/random.js";

const hosts: Record<string, OpenCheckedHost> = {
  "on the official mock": checkedHostOnMock,
  "on this engine": () => checkedHostOnEngine("memory"),
};

const seed = Number(process.env["TRUEUP_SEED"]);

for (const [where, open] of Object.entries(hosts)) {
  describe(`drift ${where}`, () => {
    test.each(["item deleted", "item at another key", "item in another namespace", "item with another sum"])(
      "is noticed by any write of the document, named, and mended: %s",
      async (way) => {
        const board = new DriftingBoard(await open());
        await board.build([9, 7]);
        const random = seededRandom(seed);
        for (const kind of writes) {
          const { generation } = await board.status();
          let findings: readonly string[] = [];
          // At a random place, the change may happen to be no damage.
          while (findings.length === 0) {
            await board.damage(way, random);
            ({ findings } = await truthOf(board.host, generation));
          }
          const [, id] = findings[0]?.split(" ") ?? [];
          const error = vi.spyOn(console, "error").mockImplementation(() => {});
          const document = (await board.documents()).find(({ _id }) => _id === id);
          if (document === undefined) throw new Error("the damage is to a document");
          await board.write((ctx) => change(ctx, document, kind));
          expect(await board.status()).toMatchObject({ state: "ready", drift: 1, drifted: [{ id }] });
          expect(error.mock.calls.join()).toContain(id);
          error.mockRestore();
          await board.settle();
          await expectRight(board);
        }
      },
    );

    test("is no drift while it is built, nor when several follow a change", async () => {
      const board = new DriftingBoard(await open());
      await board.build([20, 5]);
      await board.host.run((ctx) => managed.clearAll(ctx));
      for (let isDue = true, round = 0; isDue; round++) {
        ({ due: isDue } = await board.host.run((ctx) => management().advance(ctx)));
        const [first, second] = await board.documents();
        if (first === undefined || second === undefined) throw new Error("there are documents");
        await board.write(async (ctx) => {
          await change(ctx, first, "delete");
          await managed.delete(ctx, first as never);
          await managed.replace(ctx, second as never, { ...second, score: 50 + round } as never);
          await ctx.db.patch(second._id, { score: 50 + round });
          await insert(ctx, round % 3, round);
          const [newest] = await ctx.db.query("scores").order("desc").take(1);
          await managed.insert(ctx, newest);
        });
      }
      await expectRight(board);
      const [first] = await board.documents();
      await board.write(async (ctx) => {
        await managed.delete(ctx, first as never);
        await ctx.db.delete((first as StoredDocument)._id);
      });
      await expectRight(board);
    });

    test("of a tree whose root is lost leaves the status readable: it counts what can be read", async () => {
      const board = new DriftingBoard(await open());
      await board.build([8, 3]);
      const { generation } = await board.status();
      await board.host.inside(async ({ db }) => {
        const trees = await db.query("trees").collect();
        const [lost] = trees.filter((tree) => tree.generation === generation && tree.namespace === "game 0");
        if (lost === undefined) throw new Error("the game has a tree");
        await db.patch("trees", lost._id, { root: `9${lost.root}` });
      });
      expect(await board.status()).toMatchObject({ state: "ready", items: 3, namespaces: 1 });
    });

    test.each([...driftNames, ...damageNames])(
      "leaves no written document wrong unnoticed: %s",
      async (way) => {
        const random = seededRandom(seed);
        vi.spyOn(console, "error").mockImplementation(() => {});
        const board = new DriftingBoard(await open());
        await board.build([8, 3, 1]);
        await board.damage(way, random);
        for (const document of await board.documents()) {
          const kind = writes[Math.floor(random() * writes.length)] ?? "score";
          if ((await board.status()).state === "ready") await expectNoticed(board, document, kind);
        }
        vi.restoreAllMocks();
      },
    );
  });
}
