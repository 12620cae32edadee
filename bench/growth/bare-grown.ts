/** The same documents in bare SQLite, with an index over their scores. */
import { bareScore } from "../build/builds.js";
import { openBareSqlite } from "../harness/bare-sqlite.js";
import type { OpenedPeer } from "./peers.js";

export function openBare(folder: string): OpenedPeer {
  const begin = performance.now();
  const { database } = openBareSqlite(folder);
  const openMs = performance.now() - begin;
  const between = database
    .prepare<[number, number], number>(
      `SELECT count(*) FROM scores WHERE ${bareScore} >= ? AND ${bareScore} < ?`,
    )
    .pluck();
  const insert = database.prepare("INSERT INTO scores VALUES (?, ?)");
  const size = database.prepare<[], number>("SELECT sum(pgsize) FROM dbstat WHERE name = 'by_score'").pluck();
  const countBetween = (lower: number, upper: number): number => between.get(lower, upper) ?? 0;
  let made = 0;
  return {
    openMs,
    count: countBetween(-1, Number.MAX_VALUE),
    grown: {
      countBetween: (lower, upper) => Promise.resolve(countBetween(lower, upper)),
      rank: (score) => Promise.resolve(countBetween(-1, score)),
      insert: (score) =>
        Promise.resolve(
          insert.run(`fresh score ${made++}`, JSON.stringify({ player: `player ${score}`, score })),
        ),
      indexBytes: () => Promise.resolve(size.get() ?? 0),
    },
  };
}
