/**
 * Tells a damaged log from one that a crash cut short, before SQLite gets to see it: SQLite takes every log up to the first
 * frame whose checksum fails, and drops acknowledged commits behind it without a word. How many frames were acknowledged
 * stands in the log's index (`-shm`), which outlives the process but not the machine; without it, only the last
 * transaction of a machine that went down may be incomplete. The formats: https://sqlite.org/fileformat2.html#the_write_ahead_log
 * and https://sqlite.org/walformat.html#the_wal_index_file_format.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { endianness, uptime } from "node:os";

const headerBytes = 32;
const headerSummedBytes = 24;
const frameHeaderBytes = 24;
const frameSummedBytes = 8;
const magicLittle = 0x377f0682;
const magicBig = 0x377f0683;

const indexHeaderBytes = 48;
const indexFramesOffset = 16;
const indexSaltsOffset = 32;
const indexMovedOffset: number = 2 * indexHeaderBytes;

type Sum = readonly [number, number];

/** What the log's index says of the log. */
interface Acknowledged {
  /** As bytes, as they stand in the log's header. */
  readonly salts: Buffer;
  readonly frames: number;
  /** Of these, so many are in the data file too. */
  readonly movedFrames: number;
}

/** How far the log holds together. */
interface Walk {
  readonly salts: Buffer;
  /** Up to the last commit before the first frame that is not whole. */
  readonly committedFrames: number;
  readonly wholeFrames: number;
  /** Frames behind those that were written into this log, not left by the one before. */
  readonly strayFrames: number;
  readonly strayCommits: number;
}

/**
 * What is wrong with the log of a data file that nobody has open; null when nothing is. O(log).
 * @param durability With "relaxed" a machine that goes down may lose any part of the log.
 */
export function findLogDamage(path: string, durability: "full" | "relaxed"): string | null {
  const log = `${path}-wal`;
  const acknowledged = readIndex(`${path}-shm`);
  const stats = statSync(log, { throwIfNoEntry: false });
  if (stats === undefined || stats.size === 0) {
    const isLost = acknowledged !== null && acknowledged.movedFrames < acknowledged.frames;
    return isLost ? `the log ${log} with the last commits is missing` : null;
  }
  const wentDown = stats.mtimeMs < Date.now() - uptime() * 1000;
  const walk = walkLog(log);
  if (walk === null) {
    const isLost = acknowledged === null ? !wentDown : acknowledged.frames > 0;
    return isLost ? `the header of the log ${log} is damaged` : null;
  }
  const damage = `frame ${walk.wholeFrames + 1} of the log ${log} is damaged, and commits behind it are lost`;
  if (acknowledged !== null && acknowledged.salts.equals(walk.salts) && !wentDown) {
    return walk.committedFrames < acknowledged.frames ? damage : null;
  }
  const mayBeIncomplete = wentDown && (durability === "relaxed" || walk.strayCommits <= 1);
  return walk.strayFrames === 0 || mayBeIncomplete ? null : damage;
}

/** Null when there is no index that can be believed: it has its header twice. */
function readIndex(path: string): Acknowledged | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const index = readFileSync(path);
  const header = index.subarray(0, indexHeaderBytes);
  const isWhole =
    index.length > indexMovedOffset + 4 &&
    header.equals(index.subarray(indexHeaderBytes, 2 * indexHeaderBytes));
  if (!isWhole || header.every((byte) => byte === 0)) return null;
  const number = (at: number): number =>
    endianness() === "LE" ? index.readUInt32LE(at) : index.readUInt32BE(at);
  return {
    salts: index.subarray(indexSaltsOffset, indexSaltsOffset + 8),
    frames: number(indexFramesOffset),
    movedFrames: number(indexMovedOffset),
  };
}

/** Null when the log's header is not whole. */
function walkLog(path: string): Walk | null {
  const file = openSync(path, "r");
  try {
    const header = readAt(file, 0, headerBytes);
    const magic = header.length < headerBytes ? 0 : header.readUInt32BE(0);
    if (magic !== magicLittle && magic !== magicBig) return null;
    const add = (sum: Sum, bytes: Buffer): Sum => addToSum(sum, bytes, magic === magicLittle);
    const headerSum = add([0, 0], header.subarray(0, headerSummedBytes));
    if (!isSumAt(header, headerSummedBytes, headerSum)) return null;
    return walkFrames(file, header, headerSum, add);
  } finally {
    closeSync(file);
  }
}

function walkFrames(
  file: number,
  header: Buffer,
  headerSum: Sum,
  add: (sum: Sum, bytes: Buffer) => Sum,
): Walk {
  const frameBytes = frameHeaderBytes + header.readUInt32BE(8);
  const salts = header.subarray(16, 24);
  const frames = Math.floor((fstatSync(file).size - headerBytes) / frameBytes);
  const walk = { salts, committedFrames: 0, wholeFrames: 0, strayFrames: 0, strayCommits: 0 };
  let sum = headerSum;
  let isWhole = true;
  for (let index = 0; index < frames; index++) {
    const frame = readAt(file, headerBytes + index * frameBytes, isWhole ? frameBytes : frameHeaderBytes);
    const isCommit = frame.readUInt32BE(4) !== 0;
    const isOfThisLog = frame.subarray(8, 16).equals(salts);
    if (isWhole) {
      sum = add(add(sum, frame.subarray(0, frameSummedBytes)), frame.subarray(frameHeaderBytes));
      isWhole = isOfThisLog && isSumAt(frame, 16, sum);
    }
    if (isWhole) {
      walk.wholeFrames++;
      if (isCommit) walk.committedFrames = walk.wholeFrames;
    } else if (isOfThisLog || sharesASalt(frame, salts)) {
      walk.strayFrames++;
      if (isCommit) walk.strayCommits++;
    }
  }
  return walk;
}

/** A log's salts differ from those of the one before in both halves: one that differs in one half was changed since. */
function sharesASalt(frame: Buffer, salts: Buffer): boolean {
  return (
    frame.subarray(8, 12).equals(salts.subarray(0, 4)) || frame.subarray(12, 16).equals(salts.subarray(4, 8))
  );
}

/** https://sqlite.org/fileformat2.html#checksum_algorithm */
function addToSum([first, second]: Sum, bytes: Buffer, isLittle: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let a = first;
  let b = second;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, isLittle) + b) >>> 0;
    b = (b + view.getUint32(at + 4, isLittle) + a) >>> 0;
  }
  return [a, b];
}

function isSumAt(bytes: Buffer, at: number, [a, b]: Sum): boolean {
  return bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b;
}

/** Shorter at the end of the file. */
function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, at));
}
