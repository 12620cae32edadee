/** Shows the progress of long work: a bar on a terminal, a plain line every two seconds elsewhere. */
import { SingleBar } from "cli-progress";

export interface Progress {
  update(done: number): void;
  /** Ends it and says how many documents a second that was. */
  finish(done: number): void;
}

export function startProgress(what: string, total: number, alreadyDone = 0): Progress {
  const startedAt = performance.now();
  const rate = (done: number): number =>
    Math.round((done - alreadyDone) / Math.max(0.001, (performance.now() - startedAt) / 1000));
  const show = process.stdout.isTTY ? showBar(what, total) : showLines(what, total);
  show.update(alreadyDone, 0);
  return {
    update: (done) => show.update(done, rate(done)),
    finish: (done) => {
      show.update(done, rate(done));
      show.stop();
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(
        `${what}: ${done.toLocaleString("en")} in ${seconds} s, ${rate(done).toLocaleString("en")}/s`,
      );
    },
  };
}

interface Show {
  update(done: number, ratePerSecond: number): void;
  stop(): void;
}

function showBar(what: string, total: number): Show {
  const bar = new SingleBar({
    format: `${what} {bar} {percentage}% {value}/{total} {rate}/s ETA {eta_formatted}`,
    hideCursor: true,
  });
  bar.start(total, 0, { rate: 0 });
  return {
    update: (done, rate) => {
      if (done > bar.getTotal()) bar.setTotal(done);
      bar.update(done, { rate });
    },
    stop: () => bar.stop(),
  };
}

function showLines(what: string, total: number): Show {
  let shownAt = performance.now();
  return {
    update: (done, rate) => {
      if (performance.now() - shownAt < 2000) return;
      shownAt = performance.now();
      console.log(`${what}: ${done}/${total}, ${rate}/s`);
    },
    stop: () => undefined,
  };
}
