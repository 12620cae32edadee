/** Migrations as text: a table for one look, a line each for logs. */
import type { MigrationRow } from "./migration-rows.js";
import { duration, quantity, rate } from "../output/quantities.js";
import type { Paint } from "../output/terminal.js";

const unknown = "–";
const columns = ["migration", "state", "processed", "total", "rate", "time left", "last error"] as const;
const isNumeric = (column: number): boolean => column >= 2 && column <= 5;

/** The words for the component's states. */
export function stateWord(state: string): string {
  return { inProgress: "running", success: "done" }[state] ?? state;
}

/** The first line of the last error, with the document on which it happened; else how many documents were put aside. */
export function errorText(row: MigrationRow): string {
  const [text = ""] = (row.lastError ?? "").split("\n");
  if (text === "" && row.failed) {
    return `${quantity(row.failed)} ${row.failed === 1 ? "document" : "documents"} in quarantine`;
  }
  const id = row.errorDocumentId;
  return id === undefined || text.includes(id) ? text : `${text} (document ${id})`;
}

/** `12,000/231,083`, or the processed alone. */
export function countText(row: MigrationRow): string {
  return quantity(row.processed) + (row.total === undefined ? "" : `/${quantity(row.total)}`);
}

/** `3,400/s, 1m 04s left`, as far as known. */
export function paceText(row: MigrationRow): string {
  const pace = row.perSecond === undefined ? [] : [rate(row.perSecond)];
  const left = row.secondsLeft === undefined ? [] : [`${duration(row.secondsLeft)} left`];
  return [...pace, ...left].join(", ");
}

/** A table with a head; columns of numbers are right-aligned. */
export function migrationTable(rows: readonly MigrationRow[], paint: Paint): string {
  const cells = rows.map((row) => [
    row.name,
    stateWord(row.state),
    quantity(row.processed),
    row.total === undefined ? unknown : quantity(row.total),
    row.perSecond === undefined ? unknown : rate(row.perSecond),
    row.secondsLeft === undefined ? unknown : duration(row.secondsLeft),
    errorText(row),
  ]);
  const widths = columns.map((name, column) =>
    Math.max(...[name, ...cells.map((row) => row[column] ?? "")].map((text) => text.length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) =>
        isNumeric(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [
    paint.bold(line(columns)),
    ...cells.map((row, index) => colourOf(rows[index]?.state, paint)(line(row))),
  ].join("\n");
}

/** `migrations:backfill running 12,000/231,083 3,400/s, 1m 04s left`. */
export function migrationLine(row: MigrationRow): string {
  const parts = [row.name, stateWord(row.state), countText(row), paceText(row), errorText(row)];
  return parts.filter((part) => part !== "").join(" ");
}

function colourOf(state: string | undefined, paint: Paint): (text: string) => string {
  if (state === "failed") return paint.red;
  if (state === "success") return paint.green;
  return state === "inProgress" ? paint.cyan : String;
}
