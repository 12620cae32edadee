/**
 * Puts figures into docs/performance.md, between `<!-- figures: name -->` and `<!-- end of figures -->`. People write the text
 * around them.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Replaces the named figures in a file; those that it has no place for are an error. */
export function fillDocument(file: string, figures: ReadonlyMap<string, string>): void {
  let text = readFileSync(file, "utf8");
  for (const [name, content] of figures) {
    const begin = `<!-- figures: ${name} -->`;
    const end = "<!-- end of figures -->";
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`${file} has no place for the figures "${name}"`);
    text = `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
  }
  writeFileSync(file, text);
}
