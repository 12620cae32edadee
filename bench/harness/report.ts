/** Turns what was measured into rows for the JSON file and into tables, with a line per operation and a column per peer. */
import type { Measurement } from "./measure.js";

export interface Row extends Measurement {
  readonly part:
    | "aggregate"
    | "durable inserts"
    | "migrations"
    | "server"
    | "live queries"
    | "build"
    | "growth";
  /** How many items or documents there were; null where it does not matter. */
  readonly size: number | null;
  readonly operation: string;
  /** The most memory that the process took, in MB; left out where nobody looked. */
  readonly rssMb?: number;
}

/** What a peer stores when it holds so many items, and how long it takes to open it; null where that means nothing. */
export interface Footprint {
  readonly peer: string;
  readonly size: number;
  readonly bytesPerItem: number;
  readonly openMs: number | null;
}

/** How many times one peer is as fast as another, by p50: the time slices of other processes disturb it least. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
}

const usedTitle = "Processor time of one in µs / longest stop of the event loop in ms / MB / fdatasync in ms";

/** A Markdown table of rates with latencies, then one of the ratios, for each part and size. */
export function tables(rows: readonly Row[], ratios: readonly Ratio[]): string {
  const groups = groupBy(rows, ({ part, size }) =>
    size === null ? part : `${part}, ${size.toLocaleString("en")}`,
  );
  return [...groups]
    .map(([title, group]) => {
      const shown = [`## ${title}`, "", "Per second (p50 / p99 in µs)", "", ratesTable(group)];
      const compared = ratiosTable(group, ratios);
      if (compared !== "") shown.push("", "Times as fast, by p50", "", compared);
      const used = usedTable(group);
      if (used !== "") shown.push("", usedTitle, "", used);
      return shown.join("\n");
    })
    .join("\n\n");
}

function ratesTable(rows: readonly Row[]): string {
  const peers = [...new Set(rows.map(({ peer }) => peer))];
  return table(
    ["", ...peers],
    [...groupBy(rows, ({ operation }) => operation)].map(([operation, group]) => [
      operation,
      ...peers.map((peer) => {
        const row = group.find((each) => each.peer === peer);
        return row === undefined ? "" : `${round(row.perSecond)} (${round(row.p50Us)} / ${round(row.p99Us)})`;
      }),
    ]),
  );
}

/** What the processes used, one cell for each row that tells it. */
function usedTable(rows: readonly Row[]): string {
  const telling = rows.filter(({ cpuUs, rssMb, flushMs }) =>
    [cpuUs, rssMb, flushMs].some((each) => each !== undefined),
  );
  if (telling.length === 0) return "";
  const peers = [...new Set(telling.map(({ peer }) => peer))];
  return table(
    ["", ...peers],
    [...groupBy(telling, ({ operation }) => operation)].map(([operation, group]) => [
      operation,
      ...peers.map((peer) => {
        const row = group.find((each) => each.peer === peer);
        if (row === undefined) return "";
        const { cpuUs, longestStopMs, rssMb, flushMs } = row;
        return [cpuUs, longestStopMs, rssMb, flushMs]
          .map((each) => (each === undefined ? "–" : round(each)))
          .join(" / ");
      }),
    ]),
  );
}

function ratiosTable(rows: readonly Row[], ratios: readonly Ratio[]): string {
  const peers = new Set(rows.map(({ peer }) => peer));
  const shown = ratios.filter(({ of, to }) => peers.has(of) && peers.has(to));
  if (shown.length === 0) return "";
  return table(
    ["", ...shown.map(({ of, to }) => `${of} : ${to}`)],
    [...groupBy(rows, ({ operation }) => operation)].map(([operation, group]) => [
      operation,
      ...shown.map(({ of, to }) => {
        const [a, b] = [of, to].map((peer) => group.find((row) => row.peer === peer)?.p50Us);
        return a === undefined || b === undefined ? "" : round(b / a);
      }),
    ]),
  );
}

/** Rates with latencies and what the disk took to flush before: a durable figure says little without it. */
export function rateCell({ perSecond, p50Us, p99Us, flushMs }: Row): string {
  const flush = flushMs === undefined ? "" : `; ${round(flushMs)}`;
  return `${round(perSecond)} (${round(p50Us / 1000)} / ${round(p99Us / 1000)}${flush})`;
}

export const rateTitle = "per second (p50 / p99 in ms; fdatasync in ms)";

/** Writes a number with two or three digits, and its thousands set apart. */
export function round(value: number): string {
  if (value >= 1000) return Number(value.toPrecision(3)).toLocaleString("en");
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)));
}

export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const text = (line: readonly string[]) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [text(head), rule, ...lines.map(text)].join("\n");
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}
