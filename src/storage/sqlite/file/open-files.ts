/**
 * Notices when a file of an open storage was deleted, moved or replaced. Such a file goes on taking writes, which nobody will
 * find again, so before commits are acknowledged the files must still be where they were. As long as the folder's time of
 * change stays the same, nothing in it came or went, and one look at the folder is enough.
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { TrueupError } from "../../../errors/index.js";

/** File systems stamp changes with a clock that ticks this seldom: a second change within a tick does not show. */
const tickMs = 20;

interface Known {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

export class OpenFiles {
  readonly #folder: string;
  readonly #files: readonly Known[];
  readonly #everyMs: number;
  #lookedMs = -Infinity;
  /** The folder's time of change when everything was in place; NaN when that may not show the next change. */
  #quietSinceMs = NaN;

  /**
   * @param paths Files of one folder, which are there.
   * @param everyMs How often to look at most; 0 looks each time.
   */
  constructor(paths: readonly [string, ...string[]], everyMs: number) {
    this.#folder = dirname(paths[0]);
    this.#everyMs = everyMs;
    this.#files = paths.map((path) => {
      const { dev, ino } = statSync(path);
      return { path, device: dev, inode: ino };
    });
  }

  /** @throws STORAGE_LOST when one was deleted, moved or replaced */
  assertInPlace(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < this.#everyMs) return;
    const changedMs = statSync(this.#folder, { throwIfNoEntry: false })?.mtimeMs ?? NaN;
    if (changedMs !== this.#quietSinceMs) {
      for (const file of this.#files) assertInPlace(file);
      this.#quietSinceMs = Date.now() - changedMs > tickMs ? changedMs : NaN;
    }
    this.#lookedMs = nowMs;
  }
}

function assertInPlace({ path, device, inode }: Known): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.dev === device && found.ino === inode) return;
  const what = found === undefined ? "is gone" : "is another file now";
  throw new TrueupError("STORAGE_LOST", `${path} ${what}.`, { path });
}
