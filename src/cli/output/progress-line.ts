/**
 * One line of progress on stderr: live on a terminal, printed anew at most every few seconds elsewhere, so
 * that a log stays readable.
 */
import type { Output } from "./terminal.js";

const plainIntervalMs = 5_000;

export class ProgressLine {
  readonly #output: Output;
  #printed = "";
  #printedMs = -Infinity;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows the text in place of what was shown before. */
  update(text: string): void {
    if (this.#output.isTerminal) return this.#output.live(text);
    const nowMs = performance.now();
    if (text === this.#printed || nowMs - this.#printedMs < plainIntervalMs) return;
    this.#printed = text;
    this.#printedMs = nowMs;
    this.#output.line(text);
  }

  /** Removes the line; prints the text in its place, if there is one. */
  end(text?: string): void {
    this.#output.live();
    if (text !== undefined) this.#output.line(text);
  }
}
