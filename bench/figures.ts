/** Makes the tables and the plot of docs/performance.md from the figures of one run. */
import { countedTreeSubject, bareSqliteSubject, subjectName } from "./aggregate/subjects.js";
import { redisFixture } from "./aggregate/redis-peer.js";
import { buildTable } from "./build/bench.js";
import { contentionTable, type ContentionRow } from "./contention/bench.js";
import { growthTable, type GrowthRow } from "./growth/bench.js";
import { plot, type Panel } from "./harness/plot.js";
import { rateCell, rateTitle, round, table, type Footprint, type Ratio, type Row } from "./harness/report.js";
import { liveTable, type LiveRow } from "./server/live.js";
import { serverRates, serverRatios } from "./server/tables.js";

/** What a run measured, and where. */
export interface Figures extends Measured {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  readonly quick: boolean;
}

/** What its parts measured. */
export interface Measured {
  readonly rows: readonly Row[];
  readonly footprints: readonly Footprint[];
  readonly contention: readonly ContentionRow[];
  readonly live: readonly LiveRow[];
  readonly growth: readonly GrowthRow[];
}

const published = "published";
const peers = [
  subjectName("trueup", "memory"),
  subjectName("trueup", "sqlite"),
  subjectName(published, "memory"),
  subjectName(published, "sqlite"),
  subjectName("trueup", "mock"),
  subjectName(published, "mock"),
  redisFixture,
  bareSqliteSubject,
  countedTreeSubject,
];

export const ratios: readonly Ratio[] = [
  { of: subjectName("trueup", "memory"), to: subjectName(published, "mock") },
  { of: subjectName("trueup", "sqlite"), to: subjectName(published, "mock") },
  { of: subjectName("trueup", "memory"), to: subjectName(published, "memory") },
  { of: subjectName("trueup", "sqlite"), to: subjectName(published, "sqlite") },
  { of: subjectName("trueup", "mock"), to: subjectName(published, "mock") },
  { of: subjectName("trueup", "sqlite"), to: redisFixture },
  { of: subjectName("trueup", "sqlite"), to: bareSqliteSubject },
  { of: countedTreeSubject, to: subjectName("trueup", "memory") },
];

/** The tables, by the names that the document gives to their places. Parts that were not measured are left out. */
export function documentFigures({
  rows,
  footprints,
  contention,
  live,
  growth,
}: Figures): Map<string, string> {
  const figures = new Map<string, string>();
  const aggregate = rows.filter(({ part }) => part === "aggregate");
  if (aggregate.length > 0) {
    figures.set("aggregate latencies", latencies(aggregate));
    figures.set("aggregate rates", rates(aggregate));
    figures.set("aggregate ratios", ratiosAt(aggregate));
    figures.set("aggregate storage", storage(footprints));
  }
  const inserts = rows.filter(({ part }) => part === "durable inserts");
  if (inserts.length > 0) figures.set("durable inserts", durableInserts(inserts));
  if (contention.length > 0) figures.set("contention", contentionTable(contention));
  const server = rows.filter(({ part }) => part === "server");
  if (server.length > 0) {
    figures.set("server rates", serverRates(server));
    figures.set("server ratios", serverRatios(server));
  }
  const builds = rows.filter(({ part }) => part === "build");
  if (builds.length > 0) figures.set("builds", buildTable(builds));
  if (live.length > 0) figures.set("live queries", liveTable(live));
  if (growth.length > 0) figures.set("growth", growthTable(growth));
  return figures;
}

/** How the cost of operations grows with the number of items. */
export function growthPlot(rows: readonly Row[]): string {
  const shown = peers.filter((peer) => peer !== subjectName("trueup", "mock"));
  const panels: readonly [string, string][] = [
    ["count in bounds", "count within bounds"],
    ["at(offset)", "item at an offset"],
    ["page of 100, deep", "page of 100 at a deep offset"],
    ["insert, 100 per mutation", "insert, 100 per transaction, each"],
  ];
  return plot({
    title: "Cost of one operation by the number of items",
    description:
      "Medians in microseconds, both axes logarithmic. Lines that rise by little from 1,000 to 1,000,000 items grow as the logarithm; those that rise tenfold for ten times the items grow with them.",
    xLabel: "items",
    yLabel: "time, p50",
    xTick: shortCount,
    yTick: shortTime,
    panels: panels.map(([operation, title]): Panel => ({
      title,
      lines: shown.flatMap((peer) => {
        const points = rows
          .filter((row) => row.operation === operation && row.peer === peer && row.size !== null)
          .map((row) => [row.size ?? 0, row.p50Us] as const);
        return points.length === 0 ? [] : [{ name: ourName(peer), points }];
      }),
    })),
  });
}

/** Latencies in µs by p50, with all sizes in one cell. */
function latencies(rows: readonly Row[]): string {
  const sizes = sizesOf(rows);
  const present = peers.filter((peer) => rows.some((row) => row.peer === peer));
  const head = [`µs, p50 at ${sizes.map(shortCount).join(" / ")}`, ...present.map(ourName)];
  const lines = operationsOf(rows).map((operation) => [
    operation,
    ...present.map((peer) => {
      const cells = sizes.map((size) => cellOf(rows, operation, peer, size, ({ p50Us }) => round(p50Us)));
      return cells.every((cell) => cell === "–") ? "" : cells.join(" / ");
    }),
  ]);
  return table(head, lines);
}

/** Rates per second, with p99, at the size that the aims are about. */
function rates(rows: readonly Row[]): string {
  const size = comparedSize(rows);
  const present = peers.filter((peer) => rows.some((row) => row.peer === peer && row.size === size));
  const head = [`per second (p99 in µs), ${shortCount(size)}`, ...present.map(ourName)];
  const lines = operationsOf(rows).map((operation) => [
    operation,
    ...present.map((peer) => {
      const cell = cellOf(
        rows,
        operation,
        peer,
        size,
        (row) => `${round(row.perSecond)} (${round(row.p99Us)})`,
      );
      return cell === "–" ? "" : cell;
    }),
  ]);
  return table(head, lines);
}

function ratiosAt(rows: readonly Row[]): string {
  const size = comparedSize(rows);
  const atSize = rows.filter((row) => row.size === size);
  const shown = ratios.filter(({ of, to }) =>
    [of, to].every((peer) => atSize.some((row) => row.peer === peer)),
  );
  const head = [
    `times as fast, by p50, ${shortCount(size)}`,
    ...shown.map(({ of, to }) => `${ourName(of)} : ${ourName(to)}`),
  ];
  const lines = operationsOf(rows).map((operation) => [
    operation,
    ...shown.map(({ of, to }) => {
      const [a, b] = [of, to].map(
        (peer) => atSize.find((row) => row.operation === operation && row.peer === peer)?.p50Us,
      );
      return a === undefined || b === undefined ? "" : round(b / a);
    }),
  ]);
  return table(head, lines);
}

function storage(footprints: readonly Footprint[]): string {
  const sizes = [...new Set(footprints.map(({ size }) => size))].toSorted((a, b) => a - b);
  const head = [
    "",
    ...sizes.map((size) => `bytes an item, ${shortCount(size)}`),
    ...sizes.map((size) => `open in ms, ${shortCount(size)}`),
  ];
  const lines = peers
    .filter((peer) => footprints.some((each) => each.peer === peer))
    .map((peer) => {
      const found = sizes.map((size) => footprints.find((each) => each.peer === peer && each.size === size));
      return [
        ourName(peer),
        ...found.map((each) => (each === undefined ? "" : round(each.bytesPerItem))),
        ...found.map((each) => (each === undefined || each.openMs === null ? "" : round(each.openMs))),
      ];
    });
  return table(head, lines);
}

function durableInserts(rows: readonly Row[]): string {
  const present = [...new Set(rows.map(({ peer }) => peer))];
  return table(
    [rateTitle, ...present],
    operationsOf(rows).map((operation) => [
      operation,
      ...present.map((peer) => {
        const row = rows.find((each) => each.operation === operation && each.peer === peer);
        return row === undefined ? "" : rateCell(row);
      }),
    ]),
  );
}

function cellOf(
  rows: readonly Row[],
  operation: string,
  peer: string,
  size: number,
  show: (row: Row) => string,
): string {
  const row = rows.find((each) => each.operation === operation && each.peer === peer && each.size === size);
  return row === undefined ? "–" : show(row);
}

function operationsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ operation }) => operation))];
}

function sizesOf(rows: readonly Row[]): number[] {
  return [...new Set(rows.flatMap(({ size }) => (size === null ? [] : [size])))].toSorted((a, b) => a - b);
}

/** 100,000 when it was measured, else the largest size. */
function comparedSize(rows: readonly Row[]): number {
  const sizes = sizesOf(rows);
  return sizes.includes(100_000) ? 100_000 : (sizes.at(-1) ?? 0);
}

function ourName(peer: string): string {
  return peer.replace("trueup,", "ours,").replace("convex-test", "mock");
}

function shortCount(count: number): string {
  if (count >= 1_000_000) return `${count / 1_000_000}M`;
  return count >= 1000 ? `${count / 1000}k` : String(count);
}

function shortTime(us: number): string {
  if (us >= 1_000_000) return `${us / 1_000_000} s`;
  return us >= 1000 ? `${us / 1000} ms` : `${Number(us.toPrecision(1))} µs`;
}
