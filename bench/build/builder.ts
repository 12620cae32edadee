/**
 * The process in which one peer builds one aggregate or index over a file that another has filled, so that its processor time and
 * memory are the build's. The build must hold every document in order, those written meanwhile included.
 */
import { join } from "node:path";
import { makeFunctionReference } from "convex/server";
import { openBackend, sqlite, type Backend } from "trueup";
import { openBareSqlite } from "../harness/bare-sqlite.js";
import { answerParent, watchProcess } from "../harness/child.js";
import { moduleLoaders, type App } from "../harness/hosts.js";
import { writeEvery } from "../harness/writer.js";
import { appWith, board, plainApp, playerOf, scoresOf, type Builder } from "./app.js";
import {
  bareScore,
  ourFile,
  writeIntervalMs,
  type BareBuildArgs,
  type BuildArgs,
  type Built,
  type FillArgs,
} from "./builds.js";

const idleWrites = 400;
const fillBatch = 1000;
const checkedRanks = 50;

answerParent({
  fill: async ({ folder, count }: FillArgs) => {
    const backend = await open(join(folder, ourFile), plainApp(), "relaxed");
    const scores = scoresOf(count);
    for (let from = 0; from < count; from += fillBatch) {
      await add(backend, scores.slice(from, from + fillBatch), from);
    }
    await backend.close();
  },
  fillBare: ({ folder, count }: FillArgs) => {
    const { database } = openBareSqlite(folder);
    database.exec("CREATE TABLE scores (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID");
    const insert = database.prepare("INSERT INTO scores VALUES (?, ?)");
    database.transaction(() => {
      for (const [index, score] of scoresOf(count).entries()) {
        insert.run(`score ${index}`, JSON.stringify({ player: playerOf(index), score }));
      }
    })();
    database.close();
  },
  build,
  buildBare,
});

function open(file: string, app: App, durability: "full" | "relaxed"): Promise<Backend> {
  return openBackend({
    storage: sqlite(file, { durability }),
    schema: app.schema,
    modules: moduleLoaders(app),
    components: app.components,
    limits: "none",
    log: "silent",
  });
}

async function add(backend: Backend, scores: readonly number[], from: number): Promise<void> {
  await backend.mutation(makeFunctionReference<"mutation">("bench:add"), { scores: [...scores], from });
}

async function build({ folder, count, builder, isLive }: BuildArgs): Promise<Built> {
  const file = join(folder, ourFile);
  const written: number[] = [];
  const writeTo =
    (backend: Backend) =>
    async (index: number): Promise<void> => {
      const score = index * 7919;
      written.push(score);
      await add(backend, [score], count + written.length);
    };
  let idleUs: readonly number[] = [];
  if (isLive) {
    const plain = await open(file, plainApp(), "full");
    const end = written.length + idleWrites;
    ({ latenciesUs: idleUs } = await writeEvery(
      writeIntervalMs,
      writeTo(plain),
      () => written.length >= end,
    ));
    await plain.close();
  }
  const app = await appWith(builder);
  const stop = await watchProcess();
  const begin = performance.now();
  const backend = await open(file, app, "full");
  let isOver = false;
  const writer = isLive ? writeEvery(writeIntervalMs, writeTo(backend), () => isOver) : null;
  if (builder === "trueup") await backend.aggregates.ready(board);
  else await backend.action(makeFunctionReference<"action">("bench:backfill"), {});
  const elapsedMs = performance.now() - begin;
  const rssMb = process.resourceUsage().maxRSS / 1000;
  const used = await stop();
  isOver = true;
  const besideUs = (await writer)?.latenciesUs ?? [];
  await checkBuilt(backend, builder, [...scoresOf(count), ...written]);
  await backend.close();
  return { elapsedMs, ...used, rssMb, idleUs, besideUs };
}

/** Throws unless the aggregate has all scores, in order. */
async function checkBuilt(backend: Backend, builder: Builder, scores: readonly number[]): Promise<void> {
  const sorted = Float64Array.from(scores).sort();
  const held: unknown = await backend.query(makeFunctionReference<"query">("bench:count"), {});
  if (held !== sorted.length) throw new Error(`${builder} holds ${String(held)} items, not ${sorted.length}`);
  for (let at = 0; at < checkedRanks; at++) {
    const score = sorted[Math.floor((at * sorted.length) / checkedRanks)] ?? 0;
    const rank: unknown = await backend.query(makeFunctionReference<"query">("bench:rank"), { score });
    if (rank !== sorted.indexOf(score)) throw new Error(`${builder} ranks ${score} at ${String(rank)}`);
  }
  if (builder === "published") return;
  const { differences } = await backend.aggregates.verify(board);
  if (differences.length > 0) throw new Error(`the build differs: ${JSON.stringify(differences[0])}`);
}

async function buildBare({ folder, count, peer }: BareBuildArgs): Promise<Built> {
  const { database } = openBareSqlite(folder);
  const stop = await watchProcess();
  const begin = performance.now();
  let held = new Float64Array();
  if (peer === "scan, parse, sort") {
    held = new Float64Array(count);
    let at = 0;
    for (const text of database.prepare<[], string>("SELECT document FROM scores").pluck().iterate()) {
      held[at++] = (JSON.parse(text) as { score: number }).score;
    }
    held.sort();
  } else database.exec(`CREATE INDEX by_score ON scores (${bareScore})`);
  const elapsedMs = performance.now() - begin;
  const rssMb = process.resourceUsage().maxRSS / 1000;
  const used = await stop();
  if (peer === "CREATE INDEX") {
    const sql = `SELECT ${bareScore} FROM scores INDEXED BY by_score ORDER BY 1`;
    held = Float64Array.from(database.prepare<[], number>(sql).pluck().iterate());
  }
  const right = Float64Array.from(scoresOf(count)).sort();
  const isRight = right.every((score, at) => held[at] === score);
  if (!isRight) throw new Error(`${peer} does not hold the scores in order`);
  database.close();
  return { elapsedMs, ...used, rssMb, idleUs: [], besideUs: [] };
}
