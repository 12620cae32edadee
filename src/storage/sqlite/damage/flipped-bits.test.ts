import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seededRandom } from "../../../../suites/setup/random.js";
import { put, readAll } from "../../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import { isTrueupError } from "../../../errors/index.js";
import type { Entry, Storage } from "../../storage.js";
import { sqlite } from "../index.js";

const flips = 500;
const seed = Number(process.env["TRUEUP_SEED"] ?? Date.now() % 2 ** 31);

const inFolder = temporaryFolder();
const suffixes = ["", "-wal", "-shm"];

/** What a killed process leaves: a data file with pages of every kind, and a log of more commits. */
async function killedStorage(): Promise<{ readonly expected: readonly Entry[]; readonly folder: string }> {
  const random = seededRandom(7);
  const key = (): string =>
    String.fromCharCode(...Array.from({ length: 20 }, () => Math.floor(random() * 256)));
  const value = (): string => "value é 中 ".repeat(Math.floor(random() ** 8 * 900) + 1);
  const file = inFolder("living.sqlite");
  const first = await sqlite(file)();
  await put(
    first,
    Array.from({ length: 1200 }, () => [key(), value()] as const),
  );
  const some = (await readAll(first)).filter(() => random() < 0.2);
  await put(
    first,
    some.map(([key]) => [key, "short"] as const),
  );
  await first.close();

  const second = await sqlite(file)();
  for (let commit = 0; commit < 40; commit++) {
    await put(second, [
      [key(), value()],
      [key(), ""],
    ]);
  }
  const folder = inFolder("killed");
  mkdirSync(folder);
  for (const suffix of suffixes) copyFileSync(file + suffix, join(folder, `data${suffix}`));
  const expected = await readAll(second);
  await second.close();
  return { expected, folder };
}

/** Why the damage was found, or null when every answer is what it was. */
async function found(file: string, expected: readonly Entry[]): Promise<string | null> {
  let storage: Storage | undefined;
  try {
    storage = await sqlite(file)();
    const check = await storage.check?.();
    if (check === undefined || check.damages.length > 0) return "check";
    expect(await readAll(storage)).toEqual(expected);
    const snapshot = await storage.snapshot();
    for (const [key, value] of expected) expect(snapshot.get(key)).toBe(value);
    snapshot.release();
    return null;
  } catch (error) {
    if (!isTrueupError(error)) throw error;
    expect(["STORAGE_CORRUPT", "STORAGE_TOO_NEW"]).toContain(error.code);
    return "error";
  } finally {
    await storage?.close();
  }
}

test(
  `${flips} random bits flipped in the data file and the log of a killed process: each is found, or changes no answer`,
  { timeout: 300_000 },
  async () => {
    const { expected, folder } = await killedStorage();
    const random = seededRandom(seed);
    const originals = suffixes.map((suffix) => readFileSync(join(folder, `data${suffix}`)));
    expect(await found(copy(originals), expected)).toBeNull();
    const outcomes = new Map<string, number>();
    for (let flip = 0; flip < flips; flip++) {
      const files = originals.map((bytes) => Buffer.from(bytes));
      const which = flip % 2;
      const bytes = files[which] ?? Buffer.alloc(0);
      const bit = Math.floor(random() * bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const why = await found(copy(files), expected).catch((error: unknown) => {
        throw new Error(`bit ${bit} of ${which === 0 ? "the file" : "the log"}, TRUEUP_SEED=${seed}`, {
          cause: error,
        });
      });
      const outcome = `${which === 0 ? "file" : "log"}: ${why ?? "harmless"}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Most must have been found, or nothing was tried.
    expect((outcomes.get("file: check") ?? 0) + (outcomes.get("file: error") ?? 0)).toBeGreaterThan(
      flips / 8,
    );
    expect(outcomes.get("log: error")).toBeGreaterThan(flips / 8);
  },
);

function copy(files: readonly Buffer[]): string {
  const file = inFolder("flipped.sqlite");
  for (const suffix of [...suffixes, "-lock"]) if (existsSync(file + suffix)) rmSync(file + suffix);
  for (const [index, suffix] of suffixes.entries()) writeFileSync(file + suffix, files[index] ?? "");
  return file;
}
