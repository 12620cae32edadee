/** Results as a table with a head: no lines around it, numbers right-aligned, so that other tools can cut it into columns. */
import Table from "cli-table3";
import type { Paint } from "./terminal.js";

/** One column: its title, and its text for a row. */
export interface Column<Row> {
  readonly title: string;
  readonly isNumeric?: true;
  readonly text: (row: Row) => string;
}

const edges = ["top", "bottom", "left", "right", "mid"];
const corners = ["top", "bottom", "left", "right"].flatMap((edge) => [
  `${edge}-mid`,
  `${edge}-left`,
  `${edge}-right`,
]);
const noBorder = Object.fromEntries([...edges, ...corners, "mid-mid"].map((name) => [name, ""]));

/** The table as lines without spaces at their ends. `colourOf` says how a row is painted; the head is bold. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: Paint,
  colourOf: (row: Row) => (text: string) => string,
): string {
  const drawn = new Table({
    chars: { ...noBorder, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: columns.map(({ isNumeric }) => (isNumeric ? "right" : "left")),
  });
  drawn.push(columns.map(({ title }) => paint.bold(title)));
  drawn.push(...rows.map((row) => columns.map(({ text }) => colourOf(row)(text(row)))));
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
