import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-folder.js";

const app = fileURLToPath(new URL("../testing/backfill/leaderboard-app.js", import.meta.url));
const fileIn = temporaryFolder();
const size = 2500;

/** Runs the app until it ends, or kills it some time after it has opened; resolves to its last words, if it ended. */
function runFor(file: string, lifeMs: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [app, file, String(size)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (output === "") setTimeout(() => child.kill("SIGKILL"), lifeMs);
      output += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(`the app ended with exit code ${String(code)}`));
      else resolve(signal === null ? (output.trim().split("\n").at(-1) ?? "") : null);
    });
  });
}

test("a backfill that is killed again and again ends with exactly what the table holds", async () => {
  const file = fileIn("data.sqlite");
  let verdict: string | null = null;
  let kills = 0;
  for (; verdict === null; kills++) {
    verdict = await runFor(file, kills < 5 ? 20 + Math.random() * 150 : 60_000);
  }
  expect(kills).toBeGreaterThan(3);
  const { expected, actual, problems } = JSON.parse(verdict) as {
    expected: number[];
    actual: number[];
    problems: unknown[];
  };
  expect(actual).toEqual(expected);
  expect(expected[0]).toBeGreaterThanOrEqual(size);
  expect(problems).toEqual([]);
});
