/**
 * Live work on aggregates: on a terminal one line each, with a progress bar where the total is known; elsewhere a plain line
 * whenever one changed, at most one per second and aggregate unless its step changes.
 */
import { Presets, type Bar, MultiBar } from "cli-progress";
import type { Output } from "../output/terminal.js";

/** What is shown of one aggregate. */
export interface WorkRow {
  readonly name: string;
  /** `building`, `verifying`, `ready`, …: a change of it is always printed. */
  readonly step: string;
  readonly processed: number;
  readonly total: number | null;
  /** What stands behind the bar, or after the name in a plain line. */
  readonly text: string;
}

const plainIntervalMs = 1_000;
const barWidth = 24;

export class WorkDisplay {
  readonly #output: Output;
  readonly #bars: MultiBar | undefined;
  readonly #barOf = new Map<string, Bar>();
  readonly #printed = new Map<
    string,
    { readonly text: string; readonly step: string; readonly atMs: number }
  >();

  constructor(output: Output) {
    this.#output = output;
    if (!output.isTerminal) return;
    this.#bars = new MultiBar(
      {
        stream: output.stream,
        hideCursor: true,
        clearOnComplete: false,
        barsize: barWidth,
        format: formatBar,
      },
      Presets.shades_classic,
    );
  }

  show(rows: readonly WorkRow[]): void {
    for (const row of rows) {
      if (this.#bars === undefined) this.#print(row);
      else this.#draw(this.#bars, row);
    }
  }

  end(): void {
    this.#bars?.stop();
  }

  #draw(bars: MultiBar, row: WorkRow): void {
    let bar = this.#barOf.get(row.name);
    if (bar === undefined) {
      bar = bars.create(row.total ?? 0, row.processed, { row });
      this.#barOf.set(row.name, bar);
    }
    bar.setTotal(row.total ?? 0);
    bar.update(Math.min(row.processed, row.total ?? row.processed), { row });
  }

  #print({ name, step, text }: WorkRow): void {
    const last = this.#printed.get(name);
    const nowMs = performance.now();
    if (last?.text === text && last.step === step) return;
    if (last !== undefined && last.step === step && nowMs - last.atMs < plainIntervalMs) return;
    this.#printed.set(name, { text, step, atMs: nowMs });
    this.#output.line(`${name} ${text}`);
  }
}

function formatBar(
  _options: object,
  params: { readonly progress: number },
  { row }: { readonly row: WorkRow },
): string {
  const filled = Math.round(Math.min(1, Math.max(0, params.progress)) * barWidth);
  const bar = row.total === null ? "" : "█".repeat(filled) + "░".repeat(barWidth - filled);
  return [row.name, bar, row.text].filter((part) => part !== "").join(" ");
}
