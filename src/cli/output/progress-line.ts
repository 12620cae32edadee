/**
 * One line of progress on stderr: rewritten in place on a terminal, printed anew at most every few seconds
 * elsewhere, so that a log stays readable.
 */
import type { Output } from "./terminal.js";

const plainIntervalMs = 5_000;

export class ProgressLine {
  readonly #output: Output;
  #shown = "";
  #printedMs = -Infinity;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows the text in place of what was shown before. */
  update(text: string): void {
    if (text === this.#shown) return;
    if (this.#output.isTerminal) {
      this.#output.stream.write(`\r\u001b[K${text}`);
      this.#shown = text;
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#printedMs < plainIntervalMs) return;
    this.#printedMs = nowMs;
    this.#shown = text;
    this.#output.line(text);
  }

  /** Replaces the line for good and moves below it; without a text the line disappears. */
  end(text?: string): void {
    if (this.#output.isTerminal && this.#shown !== "") this.#output.stream.write("\r\u001b[K");
    if (text !== undefined) this.#output.line(text);
    this.#shown = "";
  }
}
