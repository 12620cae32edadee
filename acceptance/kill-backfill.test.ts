import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../suites/setup/random.js";

const app = fileURLToPath(new URL("../suites/migrations/backfill-scores-app.js", import.meta.url));
const seed = Number(process.env["TRUEUP_SEED"]);
const maxKills = 5;

interface Score {
  readonly _id: string;
  readonly group: number;
  readonly points: number;
}

interface Report {
  readonly scores: readonly Score[];
  /** The documents that the migration was given, as its own transactions noted them. */
  readonly migrated: readonly string[];
  readonly answers: object;
  readonly status: object;
  readonly problems: readonly unknown[];
}

interface Life {
  readonly printed: string;
  readonly wasKilled: boolean;
}

/** Runs the app until it ends, or kills it this long after the backfill has begun or gone on. */
async function runApp(file: string, mode: string, lifeSeed: number, lifeMs?: number): Promise<Life> {
  const child = spawn(process.execPath, [app, file, mode, String(lifeSeed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (lifeMs !== undefined) {
    child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), lifeMs));
  }
  const exited = once(child, "exit");
  const printed = await text(child.stdout);
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  if (signal === null && code !== 0) throw new Error(`the app ended with exit code ${String(code)}`);
  return { printed, wasKilled: signal !== null };
}

/** Computes the answers from the whole table. */
function bruteForce(scores: readonly Score[]): object {
  const points = scores.map((score) => score.points).toSorted((a, b) => a - b);
  const groups = [0, 1, 2].map((group) => scores.filter((score) => score.group === group));
  const sum = (of: readonly number[]): number => of.reduce((total, next) => total + next, 0);
  return {
    count: scores.length,
    sum: sum(points),
    at: points.filter((_, offset) => offset % 7 === 0),
    last: points.at(-1),
    counts: groups.map((group) => group.length),
    sums: groups.map((group) => sum(group.map((score) => score.points))),
  };
}

test("a backfill that is killed again and again ends with exact totals, beside a second writer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trueup-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "data.sqlite");
  const random = seededRandom(seed);
  const loaded = JSON.parse((await runApp(file, "load", seed)).printed) as string[];

  let kills = 0;
  for (let ended = false; !ended; kills += ended ? 0 : 1) {
    const lifeMs = kills < maxKills ? random() * 400 : undefined;
    ended = !(await runApp(file, "backfill", seed + kills, lifeMs)).wasKilled;
  }
  expect(kills).toBeGreaterThan(0);

  const report = JSON.parse((await runApp(file, "report", seed)).printed) as Report;
  expect(report.answers).toEqual(bruteForce(report.scores));
  expect(report.problems).toEqual([]);
  expect(report.status).toMatchObject({
    state: "success",
    isDone: true,
    processed: report.migrated.length,
  });
  const migrated = new Set(report.migrated);
  expect(migrated.size).toBe(report.migrated.length);
  const remaining = new Set(report.scores.map((score) => score._id));
  const missed = loaded.filter((id) => remaining.has(id) && !migrated.has(id));
  expect(missed).toEqual([]);
});
