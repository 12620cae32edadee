/** What one opening was told is true in every other one, once it asks. */
import { expect } from "vitest";
import { begin, put, readAll } from "../storage-calls.js";
import type { ClaimOfOpenings } from "./subject.js";

export function sharing(claim: ClaimOfOpenings): void {
  claim("what one opening was acknowledged is in the latest version of another", async (first, second) => {
    for (let round = 0; round < 10; round++) {
      const version = await put(first, [["a", `${round}`]]);
      const latest = await second.latest();
      expect(latest).toBeGreaterThanOrEqual(version);
      await second.reached(latest);
      expect(second.version).toBeGreaterThanOrEqual(latest);
      expect(await readAll(second)).toEqual([["a", `${round}`]]);
      const transaction = await begin(second);
      expect(await transaction.get("a")).toBe(`${round}`);
      transaction.rollback();
    }
  });

  claim("what a transaction sees beyond commits can be told from those", async (first) => {
    await put(first, [["a", "1"]]);
    const handing = await first.begin();
    const handedOver = handing.commit({ writes: [["b", "2"]] });
    const transaction = await first.begin();
    const seen = await transaction.getMany(["a", "b"]);
    const committed = await transaction.committed?.getMany(["a", "b"]);
    expect(transaction.committed?.version).toBe(transaction.version);
    transaction.rollback();
    const known = transaction.version < (await handedOver) ? undefined : "2";
    expect(committed).toEqual(["1", known]);
    // It may have begun before that was handed over.
    expect([known, "2"]).toContain(seen[1]);
  });

  claim("a version that nobody has reached counts as the latest", async (first, second) => {
    const version = await put(first, [["a", "1"]]);
    await second.reached(version + 1_000_000_000_000);
    expect(second.version).toBe(version);
  });

  claim("a snapshot stays as it was while another opening overwrites and deletes", async (first, second) => {
    await put(first, [
      ["a", "1"],
      ["b", "1"],
      ["n", "3"],
    ]);
    const before = await first.snapshot();
    const transaction = await second.begin();
    await transaction.commit({
      writes: [
        ["a", "2"],
        ["b", undefined],
        ["c", "2"],
      ],
      adds: [["n", [1]]],
    });
    await first.reached(await first.latest());
    expect(await before.scan({ start: "" })).toEqual([
      ["a", "1"],
      ["b", "1"],
      ["n", "3"],
    ]);
    expect(await before.scan({ start: "" }, { reverse: true, limit: 1 })).toEqual([["n", "3"]]);
    expect(await before.getMany(["c", "b", "a"])).toEqual([undefined, "1", "1"]);
    expect(await readAll(first)).toEqual([
      ["a", "2"],
      ["c", "2"],
      ["n", "4"],
    ]);
    before.release();
  });

  claim(
    "a version that one opening names is read in another, while it is overwritten and deleted",
    async (...openings) => {
      const [first, second, third] = openings;
      const versions: number[] = [];
      for (let round = 0; round < 10; round++) {
        const transaction = await first.begin();
        const version = await transaction.commit({
          writes: [
            ["a", `${round}`],
            [`k${round}`, ""],
            [`k${round - 1}`, undefined],
          ],
          adds: [["n", [1]]],
        });
        versions.push(version);
        await second.reached(version);
        await third.reached(version);
        for (const storage of openings) {
          for (const [before, named] of versions.entries()) {
            const snapshot = await storage.snapshotAt?.(named);
            expect(snapshot?.version).toBe(named);
            expect(await snapshot?.scan({ start: "" })).toEqual([
              ["a", `${before}`],
              [`k${before}`, ""],
              ["n", `${before + 1}`],
            ]);
            expect(await snapshot?.get(`k${before + 1}`)).toBeUndefined();
            snapshot?.release();
          }
        }
      }
    },
  );

  claim("an opening that closes leaves the others as they are", async (first, second) => {
    await put(first, [["a", "1"]]);
    await first.close();
    await put(second, [["b", "2"]]);
    expect(await readAll(second)).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
  });
}
