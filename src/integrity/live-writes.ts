/** How work on aggregates sees live writes: by commits, of which a step of the work makes one itself. */
import type { Database } from "../database/index.js";
import type { Others } from "../work/index.js";

export function liveWritesOf(database: Database): Others {
  return { count: () => database.commits, ownPerStep: 1, maxRestMs: 100 };
}
