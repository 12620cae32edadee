/**
 * A proxy before several servers, as a load balancer is: each request and each WebSocket goes to the next server. It can cut all
 * WebSockets at once, after which clients come back to whichever server is next, and leave servers out.
 */
import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export class RoundRobin {
  readonly #server = createServer((request, response) => this.#pass(request, response));
  readonly #pairs = new Set<readonly [Duplex, Socket]>();
  #ports: readonly number[];
  #turn = 0;

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /** @param ports Those of the servers, on this machine. */
  static async start(ports: readonly number[]): Promise<RoundRobin> {
    const proxy = new RoundRobin(ports);
    proxy.#server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Buffer) =>
      proxy.#join(request, client, head),
    );
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The WebSockets that are open. */
  get sockets(): number {
    return this.#pairs.size;
  }

  /** From now on, only these servers are there. */
  use(...ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Ends all WebSockets without a word. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #next(): number {
    this.#turn += 1;
    return this.#ports[this.#turn % this.#ports.length] ?? 0;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request;
    const options = { host: "127.0.0.1", port: this.#next(), method, path: url, headers, agent: false };
    const passed = ask(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  }

  #join(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const server = connect(this.#next(), "127.0.0.1");
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    }
    server.write(`${lines.join("\r\n")}\r\n\r\n`);
    server.write(head);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
