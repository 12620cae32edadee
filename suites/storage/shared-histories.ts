/**
 * Checks what several processes did to one storage at once, by replay. Commits have one order, and each mutation left a mark
 * with its timestamp, so every mutation, run again in that order on a plain sorted map, has to find exactly what it found; so
 * have queries at their version. Lost updates, write skew, phantoms, stale caches, reads of what was refused, and mutations
 * that are lost, done twice, or done though they were refused, all show as a difference. O(history · log entries).
 *
 * A history is plain data, so that processes can write theirs down line by line, and somebody else checks all of them together.
 */
import { sumOf } from "../../src/storage/commit-request.js";
import { emptyKeyTree, type KeyTree } from "../../src/storage/key-tree.js";
import type { Add, Entry, Version } from "../../src/storage/storage.js";

/** What was looked for, and found. Null is nothing. */
export type Finding =
  | { readonly key: string; readonly value: string | null }
  | { readonly start: string; readonly end: string; readonly entries: readonly Entry[] };

/** One attempt of a mutation. It leaves its id among the marks, in the same commit. */
export interface Attempt {
  readonly id: string;
  /** Refused: whoever asked knows that nothing was done. Unknown: nobody was told. */
  readonly outcome: "committed" | "refused" | "unknown";
  /** Of what was acknowledged. */
  readonly version?: Version;
  /** What its process had been told was committed when it began. */
  readonly after: Version;
  readonly findings: readonly Finding[];
  readonly writes: readonly (readonly [key: string, value: string | null])[];
  readonly adds: readonly Add[];
}

export interface Looked {
  readonly version: Version;
  readonly after: Version;
  readonly findings: readonly Finding[];
}

export interface SharedHistory {
  readonly attempts: readonly Attempt[];
  readonly queries: readonly Looked[];
  /** What was there in the end: of each mutation that left its mark the timestamp, in decimals. */
  readonly marks: readonly (readonly [id: string, timestamp: string])[];
  /** All other entries. */
  readonly entries: readonly Entry[];
}

/** What cannot be explained by any order of commits; nothing when all of it can. */
export function differencesOf(history: SharedHistory): string[] {
  const different = differencesOfMarks(history);
  const marks = new Map(history.marks);
  const placed = history.attempts.flatMap((attempt) => {
    const mark = marks.get(attempt.id);
    return mark === undefined ? [] : [{ ...attempt, timestamp: BigInt(mark) }];
  });
  // A query sees all of its version.
  const looked = history.queries.map((query) => ({
    ...query,
    timestamp: BigInt(query.version) * 1000n + 999n,
  }));
  const inOrder = [...placed, ...looked].sort((one, other) => compare(one.timestamp, other.timestamp));
  const entries = emptyKeyTree<string>();
  for (const event of inOrder) {
    const name = "id" in event ? event.id : "a query";
    if (event.timestamp < BigInt(event.after) * 1000n) different.push(`${name} is before what it came after`);
    for (const finding of event.findings) {
      const [found, expected] = [told(finding), toldOf(entries, finding)];
      if (found !== expected) {
        different.push(`${name} at ${event.timestamp} found ${found}, and there was ${expected}`);
      }
    }
    if ("id" in event) apply(entries, event);
  }
  const [left, expected] = [JSON.stringify(history.entries), JSON.stringify(entries.toArray())];
  if (left !== expected) different.push(`in the end there is ${left}, and not ${expected}`);
  return different;
}

/** What was acknowledged is there, once, at its version; what was refused is not. */
function differencesOfMarks({ attempts, marks }: SharedHistory): string[] {
  const different: string[] = [];
  const timestamps = new Map(marks);
  for (const { id, outcome, version } of attempts) {
    const timestamp = timestamps.get(id);
    timestamps.delete(id);
    if (outcome === "refused" && timestamp !== undefined) different.push(`${id} was refused, and is there`);
    if (outcome !== "committed") continue;
    if (timestamp === undefined) different.push(`${id} was acknowledged, and is not there`);
    else if (BigInt(timestamp) / 1000n !== BigInt(version ?? 0)) {
      different.push(`${id} was acknowledged at ${version}, and is at ${timestamp}`);
    }
  }
  for (const id of timestamps.keys()) different.push(`${id} is there, and nobody asked for it`);
  return different;
}

function told(finding: Finding): string {
  return JSON.stringify("key" in finding ? [finding.key, finding.value] : finding.entries);
}

function toldOf(entries: KeyTree<string>, finding: Finding): string {
  if ("key" in finding) return JSON.stringify([finding.key, entries.get(finding.key) ?? null]);
  return JSON.stringify(entries.getRange(finding.start, finding.end));
}

function apply(entries: KeyTree<string>, { writes, adds }: Attempt): void {
  for (const [key, value] of writes) {
    if (value === null) entries.delete(key);
    else entries.set(key, value);
  }
  for (const [key, by] of adds) entries.set(key, sumOf(entries.get(key), by));
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
