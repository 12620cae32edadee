/**
 * A storage in memory that several may have open at once, as processes have a database: each opening hears of commits by a feed
 * of its own, which comes later, and commits are refused when what they read has been changed since. For tests of everything
 * that is to run in several processes, at full speed and in one.
 */
import type { OpenStorage } from "../storage.js";
import { SharedData, type SharedMemoryOptions } from "./shared-data.js";
import { SharedOpening } from "./shared-opening.js";

export type { SharedMemoryOptions, SharedStep } from "./shared-data.js";

export interface SharedMemory {
  /** Opens it once more. What is stored lives as long as this object. */
  readonly open: OpenStorage;
}

/** An empty storage in memory, to be opened several times. */
export function sharedMemory(options: SharedMemoryOptions = {}): SharedMemory {
  const data = new SharedData(options);
  let openings = 0;
  return { open: () => Promise.resolve(new SharedOpening(data, openings++, options.before)) };
}
