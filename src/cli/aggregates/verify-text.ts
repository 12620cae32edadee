/** What verify or repair found, as text: a line for each aggregate, and one for each difference under it. */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import type { AggregateDifference, VerifyResult } from "../../backend/index.js";
import { duration, quantity } from "../output/quantities.js";
import type { Paint } from "../output/terminal.js";

const maxShown = 100;
const maxValueLength = 60;

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
