/** Aggregates as text: a table for one look, a line each for logs. */
import type { AggregateOverview, AggregateProgress } from "../../backend/index.js";
import { ago, bytes, duration, number, quantity, rate } from "../output/quantities.js";
import type { Paint } from "../output/terminal.js";

const unknown = "–";
const columns = [
  "aggregate",
  "table",
  "state",
  "items",
  "namespaces",
  "sum",
  "size",
  "verified",
  "drift",
  "error",
] as const;
const numeric: ReadonlySet<string> = new Set(["items", "namespaces", "sum", "size", "drift"]);

/** `ready`, or how far the build is: `building 12,000/231,083`. */
export function stateText({ state, processed, total }: AggregateProgress): string {
  if (state !== "building" && state !== "checking") return state;
  return `${state} ${quantity(processed)}${total === null ? "" : `/${quantity(total)}`}`;
}

/** `3,400/s, 1m 04s left`, as far as known, while it is being built. */
export function paceText({ state, ratePerSecond, etaMs }: AggregateProgress): string {
  if (state !== "building") return "";
  const pace = ratePerSecond === null ? [] : [rate(ratePerSecond)];
  const left = etaMs === null ? [] : [`${duration(etaMs / 1000)} left`];
  return [...pace, ...left].join(", ");
}

/** A table with a head; columns of numbers are right-aligned, and errors shown only where there are any. */
export function aggregateTable(rows: readonly AggregateOverview[], nowMs: number, paint: Paint): string {
  const cells = rows.map((row) => cellsOf(row, nowMs));
  const shown = columns.filter((name) => name !== "error" || cells.some(({ error }) => error !== ""));
  const widths = new Map(
    shown.map((name) => [name, Math.max(name.length, ...cells.map((row) => row[name].length))]),
  );
  const line = (texts: Readonly<Record<Column, string>>): string =>
    shown
      .map((name) => {
        const width = widths.get(name) ?? 0;
        return numeric.has(name) ? texts[name].padStart(width) : texts[name].padEnd(width);
      })
      .join("  ")
      .trimEnd();
  const head = Object.fromEntries(columns.map((name) => [name, name])) as Record<Column, string>;
  return [paint.bold(line(head)), ...cells.map((row, index) => colourOf(rows[index], paint)(line(row)))].join(
    "\n",
  );
}

/** `byScore: the item of document j57x had drifted (missing), 2m ago`, for each of the documents that writes came upon. */
export function driftLines(rows: readonly AggregateOverview[], nowMs: number): string[] {
  return rows.flatMap(({ name, drifted }) =>
    drifted.map(
      ({ id, kind, atMs }) =>
        `${name}: the item of document ${id} had drifted (${kind}), ${ago(nowMs - atMs)}`,
    ),
  );
}

/** `byScore building 12,000/231,083 3,400/s, 1m 04s left`. */
export function aggregateLine(row: AggregateOverview): string {
  const drift = row.drift === null || row.drift === 0 ? "" : `drift ${quantity(row.drift)}`;
  const items = row.state === "ready" ? `${quantity(row.items)} items` : "";
  const parts = [row.name, stateText(row), paceText(row), items, drift, firstLine(row.error)];
  return parts.filter((part) => part !== "").join(" ");
}

type Column = (typeof columns)[number];

function cellsOf(row: AggregateOverview, nowMs: number): Record<Column, string> {
  return {
    aggregate: row.name,
    table: row.table,
    state: [stateText(row), paceText(row)].filter((part) => part !== "").join(" "),
    items: quantity(row.items),
    namespaces: quantity(row.namespaces),
    sum: number(row.sum),
    size: bytes(row.sizeBytes),
    verified: row.lastVerified === null ? "never" : ago(nowMs - row.lastVerified.atMs),
    drift: row.drift === null ? unknown : quantity(row.drift),
    error: firstLine(row.error),
  };
}

function firstLine(text: string | null): string {
  return (text ?? "").split("\n")[0] ?? "";
}

function colourOf(row: AggregateOverview | undefined, paint: Paint): (text: string) => string {
  if (row === undefined) return String;
  if (row.state === "failed" || row.error !== null || (row.drift ?? 0) > 0) return paint.red;
  return row.state === "ready" ? paint.green : paint.cyan;
}
