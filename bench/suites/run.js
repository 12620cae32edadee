/**
 * `npm run bench:suites [-- --rounds 5]` measures, file by file, the wall time of the same suites on the official `convex-test`
 * and on `trueup/test`, which take turns. A file's time is what its tests took, without imports; the last
 * line is the whole process, imports included. Each figure is the median of the rounds.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const engines = ["mock", "memory", "sqlite"];
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(values.rounds);
const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "trueup-bench-"));

/** Measures milliseconds by file, and of the whole process. */
function runSuites(engine) {
  const report = join(folder, "report.json");
  const start = performance.now();
  const run = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      ...["run", "--config", "acceptance/published-suites/vitest.config.ts", "--project", engine],
      ...["--no-file-parallelism", "--silent", "--reporter=json", `--outputFile=${report}`],
    ],
    { cwd: root, encoding: "utf8" },
  );
  const wholeMs = performance.now() - start;
  if (run.status !== 0) {
    throw new Error(`The suites failed on ${engine}:\n${run.stdout}\n${run.stderr}`);
  }
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const times = new Map();
  for (const { name, assertionResults } of testResults) {
    const file = name.replace(root, "").replace("node_modules/", "");
    times.set(
      file,
      assertionResults.reduce((sum, { duration }) => sum + (duration ?? 0), 0),
    );
  }
  const testsMs = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  return times.set("all tests", testsMs).set("whole process", wholeMs);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

const measured = Object.fromEntries(engines.map((engine) => [engine, []]));
try {
  for (let round = 1; round <= rounds; round += 1) {
    for (const engine of engines) {
      measured[engine].push(runSuites(engine));
      console.error(`round ${round} of ${rounds}: ${engine}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const rows = [...measured.mock[0].keys()]
  .map((file) => {
    const [mock, memory, sqlite] = engines.map((engine) =>
      median(measured[engine].map((times) => times.get(file))),
    );
    return { file, mock, memory, sqlite };
  })
  .filter(({ mock, memory }) => mock >= 20 || memory >= 20);
console.log("| suite | convex-test (ms) | trueup/test, memory | ratio | trueup/test, SQLite | ratio |");
console.log("|---|--:|--:|--:|--:|--:|");
for (const { file, mock, memory, sqlite } of rows) {
  const times = [mock, memory, memory / mock, sqlite, sqlite / mock];
  const cells = times.map((number, i) => (i === 2 || i === 4 ? `${number.toFixed(2)}×` : number.toFixed(0)));
  console.log(`| ${file} | ${cells.join(" | ")} |`);
}
