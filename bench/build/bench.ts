/**
 * Measures how an aggregate is built over documents that are there, alone and beside a writer every few milliseconds. The floors are a
 * loop that reads, parses and sorts the same documents, and SQLite's CREATE INDEX over them; the published component is filled by its
 * own migration, on this engine, as far as that takes minutes at most. Each build has a process and a copy of the file of its own.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { inChild, type Child } from "../harness/child.js";
import { flushMs } from "../harness/disk.js";
import { removeFolder, temporaryFolder } from "../harness/folders.js";
import { quantile } from "../harness/measure.js";
import { round, table, type Row } from "../harness/report.js";
import {
  bareFile,
  ourFile,
  writeIntervalMs,
  type BareBuildArgs,
  type BarePeer,
  type BuildArgs,
  type Built,
  type FillArgs,
} from "./builds.js";

export const builder = new URL("builder.js", import.meta.url);
const maxPublishedSize = 100_000;
const maxSizeOfRounds = 100_000;
const alone = "alone";
const beside = `beside a write every ${writeIntervalMs} ms`;
const idleWrite = "a write, no build";
const besideWrite = "a write, beside the build";
const loop: BarePeer = "scan, parse, sort";

interface Contestant {
  readonly peer: string;
  readonly operation: string;
  readonly file: string;
  build(child: Child, args: FillArgs): Promise<Built>;
}

const bare = (peer: BarePeer): Contestant => ({
  peer,
  operation: alone,
  file: bareFile,
  build: (child, args) => child.ask<Built>("buildBare", { ...args, peer } satisfies BareBuildArgs),
});
const ours = (isLive: boolean): Contestant => ({
  peer: "trueup",
  operation: isLive ? beside : alone,
  file: ourFile,
  build: (child, args) =>
    child.ask<Built>("build", { ...args, builder: "trueup", isLive } satisfies BuildArgs),
});
const published: Contestant = {
  peer: "published",
  operation: alone,
  file: ourFile,
  build: (child, args) =>
    child.ask<Built>("build", { ...args, builder: "published", isLive: false } satisfies BuildArgs),
};

export async function benchBuild(count: number, rounds: number, log: (line: string) => void): Promise<Row[]> {
  const source = temporaryFolder();
  try {
    await inChild(builder, async (child) => {
      await child.ask("fill", { folder: source, count } satisfies FillArgs);
      await child.ask("fillBare", { folder: source, count } satisfies FillArgs);
    });
    log(`build, ${count} documents: filled`);
    const contestants = [bare(loop), bare("CREATE INDEX"), ours(false), ours(true)];
    const all = contestants.map((contestant) => ({ contestant, builds: new Array<Built>() }));
    const flushesMs: number[] = [];
    for (let round = 0; round < (count > maxSizeOfRounds ? 1 : rounds); round++) {
      for (const { contestant, builds } of all) {
        flushesMs.push(flushMs());
        builds.push(await buildOnce(contestant, source, count));
        log(`build, ${count} documents: ${contestant.peer}, ${contestant.operation}`);
      }
    }
    // It takes longer than all the others, and what it is compared with does not hang on a few percent.
    if (count <= maxPublishedSize) {
      all.push({ contestant: published, builds: [await buildOnce(published, source, count)] });
      log(`build, ${count} documents: published`);
    }
    const flush = quantile(flushesMs, 0.5);
    return all.flatMap(({ contestant, builds }) => rowsOf(contestant, count, flush, builds));
  } finally {
    removeFolder(source);
  }
}

async function buildOnce(contestant: Contestant, source: string, count: number): Promise<Built> {
  const folder = temporaryFolder();
  try {
    copyFileSync(join(source, contestant.file), join(folder, contestant.file));
    return await inChild(builder, (child) => contestant.build(child, { folder, count }));
  } finally {
    removeFolder(folder);
  }
}

function rowsOf(
  { peer, operation }: Contestant,
  size: number,
  flush: number,
  builds: readonly Built[],
): Row[] {
  const perDocumentUs = builds.map(({ elapsedMs }) => (elapsedMs * 1000) / size);
  const p50Us = quantile(perDocumentUs, 0.5);
  const median = (of: (built: Built) => number): number => quantile(builds.map(of), 0.5);
  const common = { part: "build", size, peer, flushMs: flush } as const;
  const row: Row = {
    ...common,
    operation,
    perSecond: 1e6 / p50Us,
    p50Us,
    p99Us: quantile(perDocumentUs, 0.99),
    operations: size * builds.length,
    cpuUs: median(({ cpuUs }) => cpuUs) / size,
    longestStopMs: median(({ longestStopMs }) => longestStopMs),
    rssMb: median(({ rssMb }) => rssMb),
  };
  const writes = [
    [idleWrite, builds.flatMap(({ idleUs }) => idleUs)],
    [besideWrite, builds.flatMap(({ besideUs }) => besideUs)],
  ] as const;
  return [
    row,
    ...writes
      .filter(([, latenciesUs]) => latenciesUs.length > 0)
      .map(([title, latenciesUs]): Row => ({
        ...common,
        operation: title,
        perSecond: 1000 / writeIntervalMs,
        p50Us: quantile(latenciesUs, 0.5),
        p99Us: quantile(latenciesUs, 0.99),
        operations: latenciesUs.length,
      })),
  ];
}

/** Times as multiples of the loop that reads, parses and sorts; a line for each size and builder. */
export function buildTable(rows: readonly Row[]): string {
  const write = (of: Row, operation: string): string => {
    const row = rows.find((each) => each.size === of.size && each.operation === operation);
    return row === undefined ? "–" : `${round(row.p50Us / 1000)} / ${round(row.p99Us / 1000)}`;
  };
  return table(
    [
      "documents",
      "",
      "seconds",
      `times the loop`,
      "CPU µs a document",
      "longest stop ms",
      "RSS MB",
      "fdatasync ms",
      "writes before → beside it, p50 / p99 ms",
    ],
    rows
      .filter(({ operation }) => operation === alone || operation === beside)
      .toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0))
      .map((row) => {
        const floor = rows.find(({ size, peer }) => size === row.size && peer === loop);
        return [
          (row.size ?? 0).toLocaleString("en"),
          row.operation === beside ? `${row.peer}, ${row.operation}` : row.peer,
          round((row.p50Us * (row.size ?? 0)) / 1e6),
          floor === undefined ? "" : round(row.p50Us / floor.p50Us),
          round(row.cpuUs ?? 0),
          round(row.longestStopMs ?? 0),
          round(row.rssMb ?? 0),
          round(row.flushMs ?? 0),
          row.operation === beside ? `${write(row, idleWrite)} → ${write(row, besideWrite)}` : "",
        ];
      }),
  );
}
