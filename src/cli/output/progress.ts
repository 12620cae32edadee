/**
 * Progress on a terminal and in a log. A terminal shows it live: one line that is replaced, or one line with a bar for
 * each thing that is at work. A log gets plain lines, at a rate that keeps it readable.
 */
import { MultiBar, Presets, type Bar } from "cli-progress";
import type { Output } from "./terminal.js";

const plainLineIntervalMs = 5_000;
const plainRowIntervalMs = 1_000;
const barWidth = 24;

/** One line of progress. Off a terminal it is printed anew when it changed, every five seconds at most. */
export class ProgressLine {
  readonly #output: Output;
  #printed = "";
  #printedMs = -Infinity;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows the text in place of what was shown before. */
  update(text: string): void {
    if (this.#output.screen !== undefined) return this.#output.live(text);
    const nowMs = performance.now();
    if (text === this.#printed || nowMs - this.#printedMs < plainLineIntervalMs) return;
    this.#printed = text;
    this.#printedMs = nowMs;
    this.#output.line(text);
  }

  /** Removes the line, and prints the text in its place if there is one. */
  end(text?: string): void {
    this.#output.live();
    if (text !== undefined) this.#output.line(text);
  }
}

/** What is shown of one thing that is at work: an aggregate, a migration, a step of a check. */
export interface ProgressRow {
  readonly name: string;
  /** `building`, `verifying`, `ready`, …: a change of it is always printed. */
  readonly step: string;
  readonly processed: number;
  /** Without a total there is no bar. */
  readonly total: number | null;
  /** Stands behind the bar, or after the name in a plain line. */
  readonly text: string;
}

/** Rows of progress. Off a terminal a row is printed when it changed, once a second at most unless its step changes. */
export class ProgressRows {
  readonly #output: Output;
  readonly #bars: MultiBar | undefined;
  readonly #barOf = new Map<string, Bar>();
  readonly #printed = new Map<string, { readonly row: ProgressRow; readonly atMs: number }>();

  constructor(output: Output) {
    this.#output = output;
    if (output.screen === undefined) return;
    const options = {
      stream: output.screen,
      hideCursor: true,
      clearOnComplete: false,
      barsize: barWidth,
      format: formatBar,
    };
    this.#bars = new MultiBar(options, Presets.shades_classic);
  }

  show(rows: readonly ProgressRow[]): void {
    for (const row of rows) {
      if (this.#bars === undefined) this.#print(row);
      else this.#draw(this.#bars, row);
    }
  }

  /** Leaves the rows as they were shown last. */
  end(): void {
    this.#bars?.stop();
  }

  #draw(bars: MultiBar, row: ProgressRow): void {
    let bar = this.#barOf.get(row.name);
    if (bar === undefined) {
      bar = bars.create(row.total ?? 0, row.processed, { row });
      this.#barOf.set(row.name, bar);
    }
    bar.setTotal(row.total ?? 0);
    bar.update(Math.min(row.processed, row.total ?? row.processed), { row });
  }

  #print(row: ProgressRow): void {
    const last = this.#printed.get(row.name);
    const nowMs = performance.now();
    if (last?.row.step === row.step) {
      if (last.row.text === row.text || nowMs - last.atMs < plainRowIntervalMs) return;
    }
    this.#printed.set(row.name, { row, atMs: nowMs });
    this.#output.line(`${row.name} ${row.text}`);
  }
}

function formatBar(
  _options: object,
  params: { readonly progress: number },
  { row }: { readonly row: ProgressRow },
): string {
  const filled = Math.round(Math.min(1, Math.max(0, params.progress)) * barWidth);
  const bar = row.total === null ? "" : "█".repeat(filled) + "░".repeat(barWidth - filled);
  return [row.name, bar, row.text].filter((part) => part !== "").join(" ");
}
