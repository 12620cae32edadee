import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileSources } from "../../../suites/setup/compiled-sources.js";
import { readAll } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { sqlite } from "./index.js";

const inFolder = temporaryFolder();
const compiled = compileSources("storage/sqlite/index.ts");

const batchRows = 10;
const writerCount = 4;

/** So much of each batch is written over by the next one: the log is moved into the data file many times meanwhile. */
const fillerBytes = 200_000;

/** Commits batches until it is killed, and writes the number of each one that was acknowledged. */
const childProgram = `
  import { writeSync } from "node:fs";
  import { sqlite } from "./storage/sqlite/index.js";
  const [file, first] = process.argv.slice(2);
  const storage = await sqlite(file)();
  let next = Number(first);
  async function commitBatches() {
    for (;;) {
      const number = String(next++).padStart(9, "0");
      const transaction = await storage.begin();
      const rows = Array.from({ length: ${batchRows} }, (_, row) => [number + "/" + row, "x".repeat(500)]);
      await transaction.commit({ writes: [...rows, ["filler", "x".repeat(${fillerBytes}) + number]] });
      writeSync(1, number + "\\n");
    }
  }
  await Promise.all(Array.from({ length: ${writerCount} }, commitBatches));
`;
const childFile = join(compiled, "child.mjs");
writeFileSync(childFile, childProgram);

/** Runs the child until it has acknowledged so many batches, kills it, and returns their numbers. */
async function runAndKill(file: string, firstNumber: number, batches: number): Promise<string[]> {
  const child = spawn(process.execPath, [childFile, file, String(firstNumber)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
    if (output.split("\n").length > batches) child.kill("SIGKILL");
  });
  await once(child, "close");
  return output.split("\n").slice(0, -1);
}

test("kill -9 at any moment loses no acknowledged batch and leaves no part of one", async () => {
  const file = inFolder("killed.sqlite");
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round++) {
    const batches = Math.floor(Math.random() * 400) + 1;
    acknowledged.push(...(await runAndKill(file, round * 100_000, batches)));

    const storage = await sqlite(file)();
    const rowsOfBatch = new Map<string, number>();
    for (const [key] of await readAll(storage)) {
      if (key === "filler") continue;
      const batch = key.slice(0, 9);
      rowsOfBatch.set(batch, (rowsOfBatch.get(batch) ?? 0) + 1);
    }
    expect([...rowsOfBatch].filter(([, rows]) => rows !== batchRows)).toEqual([]);
    expect(acknowledged.filter((batch) => !rowsOfBatch.has(batch))).toEqual([]);
    // What was not acknowledged was at most what the writers had under way.
    expect(rowsOfBatch.size).toBeLessThanOrEqual(acknowledged.length + (round + 1) * writerCount);
    expect(storage.version).toBeGreaterThan(0);
    await storage.close();
  }
});

test("a process whose log is being moved ends by itself when nothing else is left to do", async () => {
  const file = join(compiled, "ending.mjs");
  writeFileSync(
    file,
    `
      import { sqlite } from "./storage/sqlite/index.js";
      const storage = await sqlite(process.argv[2])();
      for (let count = 0; count < 150; count++) {
        const transaction = await storage.begin();
        await transaction.commit({ writes: [["filler", "x".repeat(${fillerBytes}) + count]] });
      }
    `,
  );
  const child = spawn(process.execPath, [file, inFolder("ending.sqlite")], { stdio: "inherit" });
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a living process keeps others out and is named, a killed one leaves no lock", async () => {
  const file = inFolder("locked.sqlite");
  const child = spawn(process.execPath, [childFile, file, "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await expect(sqlite(file)()).rejects.toMatchObject({
    code: "STORAGE_LOCKED",
    details: { pid: child.pid },
  });
  // Not even when its lock file was deleted. It would notice, and end.
  child.kill("SIGSTOP");
  rmSync(`${file}-lock`);
  await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
  expect(existsSync(`${file}-lock`)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(existsSync(`${file}-lock-journal`)).toBe(false);
  const storage = await sqlite(file)();
  await storage.close();
});
