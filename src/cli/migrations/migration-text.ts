/** Migrations as text: a table for one look, a line each for logs. */
import type { MigrationRow } from "./migration-rows.js";
import { duration, quantity, rate } from "../output/quantities.js";
import { table, type Column } from "../output/table.js";
import type { Paint } from "../output/terminal.js";

const unknown = "–";
/** The word for a state of the component. */
function stateWord(state: string): string {
  return { inProgress: "running", success: "done" }[state] ?? state;
}

/** The first line of the last error with the document on which it happened, or how many documents are in quarantine. */
export function errorText(row: MigrationRow): string {
  const [text = ""] = (row.lastError ?? "").split("\n");
  if (text === "" && row.failed) {
    return `${quantity(row.failed)} ${row.failed === 1 ? "document" : "documents"} in quarantine`;
  }
  const id = row.errorDocumentId;
  return id === undefined || text.includes(id) ? text : `${text} (document ${id})`;
}

/** `12,000/231,083`, or only how many are processed where the total is not known. */
export function countText(row: MigrationRow): string {
  return quantity(row.processed) + (row.total === undefined ? "" : `/${quantity(row.total)}`);
}

/** `3,400/s, 1m 04s left`, as far as known. */
export function paceText(row: MigrationRow): string {
  const pace = row.perSecond === undefined ? [] : [rate(row.perSecond)];
  const left = row.secondsLeft === undefined ? [] : [`${duration(row.secondsLeft)} left`];
  return [...pace, ...left].join(", ");
}

/** A table with a head. */
export function migrationTable(rows: readonly MigrationRow[], paint: Paint): string {
  return table(columns, rows, paint, ({ state }) => colourOf(state, paint));
}

const columns: readonly Column<MigrationRow>[] = [
  { title: "migration", text: ({ name }) => name },
  { title: "state", text: ({ state }) => stateWord(state) },
  { title: "processed", isNumeric: true, text: ({ processed }) => quantity(processed) },
  { title: "total", isNumeric: true, text: ({ total }) => (total === undefined ? unknown : quantity(total)) },
  {
    title: "rate",
    isNumeric: true,
    text: ({ perSecond }) => (perSecond === undefined ? unknown : rate(perSecond)),
  },
  {
    title: "time left",
    isNumeric: true,
    text: ({ secondsLeft }) => (secondsLeft === undefined ? unknown : duration(secondsLeft)),
  },
  { title: "last error", text: errorText },
];

/** `migrations:backfill running 12,000/231,083 3,400/s, 1m 04s left`. */
export function migrationLine(row: MigrationRow): string {
  return [row.name, progressText(row)].join(" ");
}

/** The same without the name: `running 12,000/231,083 3,400/s, 1m 04s left`. */
export function progressText(row: MigrationRow): string {
  const parts = [stateWord(row.state), countText(row), paceText(row), errorText(row)];
  return parts.filter((part) => part !== "").join(" ");
}

function colourOf(state: string, paint: Paint): (text: string) => string {
  if (state === "failed") return paint.red;
  if (state === "success") return paint.green;
  return state === "inProgress" ? paint.cyan : String;
}
