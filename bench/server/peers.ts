/** The servers that are measured, each in a process of its own: how they are started, called, checked and stopped. */
import { Child, besidesEach, type Used } from "../harness/child.js";
import { removeFolder, temporaryFolder } from "../harness/folders.js";
import { HttpCaller } from "../harness/http-caller.js";
import type { Task, Turn } from "../harness/measure.js";
import type { Score } from "./app.js";
import { barePeers, ourPeers, type OpenArgs, type PeerName } from "./peer-names.js";

const module = new URL("served.js", import.meta.url);

export const peerNames: readonly PeerName[] = [...ourPeers, ...barePeers];

export class Peer {
  readonly name: PeerName;
  readonly port: number;
  readonly #child: Child;
  readonly #folder: string;
  #added = 0;

  private constructor(name: PeerName, port: number, child: Child, folder: string) {
    this.name = name;
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  /** Starts a server on an empty store. */
  static async start(name: PeerName, redisPort: number): Promise<Peer> {
    const folder = temporaryFolder();
    const child = new Child(module, ["--expose-gc"]);
    const args: OpenArgs = { peer: name, folder, redisPort };
    return new Peer(name, await child.ask<number>("open", args), child, folder);
  }

  /** Does something, and tells what the server's process used for each of its operations. */
  async watch(turn: () => Promise<Turn>): Promise<Turn> {
    await this.#child.ask("watch");
    const taken = await turn();
    const used = await this.#child.ask<Used>("watched");
    return { ...taken, ...besidesEach(used, taken.operations) };
  }

  /** Opens so many connections, each for a caller that makes one call at a time, and closes them when they were used. */
  async withCallers<T>(count: number, use: (callers: readonly HttpCaller[]) => Promise<T>): Promise<T> {
    const callers = await Promise.all(Array.from({ length: count }, () => HttpCaller.open(this.port)));
    try {
      return await use(callers);
    } finally {
      for (const caller of callers) caller.close();
    }
  }

  adding(caller: HttpCaller, score: Score): Task {
    const body = bodyOf("bench:add", score);
    return {
      run: () => caller.post("/api/mutation", body),
      check: (reply) => this.checkAdded(valueOf(reply)),
    };
  }

  /** Counts a score as added when the reply names its id. */
  checkAdded(id: unknown): void {
    if (typeof id !== "string" || id === "") throw new Error(`${this.name} answers ${String(id)}, not an id`);
    this.#added++;
  }

  async fill(scores: readonly Score[]): Promise<string[]> {
    const body = bodyOf("bench:fill", { scores });
    const reply = await this.withCallers(1, async ([caller]) => await caller?.post("/api/mutation", body));
    const ids = valueOf(reply) as string[];
    if (ids.length !== scores.length) throw new Error(`${this.name} added ${ids.length} of ${scores.length}`);
    this.#added += ids.length;
    return ids;
  }

  getting(caller: HttpCaller, id: string, right: Score): Task {
    const body = bodyOf("bench:get", { id });
    return {
      run: () => caller.post("/api/query", body),
      check: (reply) => {
        const { player, score } = valueOf(reply) as Score;
        if (player === right.player && score === right.score) return;
        throw new Error(`${this.name} answers ${String(reply)}`);
      },
    };
  }

  /** Throws unless the server holds exactly the scores whose insert it has acknowledged. */
  async checkCount(): Promise<void> {
    const count = await this.#child.ask<number>("count");
    if (count !== this.#added) throw new Error(`${this.name} holds ${count} scores, not ${this.#added}`);
  }

  /** The bytes that live in the server's memory. */
  memory(): Promise<number> {
    return this.#child.ask<number>("memory");
  }

  /** The microseconds of processor time that the server takes to ask for each of these rooms, without the wire. */
  latest(rooms: readonly number[]): Promise<number> {
    return this.#child.ask<number>("latest", rooms);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    removeFolder(this.#folder);
  }
}

export function bodyOf(path: string, args: object): string {
  return JSON.stringify({ path, args: [args], format: "convex_encoded_json" });
}

/** The value of a reply. Throws when the call has failed. */
export function valueOf(reply: unknown): unknown {
  const { status, value } = JSON.parse(String(reply)) as { status: string; value: unknown };
  if (status !== "success") throw new Error(`a call failed: ${String(reply)}`);
  return value;
}
