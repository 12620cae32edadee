/** The clients of the soak: users of the official client who watch and write, callers over HTTP, and strangers who mean ill. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { WebSocket } from "ws";
import type { Issuer } from "./issuer.js";
import type { Ledger } from "./ledger.js";

export interface Board {
  readonly count: number;
  readonly sum: number;
  readonly best: number | null;
}

export const functions = anyApi["soak"]!;
const tokenSeconds = 30;
const accounts = 20;

const below = (end: number): number => Math.floor(Math.random() * end);

/** A user, or nobody, on a connection that lasts for the whole soak. */
export class Watcher {
  readonly #client: ConvexClient;
  readonly #ledger: Ledger;
  readonly #user: string;
  #board: Board | null = null;
  #mine = 0;
  #added = 0;

  /** @param user Null for one who does not log in. */
  constructor(url: string, ledger: Ledger, issuer: Issuer, user: string | null) {
    this.#ledger = ledger;
    this.#user = user ?? "nobody";
    this.#client = new ConvexClient(url, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    if (user !== null) this.#client.setAuth(() => issuer.sign(user, tokenSeconds));
    this.#client.onUpdate(functions["board"]!, {}, (board: Board) => (this.#board = board));
    this.#client.onUpdate(functions["mine"]!, {}, (mine: number) => (this.#mine = mine));
  }

  /** What it was shown last. */
  get board(): Board | null {
    return this.#board;
  }

  async write(isOver: () => boolean): Promise<void> {
    const transfer = (): object => ({ from: below(accounts), to: below(accounts), amount: below(100) });
    await inTurns(isOver, [
      [6, () => this.#add()],
      [2, () => this.#call("transfer", transfer())],
      [1, () => this.#call("change", { points: below(1000) })],
      [1, () => this.#schedule()],
    ]);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #add(): Promise<void> {
    const key = this.#ledger.newKey();
    const user = await this.#call("add", { key, points: below(1000) });
    if (user === null) {
      this.#ledger.entries.uncertain.add(key);
      return;
    }
    this.#ledger.entries.acknowledged.add(key);
    this.#added += 1;
    if (user !== this.#user) {
      this.#ledger.wrong.push(`${key} of ${this.#user} was written for ${JSON.stringify(user)}`);
    }
    // A mutation is acknowledged when the queries that its client watches show what it did. Several are nobody.
    if (this.#mine < this.#added) {
      this.#ledger.wrong.push(`${this.#user} was shown ${this.#mine} of ${this.#added} entries after ${key}`);
    }
  }

  async #schedule(): Promise<void> {
    const key = this.#ledger.newKey();
    // What failed may be scheduled, or not; nothing is claimed of it.
    const answer = await this.#call("later", { key, delayMs: below(2000) });
    if (answer !== null) this.#ledger.scheduled.add(key);
  }

  /** Null when it failed. */
  async #call(name: string, args: object): Promise<unknown> {
    return await this.#ledger.time("mutation", async () => {
      return ((await this.#client.mutation(functions[name]!, { ...args })) as unknown) ?? "done";
    });
  }
}

/** Asks and writes over HTTP, without sending again what got no answer. */
export async function callOverHttp(url: string, ledger: Ledger, isOver: () => boolean): Promise<void> {
  const client = new ConvexHttpClient(url, { logger: false });
  const options = { skipQueue: true };
  type Entry = { key: string; points: number };
  const add = async (
    kind: "mutation over HTTP" | "action",
    call: (entry: Entry) => Promise<unknown>,
  ): Promise<void> => {
    const key = ledger.newKey();
    const answer = await ledger.time(kind, () => call({ key, points: below(1000) }));
    ledger.entries[answer === null ? "uncertain" : "acknowledged"].add(key);
  };
  const refused = async (): Promise<void> => {
    const call = client.mutation(functions["refuse"]!, {}, options);
    await call.catch((error: unknown) => ledger.error("refused", error));
  };
  await inTurns(isOver, [
    [6, () => ledger.time("query", () => client.query(functions["board"]!, {}))],
    [2, () => add("mutation over HTTP", (entry) => client.mutation(functions["add"]!, entry, options))],
    [1, () => add("action", (entry) => client.action(functions["relay"]!, entry))],
    [1, refused],
  ]);
}

/** Does one after the other, with pauses: what chance picks by the weights. */
async function inTurns(
  isOver: () => boolean,
  choices: readonly (readonly [weight: number, run: () => Promise<unknown>])[],
): Promise<void> {
  const tickets = choices.flatMap(([weight, run]) => Array.from({ length: weight }, () => run));
  while (!isOver()) {
    await sleep(20 + below(100));
    await tickets[below(tickets.length)]!();
  }
}

/** Calls every two minutes what only the clock ends, and what other mutations have to wait for. */
export async function hangNowAndThen(url: string, ledger: Ledger, isOver: () => boolean): Promise<void> {
  const client = new ConvexHttpClient(url, { logger: false });
  while (!isOver()) {
    await client
      .mutation(functions["hang"]!, {}, { skipQueue: true })
      .catch((error: unknown) => ledger.error("hanging", error));
    for (let waited = 0; waited < 120 && !isOver(); waited++) await sleep(1000);
  }
}

/** Sends what no honest client sends. */
export async function attack(url: string, ledger: Ledger, isOver: () => boolean): Promise<void> {
  const json = { "content-type": "application/json" };
  const large = "x".repeat(2 ** 21);
  const attacks: (() => Promise<unknown>)[] = [
    () => post("/api/mutation", "{", json),
    () => post("/api/deploy2/start_push", large, json),
    () => post("/api/query", large, json),
    () => post("/api/query", JSON.stringify({ path: "soak:page", args: {} }), json),
    () =>
      post("/api/query", JSON.stringify({ path: "soak:board", args: {} }), {
        ...json,
        authorization: "Bearer a.b.c",
      }),
    () =>
      post("/api/query", JSON.stringify({ path: "soak:board", args: {} }), {
        ...json,
        authorization: "Convex guessed|0123456789abcdef",
      }),
    () => shout([JSON.stringify({ type: "Mutation", requestId: 0, udfPath: "soak:add", args: [{}] })]),
    () => shout(["{", "nonsense"]),
    () => shout([connect, watches(3000)]),
    () =>
      shout([
        connect,
        JSON.stringify({ type: "Authenticate", baseVersion: 0, tokenType: "User", value: "a.b.c" }),
      ]),
  ];
  const post = async (path: string, body: string, headers: Record<string, string>): Promise<void> => {
    const answer = await fetch(url + path, { method: "POST", headers, body });
    await answer.text();
    ledger.error("attack", String(answer.status));
  };
  const shout = async (messages: readonly string[]): Promise<void> => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/api/1.48.0/sync`);
    const ended = new Promise<void>((resolve) => {
      socket.on("close", () => resolve());
      socket.on("error", () => resolve());
    });
    socket.on("open", () => messages.forEach((message) => socket.send(message)));
    await Promise.race([ended, sleep(1000)]);
    socket.terminate();
    ledger.error("attack", "WebSocket");
  };
  while (!isOver()) {
    await sleep(100);
    await attacks[below(attacks.length)]!().catch((error: unknown) => ledger.error("attack", error));
  }
}

const connect = JSON.stringify({
  type: "Connect",
  sessionId: "00000000-0000-4000-8000-000000000000",
  connectionCount: 0,
  lastCloseReason: null,
  clientTs: 0,
});

function watches(count: number): string {
  const modifications = Array.from({ length: count }, (_, queryId) => ({
    type: "Add",
    queryId,
    udfPath: "soak:board",
    args: [{}],
  }));
  return JSON.stringify({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications });
}
