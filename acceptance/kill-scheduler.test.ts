import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openBackend, sqlite } from "trueup";
import type { Query } from "../src/database/index.js";

const app = fileURLToPath(new URL("../suites/scheduler/counting-app.js", import.meta.url));
const steps = 400;

/** Runs the app until it ends, or kills it some time after it has opened; resolves to whether it ended. */
function runFor(file: string, marks: string, lifeMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [app, file, String(steps), marks], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.once("data", () => {
      setTimeout(() => child.kill("SIGKILL"), lifeMs);
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(`the app ended with exit code ${String(code)}`));
      else resolve(signal === null);
    });
  });
}

test("scheduled mutations happen exactly once and actions at most once, however often the process is killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trueup-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "data.sqlite");
  const marks = join(folder, "marks");
  let kills = 0;
  for (let ended = false; !ended; kills += ended ? 0 : 1) {
    ended = await runFor(file, marks, kills < 4 ? 5 + Math.random() * 60 : 60_000);
  }
  expect(kills).toBeGreaterThan(0);

  const backend = await openBackend({ storage: sqlite(file) });
  onTestFinished(() => backend.close());
  const { value } = await backend.database.query(
    async (tx) => ({
      rows: await tx.component("").stream(all("rows")).take(Infinity),
      jobs: await tx.system("").stream(all("_scheduled_functions")).take(Infinity),
    }),
    { limits: null },
  );
  expect(value.rows.map((row) => row["n"])).toEqual(Array.from({ length: steps }, (_, n) => n));
  const states = value.jobs.map((job) => (job["state"] as { kind: string }).kind);
  expect(states.filter((state) => state !== "success" && state !== "failed")).toEqual([]);
  const marked = existsSync(marks) ? readFileSync(marks, "utf8").trim().split("\n") : [];
  expect(new Set(marked).size).toBe(marked.length);
  const failed = states.filter((state) => state === "failed").length;
  expect(marked.length + failed).toBeGreaterThanOrEqual(steps / 10);
});

function all(tableName: string): Query {
  return { source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] };
}
