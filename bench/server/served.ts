/**
 * The process of a server that is measured. The bench asks it to open one peer on a port of its own, and what it uses of the
 * processor, of memory and of the event loop.
 */
import { answerParent, watchProcess, type Used } from "../harness/child.js";
import { serveBare } from "./bare-server.js";
import { serveOurs } from "./our-server.js";
import { barePeers, type OpenArgs, type Served } from "./peer-names.js";

let served: Served | null = null;
let watched: (() => Promise<Used>) | null = null;

function opened(): Served {
  if (served === null) throw new Error("nothing is served yet");
  return served;
}

answerParent({
  open: async ({ peer, folder, redisPort }: OpenArgs) => {
    const bare = barePeers.find((name) => name === peer);
    served = bare === undefined ? await serveOurs(peer, folder) : await serveBare(bare, folder, redisPort);
    return served.port;
  },
  watch: async () => {
    watched = await watchProcess();
  },
  watched: () => watched?.(),
  count: () => opened().count(),
  /** The microseconds of processor time that it takes to ask for each of these rooms. */
  latest: async (rooms: readonly number[]) => {
    const before = process.cpuUsage();
    for (const room of rooms) await opened().latest(room);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  },
  /** The bytes that live in memory, after the garbage is collected. */
  memory: () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
});
