/** Every opening hears of every commit, whoever made it: once, in one order. */
import { expect } from "vitest";
import { stampOf } from "../../../src/storage/commit-request.js";
import type { Commit, Storage, Version } from "../../../src/storage/storage.js";
import { seededRandom } from "../../setup/random.js";
import { put } from "../storage-calls.js";
import type { ClaimOfOpenings } from "./subject.js";

export function feed(claim: ClaimOfOpenings): void {
  claim("every commit is heard of once and in order in every opening, as own in one", async (...openings) => {
    const heard = openings.map(recordFeed);
    const acknowledged = openings.map((): Version[] => []);
    const random = seededRandom(3);
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const which = Math.floor(random() * openings.length);
        const version = await put(at(openings, which), [[`k${index}`, String(which)]]);
        at(acknowledged, which).push(version);
        expect(at(openings, which).version).toBeGreaterThanOrEqual(version);
      }),
    );
    for (const storage of openings) await storage.reached(await storage.latest());
    const told = heard.map((commits) =>
      commits.flatMap(({ version, writes }) => writes.map((write) => [version, ...write])),
    );
    expect(told[0]?.length).toBe(60);
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    for (const [which, commits] of heard.entries()) {
      const versions = commits.map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
      const own = commits.filter(({ isOwn }) => isOwn);
      expect(own.map(({ version }) => version)).toEqual(
        [...new Set(at(acknowledged, which))].sort((one, other) => one - other),
      );
      expect(own.every(({ writes }) => writes.every(([, by]) => by === String(which)))).toBe(true);
    }
  });

  claim("the feed tells adds, and what was touched, to all", async (...openings) => {
    const heard = openings.map(recordFeed);
    const transaction = await openings[0].begin();
    const version = await transaction.commit({
      writes: [
        ["a", "1"],
        ["b", undefined],
      ],
      adds: [["n", [1, -2]]],
      touched: () => ({ keys: ["t", "t\u0000"], prefixes: ["p"], isQuiet: true }),
    });
    for (const [which, storage] of openings.entries()) {
      await storage.reached(version);
      const told = at(heard, which).map(({ touched, ...rest }) => ({ ...rest, touched: touched() }));
      expect(told).toEqual([
        {
          version,
          isOwn: which === 0,
          writes: [
            ["a", "1"],
            ["b", undefined],
          ],
          adds: [["n", [1, -2]]],
          touched: { keys: ["t", "t\u0000"], prefixes: ["p"], isQuiet: true },
        },
      ]);
    }
  });

  claim(
    "timestamps rise with versions, and stand in keys and values as the feed tells them",
    async (...openings) => {
      const heard = openings.map(recordFeed);
      const versions = await Promise.all(
        Array.from({ length: 30 }, async (_, index) => {
          const transaction = await at(openings, index % openings.length).begin();
          return await transaction.commit({
            writes: [[`at/12345678/${index}`, `[123456789012,${index}]`]],
            stamps: [
              { write: 0, part: "key", offset: 3 },
              { write: 0, part: "value", offset: 1 },
            ],
          });
        }),
      );
      for (const [which, storage] of openings.entries()) {
        await storage.reached(await storage.latest());
        const snapshot = await storage.snapshot();
        const entries = await snapshot.scan({ start: "at/", end: "at0" });
        snapshot.release();
        expect(entries.length).toBe(30);
        // In the order of keys, which begin with the timestamp.
        expect(at(heard, which).flatMap(({ writes }) => writes)).toEqual(entries);
        const stamps = entries.map(([key, value]) => {
          const inKey = Buffer.from(key.slice(3, 11), "latin1").readBigUInt64BE();
          const inValue = Buffer.from(value.slice(1, 13), "base64").readBigUInt64LE();
          const version = versions[Number(value.slice(14, -1))] ?? 0;
          expect(inValue).toBe(inKey);
          expect(inKey).toBeGreaterThanOrEqual(stampOf(version));
          expect(inKey).toBeLessThan(stampOf(version + 1));
          return inKey;
        });
        expect(new Set(stamps).size).toBe(30);
      }
    },
  );
}

function recordFeed(storage: Storage): Commit[] {
  const heard: Commit[] = [];
  storage.onCommit((commit) => heard.push(commit));
  return heard;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`There is nothing at ${index}.`);
  return found;
}
