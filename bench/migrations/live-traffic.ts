/**
 * Measures what users feel of a migration: a mutation and a query arrive every few milliseconds, whether or not the one before
 * has ended, and each is timed from when it was due. The traffic is measured without a migration, and with one by either
 * library in the background, as the scheduler runs it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openHost, type Host } from "../harness/hosts.js";
import { quantile } from "../harness/measure.js";
import type { Row } from "../harness/report.js";
import { migrationsApp, userFields, type LibraryName } from "./app.js";

const fillBatch = 1000;
const intervalMs = 5;
/** How long the traffic is measured where no migration sets an end. */
const pauseAloneMs = 3000;

interface Lived {
  readonly mutationsUs: readonly number[];
  readonly queriesUs: readonly number[];
  readonly elapsedMs: number;
}

/** @param aloneShare How much of the usual time the traffic without a migration is measured. */
export async function benchLiveTraffic(documents: number, aloneShare: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const library of [null, "trueup", "published"] as const) {
    const lived = await live(library, documents, pauseAloneMs * aloneShare);
    const peer = library ?? "no migration";
    rows.push(
      rowOf(documents, "a mutation meanwhile", peer, lived.mutationsUs, lived.elapsedMs),
      rowOf(documents, "a query meanwhile", peer, lived.queriesUs, lived.elapsedMs),
    );
    if (library === null) continue;
    const perDocumentUs = (lived.elapsedMs * 1000) / documents;
    rows.push({
      part: "migrations",
      size: documents,
      operation: "migrated under traffic",
      peer,
      perSecond: 1e6 / perDocumentUs,
      p50Us: perDocumentUs,
      p99Us: perDocumentUs,
      operations: documents,
    });
  }
  return rows;
}

async function live(library: LibraryName | null, documents: number, aloneMs: number): Promise<Lived> {
  const host = await openHost("sqlite", await migrationsApp(library ?? "trueup", undefined));
  try {
    for (let start = 0; start < documents; start += fillBatch) {
      const users = Array.from({ length: Math.min(fillBatch, documents - start) }, (_, i) =>
        userFields(start + i),
      );
      await host.mutation("bench:fill", { users });
    }
    const begin = performance.now();
    if (library !== null) await host.mutation("bench:start", {});
    const isOver = async (): Promise<boolean> =>
      library === null
        ? performance.now() - begin > aloneMs
        : (await host.query("bench:isDone", {})) === true;
    const traffic = await trafficUntil(host, isOver);
    const elapsedMs = performance.now() - begin;
    const migrated = await host.query("bench:countMigrated", {});
    if (migrated !== (library === null ? 0 : documents)) {
      throw new Error(`${String(library)} migrated ${String(migrated)} of ${documents} documents`);
    }
    return { ...traffic, elapsedMs };
  } finally {
    await host.close();
  }
}

async function trafficUntil(
  host: Host,
  isOver: () => Promise<boolean>,
): Promise<Pick<Lived, "mutationsUs" | "queriesUs">> {
  const mutationsUs: number[] = [];
  const queriesUs: number[] = [];
  const underWay: Promise<void>[] = [];
  const time = async (dueMs: number, into: number[], call: Promise<unknown>): Promise<void> => {
    await call;
    into.push((performance.now() - dueMs) * 1000);
  };
  const begin = performance.now();
  for (let tick = 0; tick % 10 !== 0 || !(await isOver()); tick++) {
    const dueMs = begin + tick * intervalMs;
    const early = dueMs - performance.now();
    if (early > 0) await sleep(early);
    const user = `user ${tick % 100}`;
    underWay.push(time(dueMs, mutationsUs, host.mutation("bench:visit", { user, page: tick })));
    underWay.push(time(dueMs, queriesUs, host.query("bench:visitsOf", { user })));
  }
  await Promise.all(underWay);
  return { mutationsUs, queriesUs };
}

function rowOf(
  documents: number,
  operation: string,
  peer: string,
  latenciesUs: readonly number[],
  elapsedMs: number,
): Row {
  return {
    part: "migrations",
    size: documents,
    operation,
    peer,
    perSecond: (latenciesUs.length * 1000) / elapsedMs,
    p50Us: quantile(latenciesUs, 0.5),
    p99Us: quantile(latenciesUs, 0.99),
    operations: latenciesUs.length,
  };
}
