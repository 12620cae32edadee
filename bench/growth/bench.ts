/**
 * Measures what becomes of an aggregate when its table grows: how long a server with so many documents takes from the start of
 * its process to the first answer, what the aggregate takes up on disk and the process in memory, and what counts, ranks and
 * inserts cost then. The floor is bare SQLite with an index over the same documents, which counts by going over the range.
 */
import { builder } from "../build/bench.js";
import type { BareBuildArgs, BuildArgs, FillArgs } from "../build/builds.js";
import { scoresOf } from "../build/app.js";
import { Child, inChild } from "../harness/child.js";
import { flushMs } from "../harness/disk.js";
import { removeFolder, temporaryFolder } from "../harness/folders.js";
import { takeTurns, type Effort, type Measurement, type Player } from "../harness/measure.js";
import { Random } from "../harness/random.js";
import { round, table } from "../harness/report.js";
import type { Opened, OpenGrownArgs, Operation, TurnArgs, TurnTaken, Usage } from "./peers.js";

export interface GrowthRow extends Usage {
  readonly peer: string;
  /** How many documents there are. */
  readonly size: number;
  /** From the start of the process to the first answer, and the part of it in which the file is opened. */
  readonly startMs: number;
  readonly openMs: number;
  readonly measured: Readonly<Record<Operation, Measurement>>;
}

const module = new URL("grown.js", import.meta.url);
const peerNames = ["trueup", "bare SQLite"] as const;
const callsPerTurn = 2000;
const patienceMs = 60_000;

export async function benchGrowth(
  size: number,
  effort: Effort,
  log: (line: string) => void,
): Promise<GrowthRow[]> {
  const folder = temporaryFolder();
  const peers: GrownPeer[] = [];
  try {
    await inChild(builder, async (child) => {
      const args: FillArgs = { folder, count: size };
      await child.ask("fill", args);
      await child.ask("fillBare", args);
    });
    log(`growth, ${size} documents: filled`);
    await inChild(builder, async (child) => {
      const args = { folder, count: size };
      await child.ask("build", { ...args, builder: "trueup", isLive: false } satisfies BuildArgs);
      await child.ask("buildBare", { ...args, peer: "CREATE INDEX" } satisfies BareBuildArgs);
    });
    log(`growth, ${size} documents: built`);
    const scores = new Scores(size);
    for (const name of peerNames) peers.push(await GrownPeer.open(name, folder, scores));
    const measured = new Map<Operation, Measurement[]>();
    for (const operation of ["countBetween", "rank", "insert"] as const) {
      measured.set(
        operation,
        await takeTurns(
          peers.map((peer) => peer.player(operation)),
          effort,
          flushMs,
        ),
      );
      log(`growth, ${size} documents: ${operation}`);
    }
    const of = (operation: Operation, index: number): Measurement =>
      measured.get(operation)?.[index] as Measurement;
    const rows: GrowthRow[] = [];
    for (const [index, peer] of peers.entries()) {
      await peer.checkCount();
      rows.push({
        peer: peer.name,
        size,
        startMs: peer.startMs,
        openMs: peer.openMs,
        ...(await peer.usage()),
        measured: {
          countBetween: of("countBetween", index),
          rank: of("rank", index),
          insert: of("insert", index),
        },
      });
    }
    return rows;
  } finally {
    for (const peer of peers) await peer.stop();
    removeFolder(folder);
  }
}

/** The scores that the files were filled with, and questions about them. */
class Scores {
  readonly sorted: Float64Array;
  readonly random = new Random(3);

  constructor(size: number) {
    this.sorted = Float64Array.from(scoresOf(size)).sort();
  }

  draw(): number {
    return this.sorted[this.random.below(this.sorted.length)] ?? 0;
  }

  /** How many are smaller. */
  rank(score: number): number {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.sorted[middle] ?? 0) < score) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class GrownPeer {
  readonly name: string;
  readonly startMs: number;
  readonly openMs: number;
  readonly #child: Child;
  readonly #scores: Scores;
  #inserted = 0;

  private constructor(name: string, child: Child, scores: Scores, startMs: number, openMs: number) {
    this.name = name;
    this.startMs = startMs;
    this.openMs = openMs;
    this.#child = child;
    this.#scores = scores;
  }

  static async open(name: (typeof peerNames)[number], folder: string, scores: Scores): Promise<GrownPeer> {
    const begin = Date.now();
    const child = new Child(module);
    const args: OpenGrownArgs = { folder, isOurs: name === "trueup" };
    const { openMs, answeredAt, count } = await child.ask<Opened>("open", args);
    const right = scores.sorted.length;
    if (count !== right) throw new Error(`${name} holds ${count}, not ${right}`);
    return new GrownPeer(name, child, scores, answeredAt - begin, openMs);
  }

  player(operation: Operation): Player {
    return {
      peer: this.name,
      takeTurn: async (turnMs) => {
        const numbers = this.#numbersFor(operation);
        const args: TurnArgs = { operation, numbers, turnMs };
        const { latenciesUs, answers } = await this.#child.ask<TurnTaken>("turn", args);
        this.#check(operation, numbers, answers);
        const elapsedUs = latenciesUs.reduce((sum, each) => sum + each, 0);
        const operations = latenciesUs.length;
        return { latenciesUs, operations, perSecond: (operations * 1e6) / elapsedUs };
      },
    };
  }

  usage(): Promise<Usage> {
    return this.#child.ask<Usage>("usage");
  }

  /** Throws unless the peer holds what it was filled with and what was inserted since. */
  async checkCount(): Promise<void> {
    const args: TurnArgs = { operation: "countBetween", numbers: [-1, Number.MAX_VALUE], turnMs: patienceMs };
    const { answers } = await this.#child.ask<TurnTaken>("turn", args);
    const right = this.#scores.sorted.length + this.#inserted;
    if (answers[0] !== right) throw new Error(`${this.name} holds ${answers[0]}, not ${right}`);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  #numbersFor(operation: Operation): number[] {
    const drawn = Array.from({ length: callsPerTurn }, () => this.#scores.draw());
    if (operation !== "countBetween") return drawn;
    return drawn.flatMap((one) => [one, this.#scores.draw()].toSorted((a, b) => a - b));
  }

  #check(operation: Operation, numbers: readonly number[], answers: readonly number[]): void {
    if (operation === "insert") {
      this.#inserted += answers.length;
      return;
    }
    for (const [index, answer] of answers.entries()) {
      const right =
        operation === "rank"
          ? this.#scores.rank(numbers[index] ?? 0)
          : this.#scores.rank(numbers[2 * index + 1] ?? 0) - this.#scores.rank(numbers[2 * index] ?? 0);
      if (answer !== right) throw new Error(`${this.name} answers ${answer} to ${operation}, not ${right}`);
    }
  }
}

export function growthTable(rows: readonly GrowthRow[]): string {
  const cell = ({ p50Us, p99Us }: Measurement): string => `${round(p50Us)} / ${round(p99Us)}`;
  return table(
    [
      "documents",
      "",
      "start to first answer ms",
      "of that opening",
      "bytes an item",
      "file, bytes a document",
      "RSS MB",
      "count in bounds µs, p50 / p99",
      "rank",
      "insert",
      "fdatasync ms",
    ],
    rows.map((row) => [
      row.size.toLocaleString("en"),
      row.peer,
      round(row.startMs),
      round(row.openMs),
      round(row.indexBytes / row.size),
      round(row.fileBytes / row.size),
      round(row.rssMb),
      cell(row.measured.countBetween),
      cell(row.measured.rank),
      cell(row.measured.insert),
      round(row.measured.insert.flushMs ?? 0),
    ]),
  );
}
