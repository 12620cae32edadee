/**
 * Takes a managed aggregate through random lives: writes, steps of builds, rebuilds, deploys that are begun, activated and given
 * up. Whenever the definition that runs answers at all, it answers what the table holds.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OpenHost } from "./hosts.js";
import { Board, declare, expectExact, managementOf, type BoardAggregate } from "./managed-boards.js";

const keys: readonly ((doc: { score: number }) => number)[] = [
  (doc) => doc.score,
  (doc) => -doc.score,
  (doc) => doc.score % 7,
];
/** One of them appends what it follows as deltas, beside the others' trees. */
const versions = keys.map((sortKey, index) =>
  declare({ sortKey, version: String(index), deltas: index === 1 }),
);

type Command =
  | { type: "insert" | "patch" | "delete" | "move"; pick: number; score: number }
  | { type: "step" | "stepCandidate" | "deploy" | "activate" | "giveUp" | "rebuild"; pick: number };

const numbers = { pick: fc.nat(1000), score: fc.integer({ min: 0, max: 50 }) };
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom("insert", "patch", "delete", "move"), ...numbers }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("step", "step", "stepCandidate", "stepCandidate", "deploy", "activate"),
      pick: numbers.pick,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("giveUp", "rebuild"), pick: numbers.pick }) },
);

/** An app with the program that runs and, while a deploy is under way, the one that is to come. */
class Life {
  readonly board: Board;
  running = 0;
  candidate: number | null = null;

  constructor(board: Board) {
    this.board = board;
    this.#follow();
  }

  get aggregate(): BoardAggregate {
    return versions[this.running] as BoardAggregate;
  }

  #follow(): void {
    const followed = [this.running, ...(this.candidate === null ? [] : [this.candidate])];
    this.board.followed = followed.map((index) => versions[index] as BoardAggregate);
  }

  async run({ type, ...args }: Command): Promise<void> {
    const { board } = this;
    const candidate = this.candidate === null ? null : (versions[this.candidate] as BoardAggregate);
    switch (type) {
      case "insert":
      case "patch":
      case "delete":
      case "move":
        await this.#write(type, args.pick, "score" in args ? args.score : 0);
        break;
      case "step":
        await board.step(this.aggregate);
        break;
      case "stepCandidate":
        if (candidate !== null) await board.step(candidate);
        break;
      case "deploy":
        if (candidate !== null) break;
        this.candidate = (this.running + 1 + (args.pick % 2)) % versions.length;
        await board.host.run((ctx) =>
          managementOf(versions[this.candidate as number] as BoardAggregate).begin(ctx, { standby: true }),
        );
        break;
      case "activate":
        this.running = this.candidate ?? this.running;
        this.candidate = null;
        await board.host.run((ctx) => managementOf(this.aggregate).begin(ctx));
        break;
      case "giveUp":
        this.candidate = null;
        await board.host.run((ctx) => managementOf(this.aggregate).begin(ctx));
        break;
      case "rebuild":
        await board.host.run((ctx) => this.aggregate.clearAll(ctx));
        break;
    }
    this.#follow();
  }

  async #write(type: "insert" | "patch" | "delete" | "move", pick: number, score: number): Promise<void> {
    await this.board.write(async (ctx) => {
      const docs = await ctx.db.query("scores").collect();
      const doc = docs[pick % docs.length];
      const game = pick % 3 === 0 ? "go" : "chess";
      if (type === "insert" || doc === undefined) await ctx.db.insert("scores", { player: "p", game, score });
      else if (type === "delete") await ctx.db.delete(doc._id);
      else await ctx.db.patch(doc._id, type === "patch" ? { score } : { game });
    });
  }
}

async function expectRight({ board, aggregate, running }: Life): Promise<void> {
  const status = await board.host.run((ctx) => aggregate.status(ctx));
  if (status.state !== "ready") return;
  // The check would mend what a build has missed, and must find nothing.
  expect(status.lastVerified?.differences).toBe(0);
  await expectExact(board, aggregate, keys[running]);
}

export function managedHistoriesContract(name: string, open: OpenHost): void {
  describe(`managed aggregates ${name}`, () => {
    test("answer what the table holds, or not at all, whatever is built and given up meanwhile", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
          const board = new Board(await open());
          await board.fill(70);
          const life = new Life(board);
          await board.build(life.aggregate);
          for (const one of commands) {
            await life.run(one);
            await expectRight(life);
          }
          await life.run({ type: "giveUp", pick: 0 });
          expect(await board.settle(life.aggregate)).toBe("ready");
          await expectRight(life);
          expect((await board.stored()).generations).toHaveLength(1);
        }),
        { numRuns: 6 },
      );
    });
  });
}
