/**
 * Live migrations: on a terminal one line each, with a progress bar where the total is known; elsewhere a
 * plain line whenever a migration changed, at most one per second and migration.
 */
import { Presets, type Bar, MultiBar } from "cli-progress";
import type { MigrationRow } from "./migration-rows.js";
import { countText, errorText, migrationLine, paceText, stateWord } from "./migration-table.js";
import type { Output } from "../output/terminal.js";

const plainIntervalMs = 1_000;
const barWidth = 24;

export class MigrationDisplay {
  readonly #output: Output;
  readonly #bars: MultiBar | undefined;
  readonly #barOf = new Map<string, Bar>();
  readonly #printed = new Map<
    string,
    { readonly line: string; readonly state: string; readonly atMs: number }
  >();

  constructor(output: Output) {
    this.#output = output;
    if (!output.isTerminal) return;
    const options = {
      stream: output.stream,
      hideCursor: true,
      clearOnComplete: false,
      barsize: barWidth,
      format: formatBar,
    };
    this.#bars = new MultiBar(options, Presets.shades_classic);
  }

  show(rows: readonly MigrationRow[]): void {
    for (const row of rows) {
      if (this.#bars === undefined) this.#print(row);
      else this.#draw(this.#bars, row);
    }
  }

  end(): void {
    this.#bars?.stop();
  }

  #draw(bars: MultiBar, row: MigrationRow): void {
    const total = row.total ?? 0;
    let bar = this.#barOf.get(row.name);
    if (bar === undefined) {
      bar = bars.create(total, row.processed, { row });
      this.#barOf.set(row.name, bar);
    }
    bar.setTotal(total);
    bar.update(row.processed, { row });
  }

  #print(row: MigrationRow): void {
    const line = migrationLine(row);
    const last = this.#printed.get(row.name);
    const nowMs = performance.now();
    if (last?.line === line) return;
    if (last !== undefined && last.state === row.state && nowMs - last.atMs < plainIntervalMs) return;
    this.#printed.set(row.name, { line, state: row.state, atMs: nowMs });
    this.#output.line(line);
  }
}

function formatBar(
  _options: object,
  params: { readonly progress: number },
  payload: { readonly row: MigrationRow },
): string {
  const { row } = payload;
  const filled = Math.round(Math.min(1, Math.max(0, params.progress)) * barWidth);
  const bar = row.total === undefined ? "" : "█".repeat(filled) + "░".repeat(barWidth - filled);
  const parts = [row.name, bar, countText(row), stateWord(row.state), paceText(row), errorText(row)];
  return parts.filter((part) => part !== "").join(" ");
}
