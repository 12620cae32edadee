/**
 * Drift is noticed by the writes that come upon it: whatever damaged a managed aggregate, a write leaves its document with the
 * right item, or the document is noted, or the aggregate says that it is being built anew.
 */
import { describe, expect, test, vi } from "vitest";
import { managedAggregate, type AggregateStatus } from "trueup/aggregate";
import { Triggers } from "trueup/triggers";
import type { StoredDocument } from "../src/components/aggregate/client/managed/types.js";
import {
  checkedHostOnEngine,
  checkedHostOnMock,
  managed,
  type AppCtx,
  type CheckedHost,
  type OpenCheckedHost,
} from "./aggregate/checked-host.js";
import { damage, damageNames, driftNames } from "./aggregate/damages.js";
import { expectedContents, expectedItem, itemsOfDocument, spaceOf, truthOf } from "./aggregate/truth.js";
import { seededRandom } from "./random.js";

const hosts: Record<string, OpenCheckedHost> = {
  "on the official mock": checkedHostOnMock,
  "on this engine": () => checkedHostOnEngine("memory"),
};

const seed = Number(process.env["TRUEUP_SEED"]);

/** An app whose writes the managed aggregate follows. */
class Board {
  readonly #host: CheckedHost;

  constructor(host: CheckedHost) {
    this.#host = host;
  }

  get host(): CheckedHost {
    return this.#host;
  }

  /** Fills games of the sizes given, and builds the aggregate in small nodes. */
  async build(sizes: readonly number[]): Promise<void> {
    await this.host.run(async (ctx) => {
      for (const [game, size] of sizes.entries())
        for (let index = 0; index < size; index++) await insert(ctx, game, (index * 37) % 101);
      await managed.clearAll(ctx, { maxNodeSize: 4, rootLazy: false });
    });
    await this.settle();
  }

  write<T>(body: (ctx: AppCtx) => Promise<T>): Promise<T> {
    const triggers = new Triggers();
    triggers.register("scores", managed.trigger() as never);
    return this.host.run((ctx) => body(triggers.wrapDB(ctx as never) as never));
  }

  /** Goes on with what is due until nothing is. */
  async settle(): Promise<void> {
    for (let isDue = true; isDue;) ({ due: isDue } = await this.host.run((ctx) => management().advance(ctx)));
  }

  status(): Promise<AggregateStatus> {
    return this.host.run((ctx) => managed.status(ctx));
  }

  async documents(): Promise<StoredDocument[]> {
    return (await this.host.run((ctx) => ctx.db.query("scores").collect())) as StoredDocument[];
  }

  async damage(way: string, random: () => number): Promise<void> {
    const { generation } = await this.status();
    await this.host.inside((ctx) => damage(ctx, way, random, generation));
  }

  async expectRight(): Promise<void> {
    const { generation, state, drift, drifted } = await this.status();
    expect({ state, drift, drifted }).toEqual({ state: "ready", drift: 0, drifted: [] });
    const { damaged, findings, contents } = await truthOf(this.host, generation);
    expect({ damaged: damaged.size, findings }).toEqual({ damaged: 0, findings: [] });
    expect(contents).toEqual(await expectedContents(this.host));
  }
}

function management() {
  const management = managed[managedAggregate];
  if (management === undefined) throw new Error("the aggregate names its table");
  return management;
}

async function insert(ctx: AppCtx, game: number, score: number): Promise<void> {
  await ctx.db.insert("scores", {
    game: `game ${game}`,
    score,
    ...(score % 3 === 0 ? { bonus: score / 4 } : {}),
  });
}

const writes = ["score", "game", "bonus", "delete"] as const;

async function change(ctx: AppCtx, { _id, score, game }: StoredDocument, kind: (typeof writes)[number]) {
  if (kind === "delete") await ctx.db.delete(_id);
  else if (kind === "score") await ctx.db.patch(_id, { score: Number(score) + 1 });
  else if (kind === "game") await ctx.db.patch(_id, { game: game === "game 0" ? "game 1" : "game 0" });
  else await ctx.db.patch(_id, { bonus: Number(score) + 0.5 });
}

/**
 * Writes a document, and fails when it has other items than it should without being noted; those that stood elsewhere before,
 * where the write had no business, aside.
 */
async function expectNoticed(board: Board, document: StoredDocument, kind: (typeof writes)[number]) {
  const { generation } = await board.status();
  const right = expectedItem(document);
  const elsewhere = (await itemsOfDocument(board.host, generation, document._id)).filter(
    (item) => item !== right,
  );
  await board.write((ctx) => change(ctx, document, kind));
  const { state, drifted } = await board.status();
  if (state !== "ready" || drifted.some(({ id }) => id === document._id)) return;
  const after = (await board.documents()).find(({ _id }) => _id === document._id);
  const expected = after === undefined ? [] : [expectedItem(after)];
  const items = await itemsOfDocument(board.host, generation, document._id);
  // A stray that stands where the item belongs now is one no more.
  const strays = elsewhere.filter((item) => !expected.includes(item));
  for (const item of strays) if (items.includes(item)) items.splice(items.indexOf(item), 1);
  // Where two trees have a node in common, a write to one shows in the other, which only a check finds.
  const spaces = [right, ...expected].map(spaceOf);
  expect(items.filter((item) => spaces.includes(spaceOf(item)))).toEqual(expected);
}

for (const [where, open] of Object.entries(hosts)) {
  describe(`drift ${where}`, () => {
    test.each(["item deleted", "item at another key", "item in another namespace", "item with another sum"])(
      "is noticed by any write of the document, named, and mended: %s",
      async (way) => {
        const board = new Board(await open());
        await board.build([9, 7]);
        const random = seededRandom(seed);
        for (const kind of writes) {
          const { generation } = await board.status();
          let findings: readonly string[] = [];
          // At random places, it may happen to be no damage.
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
          await board.expectRight();
        }
      },
    );

    test("is no drift while it is built, nor when several follow a change", async () => {
      const board = new Board(await open());
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
      await board.expectRight();
      const [first] = await board.documents();
      await board.write(async (ctx) => {
        await managed.delete(ctx, first as never);
        await ctx.db.delete((first as StoredDocument)._id);
      });
      await board.expectRight();
    });

    test.each([...driftNames, ...damageNames])(
      "leaves no written document wrong unnoticed: %s",
      async (way) => {
        const random = seededRandom(seed);
        vi.spyOn(console, "error").mockImplementation(() => {});
        const board = new Board(await open());
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
