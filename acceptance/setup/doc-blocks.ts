/**
 * The TypeScript of the documentation, as files. A block marked `ts` becomes a module in a folder of its
 * page; one whose first line is a comment with a path (`// convex/schema.ts`) becomes that file, so a page
 * can show an app of several files that import each other. Every page gets a `_generated` folder like the
 * one that `convex codegen` writes, typed from the page's own schema when it shows one.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeGenerated } from "./generated-folder.js";

export interface DocBlock {
  /** Where it stands: `docs/cli.md:12`. */
  readonly place: string;
  /** The file it was written to, absolute. */
  readonly file: string;
  /** True for a block marked `ts run`. */
  readonly runs: boolean;
}

/** Writes the blocks of all pages under `target` (emptied first). Throws when a page claims a path twice. */
export function writeDocBlocks(pages: readonly string[], target: string): DocBlock[] {
  rmSync(target, { recursive: true, force: true });
  return pages.flatMap((page) => writePage(page, join(target, page.replaceAll(/[^a-z0-9]+/gi, "-"))));
}

function writePage(page: string, folder: string): DocBlock[] {
  const text = readFileSync(page, "utf8");
  const blocks = [...text.matchAll(/^```ts( run)?\n([\s\S]*?)^```$/gm)].map((match): DocBlock => {
    const line = text.slice(0, match.index).split("\n").length;
    const code = match[2] ?? "";
    const named = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    const file = join(folder, named ?? `block-at-line-${line}.ts`);
    if (existsSync(file)) throw new Error(`${page}:${line} claims ${named}, which an earlier block has.`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, /^(import|export)\b/m.test(code) ? code : `${code}\nexport {};\n`);
    return { place: `${page}:${line}`, file, runs: match[1] !== undefined };
  });
  if (blocks.length > 0) {
    writeGenerated(join(folder, "convex"));
    for (const name of ["server", "dataModel", "api"]) {
      mkdirSync(join(folder, "_generated"), { recursive: true });
      const reexport = `export * from "../convex/_generated/${name}.js";\n`;
      writeFileSync(join(folder, "_generated", `${name}.ts`), reexport);
    }
  }
  return blocks;
}
