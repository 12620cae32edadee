/** Deploys versions of the leaderboard to one backend, and asks it questions. */
import { programFromModules, type Backend } from "trueup";
import { call, openApp, type StorageName } from "../../suites/setup/open-app.js";
import type { Kit } from "./kits.js";
import { components, leaderboard, type Version } from "./leaderboard.js";

interface Entry {
  readonly _id: string;
  readonly name: string;
  readonly score: number;
}

export interface MigrationStatus {
  readonly state: string;
  readonly isDone: boolean;
  readonly processed: number;
}

/** The answers to a set of questions. */
export type Answers = Readonly<Record<string, unknown>>;

const names = ["Ann", "Bea", "Cid", "Dan", "Eve"];

export class Deployment {
  readonly backend: Backend;
  readonly #kit: Kit;

  private constructor(kit: Kit, backend: Backend) {
    this.#kit = kit;
    this.backend = backend;
  }

  static async start(kit: Kit, storage: StorageName): Promise<Deployment> {
    const options = { modules: leaderboard(kit, "plain"), components: components(kit) };
    return new Deployment(kit, await openApp(storage, options));
  }

  async deploy(version: Version): Promise<void> {
    const modules = Object.entries(leaderboard(this.#kit, version));
    const program = await programFromModules({
      modules: Object.fromEntries(modules.map(([path, module]) => [`./convex/${path}.ts`, module])),
      components: components(this.#kit),
    });
    await this.backend.activate(program);
  }

  call(path: string, args: object = {}): Promise<unknown> {
    return call(this.backend, path, args);
  }

  async entries(): Promise<Entry[]> {
    return (await this.call("reads:all")) as Entry[];
  }

  /** Runs the backfill and whatever it sets off. */
  async backfill(args: object = {}): Promise<void> {
    await this.call("backfill:runAggregateBackfill", args);
    await this.backend.scheduler.idle();
  }

  async status(): Promise<MigrationStatus | undefined> {
    const [status] = (await this.call("backfill:status")) as MigrationStatus[];
    return status;
  }

  async addMany(from: number, to: number): Promise<void> {
    for (let i = from; i < to; i += 1) {
      await this.call("writes:addScore", { name: names[i % names.length], score: (i * 37) % 101 });
    }
  }

  /** Adds, updates and removes an entry, as users do all the time. */
  async writeSome(round: number): Promise<void> {
    const all = await this.entries();
    const first = all[round % all.length];
    const second = all[(round * 7 + 3) % all.length];
    await this.call("writes:addScore", { name: "Eve", score: round });
    await this.call("writes:updateScore", { id: first?._id, score: 200 + round });
    if (second?._id !== first?._id) await this.call("writes:removeScore", { id: second?._id });
  }

  /** Writes past the aggregates: one entry too few in them, one too many. */
  async writeUnnoticed(): Promise<void> {
    await this.call("writes:importUnnoticed", { name: "Ann", score: 7 });
    await this.call("writes:removeUnnoticed");
  }

  /** Puts the same questions to the aggregates and to the table itself. */
  async answers(): Promise<{ readonly given: Answers; readonly right: Answers }> {
    const all = await this.entries();
    const scores = all.map((entry) => entry.score).toSorted((a, b) => b - a);
    const ranks = [0, 1, Math.floor(scores.length / 2), scores.length - 1, -1];
    const asked = [scores[0] ?? 0, scores[10] ?? 0, 50, -1];
    const above = (score: number): number => scores.filter((other) => other > score).length;
    const sumOf = (name: string): number =>
      all.filter((entry) => entry.name === name).reduce((sum, { score }) => sum + score, 0);
    const right = {
      count: all.length,
      best: scores[0],
      sums: names.map(sumOf),
      atRanks: ranks.map((rank) => scores.at(rank)),
      ranks: asked.map(above),
      above: asked.map(above),
      pages: scores,
    };
    const each = <T>(items: readonly T[], path: string, args: (item: T) => object): Promise<unknown[]> =>
      Promise.all(items.map((item) => this.call(path, args(item))));
    const given = {
      count: await this.call("reads:count"),
      best: await this.call("reads:best"),
      sums: await each(names, "reads:sumOf", (name) => ({ name })),
      atRanks: await each(ranks, "reads:scoreAtRank", (rank) => ({ rank })),
      ranks: await each(asked, "reads:rankOfScore", (score) => ({ score })),
      above: await each(asked, "reads:countAbove", (score) => ({ score })),
      pages: await this.#pages(),
    };
    return { given, right };
  }

  async #pages(): Promise<number[]> {
    const scores: number[] = [];
    for (let cursor: string | undefined; ;) {
      const args = cursor === undefined ? {} : { cursor };
      const page = (await this.call("reads:page", args)) as {
        readonly scores: number[];
        readonly next: string;
        readonly isDone: boolean;
      };
      scores.push(...page.scores);
      if (page.isDone) return scores;
      cursor = page.next;
    }
  }
}
