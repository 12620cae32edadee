/**
 * `npm run bench`: measures this package beside its peers in one run, prints tables and writes them as JSON. Fails when any
 * peer gives a wrong answer. Options: see `--help`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { benchAggregate } from "./aggregate/bench.js";
import { BARE_SQLITE, COUNTED_TREE, subjectName } from "./aggregate/subjects.js";
import { benchDurableInserts } from "./durable-inserts.js";
import type { Effort } from "./harness/measure.js";
import { tables, type Ratio, type Row } from "./harness/report.js";
import { benchMigrations } from "./migrations/bench.js";

const parts = ["aggregate", "durable-inserts", "migrations"] as const;
type Part = (typeof parts)[number];

interface Options {
  sizes: number[];
  parts: Part[];
  quick?: true;
  json?: string;
}

const program = new Command("bench")
  .option("--sizes <numbers>", "how many items aggregates hold", sizesFrom, [1000, 10_000, 100_000])
  .option("--parts <names>", parts.join(", "), partsFrom, [...parts])
  .option("--quick", "short turns and few documents: to see that it works, not to quote")
  .option("--json <file>", "where to write the figures (default: a file in bench/results)")
  .parse();

const { sizes, parts: chosen, quick, json } = program.opts<Options>();
const effort: Effort =
  quick === true
    ? { rounds: 2, turnMs: 10, turnCalls: 1000 }
    : { rounds: 5, turnMs: 100, turnCalls: 100_000 };

const ratios: readonly Ratio[] = [
  { of: subjectName("trueup", "memory"), to: subjectName("published", "mock") },
  { of: subjectName("trueup", "sqlite"), to: subjectName("published", "mock") },
  { of: subjectName("trueup", "memory"), to: subjectName("published", "memory") },
  { of: subjectName("trueup", "sqlite"), to: subjectName("published", "sqlite") },
  { of: subjectName("trueup", "mock"), to: subjectName("published", "mock") },
  { of: subjectName("trueup", "sqlite"), to: BARE_SQLITE },
  { of: COUNTED_TREE, to: subjectName("trueup", "memory") },
  { of: BARE_SQLITE, to: "documents" },
  { of: BARE_SQLITE, to: "aggregate, trueup" },
  { of: "aggregate, trueup", to: "aggregate, published" },
];

const rows: Row[] = [];
const log = (line: string): void => console.error(line);
if (chosen.includes("durable-inserts")) {
  rows.push(...(await benchDurableInserts(effort)));
  log("durable inserts");
}
if (chosen.includes("migrations")) {
  rows.push(...(await benchMigrations(quick === true ? 1000 : 10_000, quick === true ? 1 : 3)));
  log("migrations");
}
if (chosen.includes("aggregate")) {
  for (const size of sizes) rows.push(...(await benchAggregate(size, effort, log)));
}

console.log(tables(rows, ratios));
const file = json ?? join(bench(), "results", `${new Date().toISOString().replaceAll(":", "-")}.json`);
mkdirSync(dirname(file), { recursive: true });
const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
writeFileSync(file, `${JSON.stringify({ machine, quick: quick === true, rows }, null, 1)}\n`);
console.log(`\nFigures are in ${file}`);

/** The folder of the sources: this file is compiled into a folder in it. */
function bench(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}

function sizesFrom(text: string): number[] {
  return text.split(",").map((part) => {
    const size = Number(part);
    if (!Number.isInteger(size) || size < 1000)
      throw new InvalidArgumentError("Sizes are integers from 1000 on.");
    return size;
  });
}

function partsFrom(text: string): Part[] {
  return text.split(",").map((name) => {
    const found = parts.find((part) => part === name);
    if (found === undefined) throw new InvalidArgumentError(`Parts are ${parts.join(", ")}.`);
    return found;
  });
}
