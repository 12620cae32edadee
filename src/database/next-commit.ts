/** What waits for work that any process may do: it goes by commits, whoever makes them. */
import { currentClock, type Clock } from "../work/index.js";
import type { DatabaseCommit } from "./commit.js";

/** Whoever tells of commits. */
export interface TellsOfCommits {
  onCommit(listener: (commit: DatabaseCommit) => void): () => void;
}

/** Resolves after the next commit of any process that is news, or when the time is over. */
export function nextCommit(
  database: TellsOfCommits,
  maxMs: number,
  isNews: (commit: DatabaseCommit) => boolean,
  clock: Clock = currentClock,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      cancel();
      resolve();
    };
    const cancel = clock.after(maxMs, end);
    const stop = database.onCommit((commit) => {
      if (isNews(commit)) end();
    });
  });
}
