import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../suites/setup/random.js";

const app = fileURLToPath(new URL("../suites/deploy/killed-app.js", import.meta.url));
const seed = Number(process.env["TRUEUP_SEED"]);
const maxKills = 6;

interface Row {
  readonly n: number;
  readonly plan?: string;
  readonly theme?: string;
}

interface Report {
  readonly teams: readonly Row[];
  readonly users: readonly Row[];
  readonly preferences: readonly Row[];
  readonly pro: number;
}

/** Runs the app until it ends, or kills it this long after it has started. */
async function run(
  file: string,
  mode: string,
  lifeMs?: number,
): Promise<{ printed: string; wasKilled: boolean }> {
  const child = spawn(process.execPath, [app, file, mode], { stdio: ["ignore", "pipe", "inherit"] });
  if (lifeMs !== undefined) child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), lifeMs));
  const exited = once(child, "exit");
  const printed = await text(child.stdout);
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  if (signal === null && code !== 0) throw new Error(`the app ended with exit code ${String(code)}`);
  return { printed, wasKilled: signal !== null };
}

test("a deploy that is killed again and again carries every document over once, and ends with a narrow schema", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trueup-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "data.sqlite");
  const random = seededRandom(seed);
  await run(file, "load");
  let kills = 0;
  for (let ended = false; !ended; kills += ended ? 0 : 1) {
    ended = !(await run(file, "deploy", kills < maxKills ? 20 + random() * 600 : undefined)).wasKilled;
  }
  expect(kills).toBeGreaterThan(0);
  const { teams, users, preferences, pro } = JSON.parse((await run(file, "report")).printed) as Report;
  const loaded = teams.filter(({ n }) => n >= 0);
  expect(loaded.map(({ n, plan }) => [n, plan])).toEqual(
    Array.from({ length: 4000 }, (_, n) => [n, n % 4 === 0 ? "pro" : "basic"]),
  );
  expect(teams.every((team) => !("isPro" in team))).toBe(true);
  expect(pro).toBe(1000);
  expect(users).toHaveLength(600);
  expect(users.every((user) => user.theme === undefined)).toBe(true);
  expect(preferences.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 600 }, (_, n) => n),
  );
  expect(preferences.every(({ n, theme }) => theme === `theme ${n}`)).toBe(true);
}, 120_000);
