/** Aggregates as text: a table for one look, a line each for logs, and what verify or repair found. */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import type {
  AggregateDifference,
  AggregateOverview,
  AggregateProgress,
  VerifyResult,
} from "../../backend/index.js";
import { ago, bytes, duration, number, quantity, rate } from "../output/quantities.js";
import { table, type Column } from "../output/table.js";
import type { Paint } from "../output/terminal.js";

const unknown = "–";
const maxShown = 100;
const maxValueLength = 60;

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

/** A table with a head. Errors have a column only where there are any. */
export function aggregateTable(rows: readonly AggregateOverview[], nowMs: number, paint: Paint): string {
  const columns: readonly Column<AggregateOverview>[] = [
    { title: "aggregate", text: ({ name }) => name },
    { title: "table", text: (row) => row.table },
    { title: "state", text: (row) => joined(stateText(row), paceText(row)) },
    { title: "items", isNumeric: true, text: ({ items }) => quantity(items) },
    { title: "namespaces", isNumeric: true, text: ({ namespaces }) => quantity(namespaces) },
    { title: "sum", isNumeric: true, text: ({ sum }) => number(sum) },
    { title: "size", isNumeric: true, text: ({ sizeBytes }) => bytes(sizeBytes) },
    {
      title: "verified",
      text: ({ lastVerified }) => (lastVerified === null ? "never" : ago(nowMs - lastVerified.atMs)),
    },
    { title: "drift", isNumeric: true, text: ({ drift }) => (drift === null ? unknown : quantity(drift)) },
    ...(rows.some(({ error }) => firstLine(error) !== "")
      ? [{ title: "error", text: ({ error }: AggregateOverview) => firstLine(error) }]
      : []),
  ];
  return table(columns, rows, paint, (row) => colourOf(row, paint));
}

/**
 * `byScore: the item of document j57x had drifted (missing), 2m ago`, a line for each document that a write found out of step.
 */
export function driftLines(rows: readonly AggregateOverview[], nowMs: number): string[] {
  return rows.flatMap(({ name, drifted }) =>
    drifted.map(
      ({ id, kind, atMs }) =>
        `${name}: the item of document ${id} had drifted (${kind}), ${ago(nowMs - atMs)}`,
    ),
  );
}

/** `byScore building 12,000/231,083 3,400/s, 1m 04s left`: one aggregate in a log. */
export function aggregateLine(row: AggregateOverview): string {
  const drift = row.drift === null || row.drift === 0 ? "" : `drift ${quantity(row.drift)}`;
  const items = row.state === "ready" ? `${quantity(row.items)} items` : "";
  return joined(row.name, stateText(row), paceText(row), items, drift, firstLine(row.error));
}

/** The parts that are not empty, with a space between. */
export function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}

function firstLine(text: string | null): string {
  return (text ?? "").split("\n")[0] ?? "";
}

function colourOf(row: AggregateOverview, paint: Paint): (text: string) => string {
  if (row.state === "failed" || row.error !== null || (row.drift ?? 0) > 0) return paint.red;
  return row.state === "ready" ? paint.green : paint.cyan;
}

/** `byScore: 3 differences (2 missing, 1 wrongSum), 12,000 documents and items compared in 0.4s`, and the differences. */
export function verifyText(result: VerifyResult, paint: Paint): string {
  const { differences, remaining } = result;
  const shown = differences.slice(0, maxShown);
  const more = differences.length - shown.length;
  const width = Math.max(0, ...shown.map(({ kind }) => kind.length));
  return [
    (remaining === 0 ? paint.green : paint.red)(headline(result)),
    ...shown.map((difference) => differenceLine(difference, width)),
    ...(more > 0 ? [`  … and ${quantity(more)} more: --json has them all`] : []),
  ].join("\n");
}

function headline({
  name,
  repair,
  differences,
  remaining,
  counts,
  checked,
  durationMs,
}: VerifyResult): string {
  const total = differences.length;
  const kinds = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${quantity(count)} ${kind}`);
  const found =
    total === 0
      ? "no differences"
      : `${quantity(total)} ${total === 1 ? "difference" : "differences"} (${kinds.join(", ")})`;
  const mended =
    total === 0 || !repair ? "" : remaining === 0 ? ", all mended" : `, ${quantity(remaining)} left`;
  const time = durationMs < 10_000 ? `${(durationMs / 1000).toFixed(1)}s` : duration(durationMs / 1000);
  return `${name}: ${found}${mended}, ${quantity(checked)} documents and items compared in ${time}`;
}

function differenceLine({ kind, id, expected, actual, fixed }: AggregateDifference, width: number): string {
  const mark = fixed ? " (mended)" : "";
  return `  ${kind.padEnd(width)}  ${id}  expected ${valueText(expected)}, is ${valueText(actual)}${mark}`;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  const json = JSON.stringify(convexToJson(value as Value), (_key, part: unknown) => readable(part));
  const text = json.replaceAll(/"\\u0000(.*?)\\u0000"/g, "$1");
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
}

/** Numbers that JSON does not have as their literals, between marks: `-0`, `NaN`, `7n`, instead of the base64 of their bytes. */
function readable(part: unknown): unknown {
  if (typeof part !== "object" || part === null || !("$float" in part || "$integer" in part)) return part;
  const value = jsonToConvex(part as JSONValue);
  if (typeof value === "bigint") return `\0${value}n\0`;
  return typeof value === "number" ? `\0${Object.is(value, -0) ? "-0" : value}\0` : part;
}
