/**
 * Takes builds in bulk through every order of reads, writes, packing, merging and lost processes. The test is the keeper: it
 * reads a few documents at a time, each time as the table is then, and sorts what the aggregate makes of them.
 */
import fc from "fast-check";
import type { OpenStorage } from "trueup";
import { sharedMemory } from "../../src/storage/memory/index.js";
import type { BulkBuild } from "../../src/seams/index.js";
import { expect, test } from "vitest";
import { aggregateComponent, hostOnEngine } from "./hosts.js";
import { Board, declare, expectExact, managementOf } from "./managed-boards.js";

/** The functions of the definition fail on it. */
const unlucky = 13;
const aggregate = declare({
  sortKey: (doc) => {
    if (doc.score === unlucky) throw new Error("unlucky");
    return doc.score;
  },
});
const managed = managementOf(aggregate);

interface Write {
  readonly type: "insert" | "patch" | "delete" | "move";
  readonly pick: number;
  readonly score: number;
}
type Command = Write | { type: "goOn"; count: number } | { type: "die" | "rebuild" | "fold" };

const goOn = fc.record({ type: fc.constant("goOn" as const), count: fc.integer({ min: 1, max: 12 }) });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom<Write["type"]>("insert", "patch", "delete", "move"),
      pick: fc.nat(1000),
      score: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 12, arbitrary: goOn },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("die" as const, "rebuild" as const) }) },
);

/** One attempt at a build. */
interface Attempt {
  readonly build: BulkBuild;
  readonly entries: string[];
  /** Behind which time of creation to read on; Infinity when all is read. */
  readAfter: number;
  isPacked: boolean;
}

class Keeper {
  readonly board: Board;
  attempt: Attempt | null = null;

  constructor(board: Board) {
    this.board = board;
    board.followed = [aggregate];
  }

  /** One part of whatever is due; returns whether more is. */
  async goOn(count: number): Promise<boolean> {
    const bulk = { underWay: this.attempt?.build.generation ?? null };
    const advance = await this.board.host.run((ctx) => managed.advance(ctx, { bulk }));
    if (advance.bulk === undefined) {
      this.attempt = null;
      return advance.due;
    }
    if (this.attempt?.build.generation !== advance.bulk) {
      const build = managed.bulkBuild?.(advance.bulk);
      if (build === undefined) throw new Error("the aggregate cannot be built in bulk");
      this.attempt = { build, entries: [], readAfter: -1, isPacked: false };
    }
    await this.#part(this.attempt, count);
    return true;
  }

  async #part(attempt: Attempt, count: number): Promise<void> {
    if (attempt.readAfter < Infinity) await this.#read(attempt, count);
    else if (!attempt.isPacked) await this.#pack(attempt, count);
    else await this.board.host.run((ctx) => attempt.build.merge(ctx, count));
  }

  async #read(attempt: Attempt, count: number): Promise<void> {
    await this.board.host.run(async (ctx) => {
      const documents = await ctx.db
        .query("scores")
        .withIndex("by_creation_time", (q) => q.gt("_creationTime", attempt.readAfter))
        .take(count);
      for (const document of documents) {
        try {
          attempt.entries.push(attempt.build.entryOf(document));
        } catch (error) {
          await attempt.build.fail(ctx, error, document._id);
          return;
        }
        attempt.readAfter = document._creationTime;
      }
      if (documents.length < count) attempt.readAfter = Infinity;
      await attempt.build.note(ctx, { processed: attempt.entries.length, total: 0, activeMs: 1 });
    });
    if (attempt.readAfter === Infinity) attempt.entries.sort();
  }

  async #pack(attempt: Attempt, count: number): Promise<void> {
    const entries = attempt.entries.splice(0, count);
    const pack = attempt.build.pack(entries);
    (await this.board.host.run((ctx) => pack.run(ctx)))?.();
    attempt.isPacked = attempt.entries.length === 0;
    if (attempt.isPacked && !attempt.build.isRight()) throw new Error("what was packed is not what was read");
  }

  async run(command: Command): Promise<void> {
    if ("pick" in command) await this.#write(command);
    else if (command.type === "goOn") await this.goOn(command.count);
    else if (command.type === "die") this.attempt = null;
    else if (command.type === "fold") await this.board.host.drain();
    else await this.board.host.run((ctx) => aggregate.clearAll(ctx));
  }

  async #write({ type, pick, score }: Write): Promise<void> {
    await this.board
      .write(async (ctx) => {
        const docs = await ctx.db.query("scores").collect();
        const doc = docs[pick % docs.length];
        const game = pick % 3 === 0 ? "go" : "chess";
        const fields = { player: "p", game, score };
        if (type === "insert" || doc === undefined) await ctx.db.insert("scores", fields);
        else if (type === "delete") await ctx.db.delete(doc._id);
        else await ctx.db.patch(doc._id, type === "patch" ? { score } : { game });
      })
      .catch((error: unknown) => {
        // The aggregate refuses a document that it can make no item of.
        if (!String(error).includes("unlucky")) throw error;
      });
  }
}

/** Documents from before the aggregate, some of them unlucky. */
async function openKeeper(
  scores: readonly number[],
  storage: "memory" | OpenStorage = "memory",
): Promise<Keeper> {
  const board = new Board(await hostOnEngine(storage));
  await board.host.run(async (ctx) => {
    for (const [at, score] of scores.entries()) {
      await ctx.db.insert("scores", { player: "p", game: at % 4 === 0 ? "go" : "chess", score });
    }
  });
  await board.host.run((ctx) => managed.begin(ctx));
  await board.host.run((ctx) => aggregate.clearAll(ctx, { maxNodeSize: 4 }));
  return new Keeper(board);
}

/** Mends what is unlucky and goes on until nothing is due. */
async function finish(keeper: Keeper): Promise<void> {
  await keeper.board.write(async (ctx) => {
    for (const { _id, score } of await ctx.db.query("scores").collect()) {
      if (score === unlucky) await ctx.db.patch(_id, { score: 0 });
    }
  });
  while (await keeper.goOn(7));
}

async function expectClean({ board }: Keeper): Promise<void> {
  await expectExact(board, aggregate);
  const { generations, nodes } = await board.stored();
  expect(generations.length).toBeLessThanOrEqual(1);
  const status = await board.host.run((ctx) => managed.status(ctx));
  expect(status).toMatchObject({
    state: "ready",
    error: null,
    lastVerified: { differences: 0 },
    drift: 0,
    nodes,
  });
}

const scores = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 });

const deltas: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: command },
  // The worker may come at any moment, and meet deltas that have to wait for the list beside.
  { weight: 1, arbitrary: fc.constant({ type: "fold" as const }) },
);

test.each([
  ["alone", () => "memory" as const, command, 60],
  ["shared", () => sharedMemory().open, deltas, 15],
])(
  "a build in bulk on a storage that is %s ends equal to its table, whatever happens meanwhile",
  async (_, storage, commands, numRuns) => {
    await fc.assert(
      fc.asyncProperty(scores, fc.array(commands, { maxLength: 60 }), async (before, commands) => {
        const keeper = await openKeeper(before, storage());
        for (const one of commands) await keeper.run(one);
        await finish(keeper);
        await expectClean(keeper);
        // From here on it is an aggregate like any other.
        await keeper.run({ type: "insert", pick: 0, score: 5 });
        await keeper.run({ type: "patch", pick: 0, score: 6 });
        await keeper.run({ type: "delete", pick: 3, score: 0 });
        await expectExact(keeper.board, aggregate);
      }),
      { numRuns },
    );
  },
  120_000,
);

test("a document that no item can be made of stops the build, which names it and goes on when it is mended", async () => {
  const keeper = await openKeeper([1, 2, unlucky, 4]);
  for (let part = 0; part < 5; part++) await keeper.goOn(2);
  const { board } = keeper;
  const failed = await board.host.run((ctx) => managed.status(ctx));
  const docs = await board.host.run((ctx) => ctx.db.query("scores").collect());
  expect(failed).toMatchObject({ state: "failed", errorDocumentId: docs[2]?._id });
  expect(failed.error).toContain("unlucky");
  await finish(keeper);
  await expectClean(keeper);
});

test("a batch of a build that nobody makes in bulk does not disturb one, nor does its keeper begin it twice", async () => {
  const keeper = await openKeeper([1, 2, 3]);
  await keeper.goOn(1);
  expect(await keeper.board.step(aggregate)).toMatchObject({ due: false, state: "building" });
  const generation = keeper.attempt?.build.generation;
  await keeper.goOn(1);
  expect(keeper.attempt?.build.generation).toBe(generation);
  await finish(keeper);
  await expectClean(keeper);
});

test("a build that was begun in batches, with settings, is made in bulk by a keeper who can", async () => {
  const keeper = await openKeeper(Array.from({ length: 100 }, (_, at) => at + 20));
  const { board } = keeper;
  await finish(keeper);
  await board.host.run((ctx) => aggregate.clearAll(ctx, { maxNodeSize: 6, rootLazy: true }));
  await board.step(aggregate);
  await finish(keeper);
  await expectClean(keeper);
  const [tree] = await board.host.run((ctx) =>
    ctx.runQuery(aggregateComponent.inspect.listTrees, { take: 1 }),
  );
  expect(tree).toMatchObject({ maxNodeSize: 6, rootLazy: true });
});

test("deltas wait for what another process has put beside the build until the moment that it was sealed", async () => {
  const { open } = sharedMemory();
  const keeper = await openKeeper([1, 2, 3, 4], open);
  const other = new Board(await hostOnEngine(open));
  other.followed = [aggregate];
  while (keeper.attempt?.isPacked !== true) await keeper.goOn(10);
  const { attempt, board } = keeper;
  const [doc] = await board.host.run((ctx) => ctx.db.query("scores").collect());
  if (doc === undefined) throw new Error("the table has documents");
  await board.host.run(async (ctx) => {
    await attempt.build.merge(ctx, 100);
    await other.write((late) => late.db.patch(doc._id, { score: 50 }));
  });
  await other.write((ctx) => ctx.db.patch(doc._id, { score: 60 }));
  await other.host.drain();
  while (await keeper.goOn(7));
  await expectClean(keeper);
});
