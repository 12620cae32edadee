/** How long the disk takes to flush: what a durable figure can be compared with, because it differs from hour to hour. */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "./folders.js";
import { quantile } from "./measure.js";

const pageBytes = 4096;
const flushes = 40;

/** The median of `fdatasync` after a page was appended, in milliseconds, where temporary folders are. */
export function flushMs(): number {
  const folder = temporaryFolder();
  const file = openSync(join(folder, "flushed"), "w");
  const page = Buffer.alloc(pageBytes, 1);
  try {
    const tookMs = Array.from({ length: flushes }, (_, index) => {
      writeSync(file, page, 0, pageBytes, index * pageBytes);
      const begin = performance.now();
      fdatasyncSync(file);
      return performance.now() - begin;
    });
    return quantile(tookMs, 0.5);
  } finally {
    closeSync(file);
    removeFolder(folder);
  }
}
