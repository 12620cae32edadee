/**
 * Gives commits their versions: microseconds since 1970 by the wall clock, but always above the version before,
 * so that a clock that stands still or jumps back does not reorder commits.
 */
import type { Version } from "./storage.js";

/** The version of a commit that follows `previous` and happens at `nowMs`. */
export function nextVersion(previous: Version, nowMs: number): Version {
  return Math.max(previous + 1, Math.floor(nowMs * 1000));
}
