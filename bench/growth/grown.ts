/**
 * The process of a peer whose file is there already: it opens it, answers for the first time, and then takes turns. The parent
 * checks what is answered, so that what a check needs does not count as memory of the peer; a peer loads only what it needs.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { bareFile, ourFile } from "../build/builds.js";
import { answerParent } from "../harness/child.js";
import type { Grown, Opened, OpenGrownArgs, TurnArgs, TurnTaken, Usage } from "./peers.js";

let grown: Grown | null = null;
let file = "";

answerParent({
  open: async ({ folder, isOurs }: OpenGrownArgs): Promise<Opened> => {
    const opened = isOurs
      ? await (await import("./our-grown.js")).openOurs(folder)
      : (await import("./bare-grown.js")).openBare(folder);
    file = join(folder, isOurs ? ourFile : bareFile);
    grown = opened.grown;
    return { openMs: opened.openMs, answeredAt: Date.now(), count: opened.count };
  },
  turn: async ({ operation, numbers, turnMs }: TurnArgs): Promise<TurnTaken> => {
    if (grown === null) throw new Error("nothing is open");
    const peer = grown;
    const run = {
      countBetween: (at: number) => peer.countBetween(numbers[at] ?? 0, numbers[at + 1] ?? 0),
      rank: (at: number) => peer.rank(numbers[at] ?? 0),
      insert: (at: number) => peer.insert(numbers[at] ?? 0),
    }[operation];
    const step = operation === "countBetween" ? 2 : 1;
    const latenciesUs: number[] = [];
    const answers: number[] = [];
    const begin = performance.now();
    for (let at = 0; at < numbers.length && performance.now() - begin < turnMs; at += step) {
      const called = performance.now();
      const answer = await run(at);
      latenciesUs.push((performance.now() - called) * 1000);
      answers.push(Number(answer));
    }
    return { latenciesUs, answers };
  },
  usage: async (): Promise<Usage> => ({
    indexBytes: (await grown?.indexBytes()) ?? 0,
    fileBytes: statSync(file).size,
    rssMb: process.memoryUsage().rss / 1e6,
  }),
});
