/**
 * Loads real flights into a table, then attaches aggregates to it while a second writer keeps changing it,
 * asks questions, and holds each answer against one computed by reading the whole table. Ends non-zero when
 * any differs. After a kill, --resume goes on from the last committed batch.
 */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { Backend } from "trueup";
import { api, internal } from "../convex/_generated/api.js";
import { openWithAggregates, openWithoutAggregates } from "./app.js";
import { readFlights, type Flight } from "./flights-data.js";
import { startProgress } from "./progress.js";
import { startSecondWriter } from "./second-writer.js";

const questions = [
  "count",
  "count in a distance range",
  "sum of delay in a distance range",
  "p50, p95, p99 delay",
  "rank of an hour's delay",
  "page 14 of 50 by delay",
  "least and greatest delay",
  "count for each hour",
];
const batchSize = 2_000;

async function load(backend: Backend, flights: readonly Flight[]): Promise<void> {
  const loaded = await backend.database.query(async (tx) => await tx.component("").count("flights"));
  const progress = startProgress("load", flights.length, loaded.value);
  for (let start = loaded.value; start < flights.length; start += batchSize) {
    await backend.mutation(api.flights.insertMany, { flights: flights.slice(start, start + batchSize) });
    progress.update(Math.min(start + batchSize, flights.length));
  }
  progress.finish(flights.length);
}

async function attach(backend: Backend, total: number): Promise<void> {
  const stopWriting = startSecondWriter(backend);
  const before = await backfillStatus(backend);
  const progress = startProgress("backfill", total, before?.processed ?? 0);
  if (before?.isDone !== true) {
    await backend.mutation(internal.aggregates.runBackfill, {});
    for (;;) {
      const status = await backfillStatus(backend);
      progress.update(status?.processed ?? 0);
      if (status?.isDone === true) break;
      if (status?.state === "failed") throw new Error(`the backfill failed: ${status.error}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  progress.finish((await backfillStatus(backend))?.processed ?? total);
  // The engine has built the managed one meanwhile.
  await backend.aggregates.ready("byHour");
  const written = await stopWriting();
  console.log(
    `meanwhile a second writer inserted ${written.inserted}, updated ${written.updated} and deleted ${written.deleted}`,
  );
}

async function backfillStatus(backend: Backend) {
  return await backend.query(internal.aggregates.backfillStatus, {});
}

/** Asks every question both ways; true when all answers agree. */
async function compareAnswers(backend: Backend): Promise<boolean> {
  let same = true;
  for (const question of questions) {
    const fast = await timed(() => backend.query(api.questions.answer, { question }));
    const slow = await timed(() => backend.query(api.questions.bruteForce, { question }));
    const agrees = isDeepStrictEqual(fast.value, slow.value);
    same &&= agrees;
    const shown = shorten(JSON.stringify(fast.value));
    console.log(`${agrees ? "same  " : "DIFFER"} ${question}`);
    console.log(`         aggregate   ${fast.ms.toFixed(2).padStart(9)} ms  ${shown}`);
    console.log(
      `         whole table ${slow.ms.toFixed(2).padStart(9)} ms  ${shorten(JSON.stringify(slow.value))}`,
    );
  }
  return same;
}

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now();
  const value = await run();
  return { value, ms: performance.now() - startedAt };
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

const here = dirname(fileURLToPath(import.meta.url));
const dataFile = process.env["FLIGHTS_DATA_FILE"] ?? join(here, "..", "..", ".trueup", "demo.sqlite");
if (!process.argv.includes("--resume")) {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(dataFile + suffix, { force: true });
}
mkdirSync(dirname(dataFile), { recursive: true });

const flights = readFlights();
const before = await openWithoutAggregates(dataFile);
await load(before, flights);
await before.close();

const backend = await openWithAggregates(dataFile);
await attach(backend, flights.length);
const same = await compareAnswers(backend);
const { differences, checked, durationMs } = await backend.aggregates.verify("byHour");
console.log(`byHour verified: ${differences.length} differences, ${checked} compared in ${durationMs} ms`);
await backend.close();
console.log(same ? "every answer is the same both ways" : "answers differ");
process.exitCode = same && differences.length === 0 ? 0 : 1;
