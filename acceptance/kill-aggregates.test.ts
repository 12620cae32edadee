import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../suites/setup/random.js";

const app = fileURLToPath(new URL("../suites/integrity/kill-app.js", import.meta.url));
const seed = Number(process.env["TRUEUP_SEED"]);
const groups = 4;

interface Finished {
  readonly scores: readonly { readonly group: number; readonly points: number }[];
  readonly answers: { readonly counts: readonly number[]; readonly sums: readonly number[] };
  readonly status: { readonly state: string; readonly drift: number; readonly error: string | null };
  readonly found: Readonly<Record<string, number>> | null;
  readonly after: readonly unknown[];
}

let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trueup-kill-aggregates-"));
  await run("prepare", folder);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: readonly string[]): Promise<{ printed: string; wasKilled: boolean }> {
  const child = spawn(process.execPath, [app, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const printed = await text(child.stdout);
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  if (signal === null && code !== 0) throw new Error(`the app ended with exit code ${String(code)}`);
  return { printed, wasKilled: signal !== null };
}

/**
 * Kills a stage at a commit, each time on a copy of a prepared data file, and looks at what is left in the end. The commits are
 * two of the first, and a later one that is drawn at random.
 */
async function afterKills(
  stage: string,
  from: string,
  look: (file: string, index: number, printed: string) => Promise<void>,
): Promise<void> {
  const random = seededRandom(seed + stage.length);
  const moments = [0, 2, 4 + Math.floor(random() * 36)];
  const wereKilled = await Promise.all(
    moments.map(async (commits, index) => {
      const file = join(folder, `${stage}-${commits}.sqlite`);
      copyFileSync(join(folder, `${from}.sqlite`), file);
      const { wasKilled, printed } = await run(stage, file, String(commits));
      await look(file, index, printed);
      return wasKilled;
    }),
  );
  expect(wereKilled.slice(0, 2)).toEqual([true, true]);
}

async function finish(file: string, version: number, task: string): Promise<Finished> {
  return JSON.parse((await run("finish", file, String(version), task)).printed) as Finished;
}

function expectRight({ scores, answers, status, after }: Finished, version: number): void {
  const own = [...Array(groups).keys()].map((group) => scores.filter((score) => score.group === group));
  expect(answers).toEqual({
    counts: own.map((group) => group.length),
    sums: own.map((group) => group.reduce((sum, { points }) => sum + points * version, 0)),
  });
  expect(after).toEqual([]);
  expect(status).toMatchObject({ state: "ready", drift: 0, error: null });
}

test("a build that is killed at any commit goes on, and ends equal to its table", async () => {
  await afterKills("build", "plain", async (file, _index, printed) => {
    expect(printed).toBe("building");
    expectRight(await finish(file, 1, "none"), 1);
  });
}, 120_000);

test("a swap that is killed at any commit leaves the old definition right, or the new one", async () => {
  await afterKills("swap", "built", async (file, index) => {
    const version = 1 + (index % 2);
    expectRight(await finish(file, version, "none"), version);
  });
}, 120_000);

test("a verification that is killed at any commit changes nothing, and finds all when it goes on", async () => {
  await afterKills("verify", "damaged", async (file) => {
    const { found, after } = await finish(file, 1, "verify");
    expect(found).toMatchObject({ missing: 3, wrongSum: 3 });
    expect(after).toHaveLength(6);
  });
}, 120_000);

test("a repair that is killed at any commit ends with everything mended when it goes on", async () => {
  await afterKills("repair", "damaged", async (file) => expectRight(await finish(file, 1, "repair"), 1));
}, 120_000);
