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
import { benchBuild } from "./build/bench.js";
import { benchContention, contentionTable } from "./contention/bench.js";
import { benchDurableInserts } from "./durable-inserts.js";
import { documentFigures, growthPlot, ratios, type Figures, type Measured } from "./figures.js";
import { benchGrowth, growthTable } from "./growth/bench.js";
import { fillDocument } from "./harness/document.js";
import type { Effort } from "./harness/measure.js";
import { tables, type Ratio } from "./harness/report.js";
import { benchMigrations } from "./migrations/bench.js";
import { benchServer } from "./server/bench.js";
import { benchLiveQueries, liveTable } from "./server/live.js";

const parts = [
  "contention",
  "durable-inserts",
  "server",
  "live-queries",
  "migrations",
  "build",
  "growth",
  "aggregate",
] as const;
type Part = (typeof parts)[number];

interface Options {
  sizes?: number[];
  parts?: Part[];
  quick?: true;
  json?: string;
  write?: true;
  from?: string;
}

const program = new Command("bench")
  .option(
    "--sizes <numbers>",
    "how many items aggregates hold, and how many documents are built over (default: 1k to 1M; 100k; 1M)",
    sizesFrom,
  )
  .option(
    "--parts <names>",
    `which of ${parts.join(", ")}; the last sizes of growth are measured when it is named`,
    partsFrom,
  )
  .option("--quick", "short turns and few documents: to see that it works, not to quote")
  .option("--json <file>", "where to write the figures (default: a file in bench/results)")
  .option("--write", "puts the figures and the plot into docs")
  .option(
    "--from <files>",
    "measures nothing, takes the figures of these files, separated by commas; the quieter ones",
  )
  .parse();

const { sizes, parts: named, quick, json, write, from } = program.opts<Options>();
const isQuick = quick === true;
const effort: Effort = isQuick
  ? { rounds: 2, turnMs: 10, turnCalls: 1000 }
  : { rounds: 5, turnMs: 100, turnCalls: 100_000 };
/** Callers from another process are measured for longer: both must be at work, and a slow flush must not be all of it. */
const servers = isQuick
  ? {
      extent: { callers: [1, 16], filled: 100 },
      live: { clients: 20, perClient: 5, rooms: 50, touched: 5 },
      effort: { rounds: 1, turnMs: 50, turnCalls: Infinity },
    }
  : {
      extent: { callers: [1, 16, 64, 256], filled: 10_000 },
      live: { clients: 500, perClient: 20, rooms: 1000, touched: 100 },
      effort: { rounds: 3, turnMs: 1000, turnCalls: Infinity },
    };
const log = (line: string): void => console.error(line);

const measurements: Readonly<Record<Part, () => Promise<Partial<Measured>>>> = {
  contention: async () => {
    const filled = isQuick ? [200] : [1000, 4000, 16_000];
    const extents = filled.map((size) => ({ filled: size, perWriter: isQuick ? 10 : 25 }));
    return { contention: await benchContention(extents, log) };
  },
  "durable-inserts": async () => ({ rows: await benchDurableInserts(effort) }),
  server: async () => ({ rows: await benchServer(servers.extent, servers.effort, log) }),
  "live-queries": async () => ({ live: await benchLiveQueries(servers.live, servers.effort) }),
  migrations: async () => ({ rows: await benchMigrations(isQuick ? 1000 : 10_000, isQuick ? 1 : 3) }),
  build: async () => {
    const all = sizes ?? (isQuick ? [1000] : [100_000]);
    return { rows: await forEach(all, (size) => benchBuild(size, isQuick ? 1 : 3, log)) };
  },
  growth: async () => {
    const all = sizes ?? (isQuick ? [1000] : named === undefined ? [1_000_000] : [1_000_000, 10_000_000]);
    return { growth: await forEach(all, (size) => benchGrowth(size, effort, log)) };
  },
  aggregate: async () => {
    const all = sizes ?? (isQuick ? [1000] : [1000, 10_000, 100_000, 1_000_000]);
    return merged(await forEach(all, async (size) => [await benchAggregate(size, effort, log)]));
  },
};

const otherRatios: readonly Ratio[] = [
  { of: bareSqliteSubject, to: "documents" },
  { of: bareSqliteSubject, to: "aggregate, trueup" },
  { of: "aggregate, trueup", to: "aggregate, published" },
];

const figures = from === undefined ? await measureAll() : figuresFrom(from);
printFigures();
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

function printFigures(): void {
  const { rows, live, growth, contention } = figures;
  const sections = [tables(rows, [...ratios, ...otherRatios])];
  if (live.length > 0) sections.push(`## live queries\n\n${liveTable(live)}`);
  if (growth.length > 0) sections.push(`## growth\n\n${growthTable(growth)}`);
  if (contention.length > 0) sections.push(`## contention\n\n${contentionTable(contention)}`);
  console.log(sections.join("\n\n"));
}

async function measureAll(): Promise<Figures> {
  const found: Partial<Measured>[] = [];
  for (const part of parts.filter((each) => named?.includes(each) ?? true)) {
    const begin = performance.now();
    found.push(await measurements[part]());
    log(`${part} took ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  return { machine, quick: isQuick, ...merged(found) };
}

/** Merges the figures of several runs; what was measured more than once has those of the quieter run. */
function figuresFrom(files: string): Figures {
  const runs = files.split(",").map((file) => JSON.parse(readFileSync(file, "utf8")) as Figures);
  const [first] = runs;
  if (first === undefined) throw new InvalidArgumentError("There is no file to take figures from.");
  const all = merged(runs);
  return {
    machine: first.machine,
    quick: runs.some((run) => run.quick),
    ...all,
    rows: quietest(
      all.rows,
      ({ part, size, operation, peer }) => [part, size, operation, peer],
      ({ p50Us }) => p50Us,
    ),
    live: quietest(
      all.live,
      ({ extent, peer }) => [extent, peer],
      ({ p50Us }) => p50Us,
    ),
    growth: quietest(
      all.growth,
      ({ size, peer }) => [size, peer],
      ({ measured }) => measured.countBetween.p50Us,
    ),
    // The first one that is found of each is shown.
    footprints: all.footprints.toSorted((a, b) => (a.openMs ?? Infinity) - (b.openMs ?? Infinity)),
  };
}

function merged(all: readonly Partial<Measured>[]): Measured {
  return {
    rows: all.flatMap(({ rows = [] }) => rows),
    footprints: all.flatMap(({ footprints = [] }) => footprints),
    contention: all.flatMap(({ contention = [] }) => contention),
    live: all.flatMap(({ live = [] }) => live),
    growth: all.flatMap(({ growth = [] }) => growth),
  };
}

async function forEach<T>(all: readonly number[], measure: (size: number) => Promise<T[]>): Promise<T[]> {
  const found: T[] = [];
  for (const size of all) found.push(...(await measure(size)));
  return found;
}

/** Of the figures that are of the same thing, those of the run in which it took the least time. */
function quietest<T>(
  all: readonly T[],
  nameOf: (one: T) => readonly unknown[],
  timeOf: (one: T) => number,
): T[] {
  const byName = new Map<string, T>();
  for (const one of all) {
    const name = JSON.stringify(nameOf(one));
    const other = byName.get(name);
    if (other === undefined || timeOf(one) < timeOf(other)) byName.set(name, one);
  }
  return [...byName.values()];
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
