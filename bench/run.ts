/**
 * `npm run bench`: measures this package beside its peers in one run, prints tables and writes them as JSON. Fails when any
 * peer gives a wrong answer. `--write` puts the figures into docs/performance.md, with the plot. Options: see `--help`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { benchAggregate } from "./aggregate/bench.js";
import { bareSqliteSubject } from "./aggregate/subjects.js";
import { benchContention, contentionTable, type ContentionRow } from "./contention/bench.js";
import { benchDurableInserts } from "./durable-inserts.js";
import { documentFigures, growthPlot, ratios, type Figures } from "./figures.js";
import { fillDocument } from "./harness/document.js";
import type { Effort } from "./harness/measure.js";
import { tables, type Footprint, type Ratio, type Row } from "./harness/report.js";
import { benchMigrations } from "./migrations/bench.js";

const parts = ["aggregate", "durable-inserts", "migrations", "contention"] as const;
type Part = (typeof parts)[number];

interface Options {
  sizes?: number[];
  parts: Part[];
  quick?: true;
  json?: string;
  write?: true;
  from?: string;
}

const program = new Command("bench")
  .option(
    "--sizes <numbers>",
    "how many items aggregates hold (default: 1k to 1M, with --quick 1k)",
    sizesFrom,
  )
  .option("--parts <names>", parts.join(", "), partsFrom, [...parts])
  .option("--quick", "short turns and few documents: to see that it works, not to quote")
  .option("--json <file>", "where to write the figures (default: a file in bench/results)")
  .option("--write", "puts the figures and the plot into docs")
  .option(
    "--from <files>",
    "measures nothing, takes the figures of these files, separated by commas; the quieter ones",
  )
  .parse();

const { sizes, parts: chosen, quick, json, write, from } = program.opts<Options>();
const isQuick = quick === true;
const effort: Effort = isQuick
  ? { rounds: 2, turnMs: 10, turnCalls: 1000 }
  : { rounds: 5, turnMs: 100, turnCalls: 100_000 };
const log = (line: string): void => console.error(line);

const otherRatios: readonly Ratio[] = [
  { of: bareSqliteSubject, to: "documents" },
  { of: bareSqliteSubject, to: "aggregate, trueup" },
  { of: "aggregate, trueup", to: "aggregate, published" },
];

const figures = from === undefined ? await measureAll() : figuresFrom(from);
console.log(tables(figures.rows, [...ratios, ...otherRatios]));
if (figures.contention.length > 0) console.log(`\n## contention\n\n${contentionTable(figures.contention)}`);
if (from === undefined) {
  const file = json ?? join(bench(), "results", `${new Date().toISOString().replaceAll(":", "-")}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(figures, null, 1)}\n`);
  console.log(`\nFigures are in ${file}`);
}
if (write === true) {
  if (figures.quick) {
    throw new Error("Quick figures are not to be quoted: run without --quick to write them down.");
  }
  const docs = join(dirname(bench()), "docs");
  fillDocument(join(docs, "performance.md"), documentFigures(figures));
  const aggregate = figures.rows.filter(({ part }) => part === "aggregate");
  if (aggregate.length > 0) writeFileSync(join(docs, "aggregate-cost.svg"), growthPlot(aggregate));
}

async function measureAll(): Promise<Figures> {
  const rows: Row[] = [];
  const footprints: Footprint[] = [];
  const contention: ContentionRow[] = [];
  if (chosen.includes("contention")) {
    const filled = isQuick ? [200] : [1000, 4000, 16_000];
    const extents = filled.map((size) => ({ filled: size, perWriter: isQuick ? 10 : 25 }));
    contention.push(...(await benchContention(extents, log)));
  }
  if (chosen.includes("durable-inserts")) {
    rows.push(...(await benchDurableInserts(effort)));
    log("durable inserts");
  }
  if (chosen.includes("migrations")) {
    rows.push(...(await benchMigrations(isQuick ? 1000 : 10_000, isQuick ? 1 : 3)));
    log("migrations");
  }
  if (chosen.includes("aggregate")) {
    for (const size of sizes ?? (isQuick ? [1000] : [1000, 10_000, 100_000, 1_000_000])) {
      const measured = await benchAggregate(size, effort, log);
      rows.push(...measured.rows);
      footprints.push(...measured.footprints);
    }
  }
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  return { machine, quick: isQuick, rows, footprints, contention };
}

/** Merges the figures of several runs; what was measured more than once has those of the quieter run. */
function figuresFrom(files: string): Figures {
  const runs = files.split(",").map((file) => JSON.parse(readFileSync(file, "utf8")) as Figures);
  const [first] = runs;
  if (first === undefined) throw new InvalidArgumentError("There is no file to take figures from.");
  return {
    machine: first.machine,
    quick: runs.some((run) => run.quick),
    rows: quietest(runs.flatMap((run) => run.rows)),
    // The first one that is found of each is shown.
    footprints: runs
      .flatMap((run) => run.footprints)
      .toSorted((a, b) => (a.openMs ?? Infinity) - (b.openMs ?? Infinity)),
    contention: runs.flatMap((run) => run.contention),
  };
}

function quietest(rows: readonly Row[]): Row[] {
  const byTask = new Map<string, Row>();
  for (const row of rows) {
    const task = JSON.stringify([row.part, row.size, row.operation, row.peer]);
    const other = byTask.get(task);
    if (other === undefined || row.p50Us < other.p50Us) byTask.set(task, row);
  }
  return [...byTask.values()];
}

/** The folder of the sources: this file is compiled into a folder in it. */
function bench(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}

function sizesFrom(text: string): number[] {
  return text.split(",").map((part) => {
    const size = Number(part);
    if (!Number.isInteger(size) || size < 1000) {
      throw new InvalidArgumentError("Sizes are integers from 1000 on.");
    }
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
