/** Aggregates that follow a table, by hand and by triggers. */
import { TableAggregate } from "trueup/aggregate";
import { Triggers } from "trueup/triggers";
import { describe, expect, test } from "vitest";
import { codeOf } from "./methods-contract.js";
import { aggregateComponent, type OpenHost, type HostCtx, type HostDataModel } from "./hosts.js";

interface ByGame {
  Key: number;
  DataModel: HostDataModel;
  TableName: "scores";
  Namespace: string;
}

export function tableContract(open: OpenHost): void {
  const byGame = new TableAggregate<ByGame>(aggregateComponent, {
    namespace: (doc) => doc.game,
    sortKey: (doc) => doc.score,
    sumValue: (doc) => doc.score,
  });

  async function addScore(ctx: HostCtx, player: string, score: number, game = "chess") {
    const doc = await ctx.db.get("scores", await ctx.db.insert("scores", { player, score, game }));
    if (doc === null) throw new Error("a document is gone right after it was inserted");
    return doc;
  }

  describe("of a table", () => {
    test("follow documents that are written to them", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        const ann = await addScore(ctx, "ann", 10);
        const bob = await addScore(ctx, "bob", 20);
        await byGame.insert(ctx, ann);
        await byGame.insert(ctx, bob);
        expect(await byGame.max(ctx, { namespace: "chess" })).toEqual({ key: 20, id: bob._id, sumValue: 20 });
        expect(await byGame.indexOfDoc(ctx, bob)).toBe(1);
        expect(await byGame.indexOfDoc(ctx, bob, { order: "desc" })).toBe(0);
        await byGame.replace(ctx, ann, { ...ann, score: 30 });
        expect(await byGame.sum(ctx, { namespace: "chess" })).toBe(50);
        expect(await codeOf(byGame.delete(ctx, ann))).toBe("DELETE_MISSING_KEY");
        await byGame.deleteIfExists(ctx, ann);
        await byGame.replaceOrInsert(ctx, ann, { ...ann, game: "go" });
        await byGame.insertIfDoesNotExist(ctx, bob);
        expect(await byGame.countBatch(ctx, [{ namespace: "chess" }, { namespace: "go" }])).toEqual([2, 1]);
      });
    });

    test("follow every write of a table through triggers", async () => {
      const host = await open();
      const triggers = new Triggers<HostDataModel>();
      triggers.register("scores", byGame.trigger());
      await host.run(async (raw) => {
        const ctx = triggers.wrapDB(raw);
        const ann = await ctx.db.insert("scores", { player: "ann", game: "chess", score: 1 });
        await ctx.db.insert("scores", { player: "bob", game: "chess", score: 5 });
        await ctx.db.patch(ann, { score: 7 });
        expect(await byGame.at(ctx, -1, { namespace: "chess" })).toMatchObject({ key: 7, id: ann });
        await ctx.db.replace(ann, { player: "ann", game: "go", score: 7 });
        expect(await byGame.count(ctx, { namespace: "chess" })).toBe(1);
        await ctx.db.delete(ann);
        expect(await byGame.count(ctx, { namespace: "go" })).toBe(0);
      });
    });

    test("can be filled while they follow: a document that came before, or was filled in, does no harm", async () => {
      const host = await open();
      const triggers = new Triggers<HostDataModel>();
      triggers.register("scores", byGame.idempotentTrigger());
      await host.run(async (raw) => {
        const early = await addScore(raw, "early", 1);
        const gone = await addScore(raw, "gone", 2);
        const ctx = triggers.wrapDB(raw);
        await ctx.db.patch(early._id, { score: 3 });
        await ctx.db.delete(gone._id);
        const late = await ctx.db.insert("scores", { player: "late", game: "chess", score: 4 });
        for (const doc of await raw.db.query("scores").collect()) await byGame.insertIfDoesNotExist(ctx, doc);
        const { page } = await byGame.paginate(ctx, { namespace: "chess" });
        expect(page.map(({ id }) => id)).toEqual([early._id, late]);
      });
    });

    test("of which only counts matter need no key of their own", async () => {
      const host = await open();
      const all = new TableAggregate<{ Key: null; DataModel: HostDataModel; TableName: "scores" }>(
        aggregateComponent,
        {
          sortKey: () => null,
        },
      );
      await host.run(async (ctx) => {
        const docs = [await addScore(ctx, "ann", 1), await addScore(ctx, "bob", 2)];
        for (const doc of docs) await all.insert(ctx, doc);
        expect(await all.count(ctx)).toBe(2);
        expect(await all.sum(ctx)).toBe(0);
        const ids = [(await all.at(ctx, 0)).id, (await all.at(ctx, 1)).id];
        expect(ids).toEqual(docs.map(({ _id }) => _id).toSorted());
      });
    });
  });
}
