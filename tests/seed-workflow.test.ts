/**
 * The workflow of the seeds from end to end: an aggregate is attached to a table that has data, writes turn
 * idempotent, a migration backfills while others write, writes turn back, the aggregate is read, repaired
 * and kept by triggers. Each step deploys another version of one app to one storage.
 */
import { describe, expect, test } from "vitest";
import { programFromModules, type Backend } from "trueup";
import { openApp, storageNames, type StorageName } from "../testing/open-app.js";
import { kits, type Kit } from "../testing/seed-workflow/kits.js";
import { leaderboard, type Version } from "../testing/seed-workflow/leaderboard.js";

interface Entry {
  readonly _id: string;
  readonly name: string;
  readonly score: number;
}

const names = ["Ann", "Bea", "Cid", "Dan", "Eve"];

/** One backend to which versions are deployed, and what can be asked of it. */
class Deployment {
  readonly #kit: Kit;
  readonly backend: Backend;

  private constructor(kit: Kit, backend: Backend) {
    this.#kit = kit;
    this.backend = backend;
  }

  static async start(kit: Kit, storage: StorageName): Promise<Deployment> {
    return new Deployment(kit, await openApp(storage, source(kit, "plain")));
  }

  async deploy(version: Version): Promise<void> {
    const { modules, components } = source(this.#kit, version);
    await this.backend.activate(
      await programFromModules({
        modules: Object.fromEntries(
          Object.entries(modules).map(([path, module]) => [`./convex/${path}.ts`, module]),
        ),
        components,
      }),
    );
  }

  call(name: string, args: Record<string, unknown> = {}): Promise<any> {
    return this.backend.run({ path: `leaderboard:${name}`, args, allowInternal: true }).then((outcome) => {
      if (outcome.status === "error") throw outcome.error;
      return outcome.value;
    });
  }

  async status(): Promise<any> {
    const [status] = await this.call("status");
    return status;
  }

  /** Every answer of the aggregates, beside what the table itself says. */
  async expectRightAnswers(): Promise<void> {
    const all: Entry[] = await this.call("all");
    const scores = all.map((entry) => entry.score).sort((a, b) => b - a);
    expect(await this.call("count")).toBe(all.length);
    for (const name of names) {
      const sum = all.filter((entry) => entry.name === name).reduce((total, { score }) => total + score, 0);
      expect(await this.call("sumOf", { name })).toBe(sum);
    }
    expect(await this.call("best")).toBe(scores[0]);
    for (const rank of [0, 1, Math.floor(scores.length / 2), scores.length - 1, -1]) {
      expect(await this.call("scoreAtRank", { rank })).toBe(scores.at(rank));
    }
    for (const score of [scores[0] ?? 0, scores[10] ?? 0, 50, -1]) {
      expect(await this.call("rankOfScore", { score })).toBe(scores.filter((other) => other > score).length);
      expect(await this.call("countAbove", { score })).toBe(scores.filter((other) => other > score).length);
    }
    const paged: number[] = [];
    for (let cursor: string | undefined; ;) {
      const {
        scores: page,
        next,
        isDone,
      } = await this.call("pageOfScores", cursor === undefined ? {} : { cursor });
      paged.push(...page);
      if (isDone) break;
      cursor = next;
    }
    expect(paged).toEqual(scores);
  }

  async addMany(from: number, to: number): Promise<void> {
    for (let i = from; i < to; i += 1) {
      await this.call("addScore", { name: names[i % names.length], score: (i * 37) % 101 });
    }
  }

  /** Adds, updates and removes a few, as users do all the time. */
  async writeSome(round: number): Promise<void> {
    const all: Entry[] = await this.call("all");
    const [first, second] = [all[round % all.length], all[(round * 7 + 3) % all.length]];
    await this.call("addScore", { name: "Eve", score: round });
    await this.call("updateScore", { id: first?._id, score: 200 + round });
    if (second !== undefined && second._id !== first?._id) await this.call("removeScore", { id: second._id });
  }
}

function source(kit: Kit, version: Version) {
  const { aggregate, migrations } = kit.components;
  return {
    modules: leaderboard(kit, version),
    components: { aggregateByScore: aggregate, aggregateScoreByUser: aggregate, migrations },
  };
}

describe.each(kits)("with $name", (kit) => {
  describe.each(storageNames)("on %s", (storage) => {
    test("an aggregate is attached to a table with data, backfilled under writes, and right ever after", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 120);
      expect(await app.call("count")).toBe(0);

      await app.deploy("idempotent");
      const started = await app.call("runAggregateBackfill");
      expect(JSON.stringify(started)).toContain("inProgress");
      const again = await app.call("runAggregateBackfill");
      expect(JSON.stringify(again)).toContain("inProgress");
      for (let round = 0; (await app.status()).state === "inProgress"; round += 1) {
        await app.writeSome(round);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await app.backend.scheduler.idle();
      expect(await app.status()).toMatchObject({ state: "success", isDone: true });

      await app.deploy("regular");
      await app.expectRightAnswers();
      await app.writeSome(5);
      await app.expectRightAnswers();
      expect(
        JSON.stringify(await app.call("run", { fn: "leaderboard:backfillAggregatesMigration" })),
      ).toContain("success");
    });

    test("a canceled backfill goes on where it stopped, and can be started over", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 100);
      await app.deploy("idempotent");
      await app.call("runAggregateBackfill");
      expect(await app.call("cancelBackfill")).toMatchObject({ state: "canceled" });
      await app.backend.scheduler.idle();
      const stopped = await app.status();
      expect(stopped).toMatchObject({ isDone: false });
      expect(stopped.processed).toBeLessThan(100);
      await app.call("runAggregateBackfill");
      await app.backend.scheduler.idle();
      expect(await app.status()).toMatchObject({ state: "success", processed: 100 });
      await app.call("clear");
      await app.call("runAggregateBackfill", { reset: true });
      await app.backend.scheduler.idle();
      await app.expectRightAnswers();
    });

    test("an aggregate that writes went past is repaired by a diff, or cleared and rebuilt", async () => {
      const app = await Deployment.start(kit, storage);
      await app.deploy("regular");
      await app.addMany(0, 40);
      const breakIt = async (): Promise<void> => {
        await app.call("importUnnoticed", { name: "Ann", score: 7 });
        await app.call("removeUnnoticed");
        await expect(app.expectRightAnswers()).rejects.toThrow();
      };
      await breakIt();
      await app.call("repairByDiff");
      await app.expectRightAnswers();
      await breakIt();
      await app.deploy("idempotent");
      await app.call("clear");
      await app.call("runAggregateBackfill");
      await app.backend.scheduler.idle();
      await app.expectRightAnswers();
    });

    test("triggers keep it in step, idempotently while it is backfilled", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 60);
      await app.deploy("idempotentTriggers");
      await app.writeSome(1);
      await app.call("runAggregateBackfill");
      await app.writeSome(2);
      await app.backend.scheduler.idle();
      await app.deploy("triggers");
      for (let round = 3; round < 8; round += 1) await app.writeSome(round);
      await app.expectRightAnswers();
    });

    test("a dry run shows what it would do and changes nothing", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 30);
      await app.deploy("idempotent");
      await app.call("runAggregateBackfill", { dryRun: true }).catch(() => null);
      await app.backend.scheduler.idle();
      expect(await app.call("count")).toBe(0);
      expect(await app.call("status")).toEqual([]);
    });
  });
});
