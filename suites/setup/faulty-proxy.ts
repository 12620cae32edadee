/**
 * A proxy in front of a Postgres server that does what networks do: it delays, stalls and cuts connections, also just
 * when the answer to a certain statement is on its way.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { withParameters } from "./postgres.js";

export class FaultyProxy {
  /** How much later each piece arrives, in either direction. */
  delayMs = 0;
  /** Whether connections are cut as soon as they are made. */
  refuses = false;
  readonly #upstream: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isStalled = false;
  #doomed: { readonly text: string; times: number } | undefined;
  #answersCut = 0;

  private constructor(upstream: string) {
    this.#upstream = upstream;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @param url The address of the server, by a folder with its socket, or by host and port. */
  static async start(url: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(url);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  /** The server's address by way of the proxy. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return withParameters(this.#upstream, { host: "127.0.0.1", port: String(port) });
  }

  /** How many answers were cut off as `cutAnswers` asked. */
  get answersCut(): number {
    return this.#answersCut;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const pair of this.#pairs) pair.end();
  }

  /** Lets the server take the next requests that contain this text, and cuts the connection when it answers them. */
  cutAnswers(text: string, times = 1): void {
    this.#doomed = { text, times };
  }

  /** Nothing arrives any more, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    for (const pair of this.#pairs) pair.pause();
  }

  /** What was held up arrives. */
  resume(): void {
    this.#isStalled = false;
    for (const pair of this.#pairs) pair.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(client: Socket): void {
    if (this.refuses) {
      client.destroy();
      return;
    }
    const { searchParams, hostname, port } = new URL(this.#upstream);
    const host = searchParams.get("host") ?? hostname;
    const number = Number(searchParams.get("port") ?? (port === "" ? 5432 : port));
    const server = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${number}`) : connect(number, host);
    const pair = new Pair(client, server, {
      delayMs: () => this.delayMs,
      isDoomed: (bytes) => this.#isDoomed(bytes),
      onEnd: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
    if (this.#isStalled) pair.pause();
  }

  #isDoomed(bytes: Buffer): boolean {
    const doomed = this.#doomed;
    if (doomed === undefined || doomed.times === 0 || !bytes.includes(doomed.text)) return false;
    doomed.times--;
    this.#answersCut++;
    return true;
  }
}

interface PairHooks {
  readonly delayMs: () => number;
  /** Whether the answer to this request is to be cut off. */
  isDoomed(request: Buffer): boolean;
  readonly onEnd: () => void;
}

/** A client's connection and the one to the server that belongs to it. */
class Pair {
  readonly #sockets: readonly [client: Socket, server: Socket];
  readonly #onEnd: () => void;

  constructor(client: Socket, server: Socket, hooks: PairHooks) {
    this.#sockets = [client, server];
    this.#onEnd = hooks.onEnd;
    let isDoomed = false;
    forward(client, server, hooks.delayMs, (bytes) => {
      isDoomed ||= hooks.isDoomed(bytes);
      return true;
    });
    forward(server, client, hooks.delayMs, () => {
      if (isDoomed) this.end();
      return !isDoomed;
    });
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      socket.on("error", () => this.end());
      socket.on("close", () => this.end());
    }
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#onEnd();
  }

  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }
}

/** Hands on what comes, in its order, after the delay of its time. */
function forward(
  from: Socket,
  to: Socket,
  delayMs: () => number,
  isPassed: (bytes: Buffer) => boolean,
): void {
  let lastMs = 0;
  from.on("data", (bytes: Buffer) => {
    if (!isPassed(bytes)) return;
    const nowMs = performance.now();
    lastMs = Math.max(lastMs, nowMs + delayMs());
    if (lastMs <= nowMs) to.write(bytes);
    else setTimeout(() => to.write(bytes), lastMs - nowMs);
  });
}
