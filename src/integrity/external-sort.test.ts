import { mkdirSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../../suites/setup/temporary-folder.js";
import { ExternalSort } from "./external-sort.js";

const pathOf = temporaryFolder();
const folder = pathOf("tmp");
mkdirSync(folder);

afterEach(() => vi.unstubAllEnvs());

const texts = fc.array(
  fc.string({ unit: "binary-ascii" }).map((text) => `${text}\xff`),
  { maxLength: 40 },
);

async function sortedBy(
  sort: ExternalSort,
  parts: readonly (readonly string[])[],
  count: number,
  chars: number,
): Promise<string[][]> {
  for (const part of parts) await sort.add(part);
  const merged = await sort.sorted();
  const taken: string[][] = [];
  for (let some = await merged.take(count, chars); some.length > 0; some = await merged.take(count, chars)) {
    taken.push(some);
  }
  return taken;
}

test("texts come out in order, each as often as it went in, however little memory there is", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(texts, { maxLength: 20 }),
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 200 }),
      async (parts, memoryBytes, count, chars) => {
        const sort = new ExternalSort(() => Promise.resolve(), memoryBytes);
        const taken = await sortedBy(sort, parts, count, chars);
        expect(taken.flat()).toEqual(parts.flat().toSorted());
        expect(taken.every((some) => some.length <= count)).toBe(true);
        await sort.close();
      },
    ),
    { numRuns: 100 },
  );
});

test("what does not fit into memory goes to a file without a name, in turns", async () => {
  vi.stubEnv("TMPDIR", folder);
  let turns = 0;
  const turn = (): Promise<void> => {
    turns += 1;
    expect(readdirSync(folder)).toEqual([]);
    return Promise.resolve();
  };
  const sort = new ExternalSort(turn, 1 << 20);
  const parts = Array.from({ length: 40 }, (_, part) =>
    Array.from({ length: 1000 }, (_, at) =>
      `${((at * 7919 + part) * 104_729) % 1_000_003}`.padStart(40, "0"),
    ),
  );
  const taken = await sortedBy(sort, parts, 999, Infinity);
  expect(taken.flat()).toEqual(parts.flat().toSorted());
  expect(turns).toBeGreaterThan(10);
  await sort.close();
  await sort.close();
});
