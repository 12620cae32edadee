/** The process of one of several servers on one Postgres. */
import { openBackend, postgres, type Backend } from "trueup";
import { answerParent, watchProcess, type Used } from "../harness/child.js";
import { moduleLoaders } from "../harness/hosts.js";
import { startOurServer } from "../server/our-server.js";
import { scaleApp } from "./app.js";

/** What a server has done since it was opened. */
export interface Done {
  /** Transactions that ran again. */
  readonly conflicts: number;
  /** Batches that were sent to the database. */
  readonly batches: number;
}

let backend: Backend | null = null;
let watched: (() => Promise<Used>) | null = null;

answerParent({
  open: async (address: string) => {
    const app = await scaleApp();
    backend = await openBackend({
      storage: postgres(address),
      schema: app.schema,
      modules: moduleLoaders(app),
      components: app.components,
      limits: "none",
      log: "silent",
    });
    await backend.aggregates.ready();
    return await startOurServer(backend);
  },
  watch: async () => {
    watched = await watchProcess();
  },
  watched: () => watched?.(),
  done: async (): Promise<Done | undefined> => {
    const figures = await backend?.figures();
    if (figures === undefined) return undefined;
    return { conflicts: figures.conflicts, batches: figures.storage?.flushes ?? 0 };
  },
});
