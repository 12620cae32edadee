/**
 * A caller over HTTP that costs its process little, because it shares two cores with the server: one connection that is kept,
 * one request at a time, replies with a Content-Length.
 */
import { connect, type Socket } from "node:net";

interface Waiting {
  readonly resolve: (body: string) => void;
  readonly reject: (error: Error) => void;
}

const headEnd = "\r\n\r\n";

export class HttpCaller {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#receive(data));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server has closed the connection")));
  }

  static open(port: number): Promise<HttpCaller> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => {
        socket.off("error", reject);
        resolve(new HttpCaller(socket));
      });
      socket.once("error", reject);
    });
  }

  /** Posts a body of JSON, and resolves with the body of the reply. Rejects unless the status is 200. */
  post(path: string, body: string): Promise<string> {
    if (this.#waiting !== null) throw new Error("a caller makes one call at a time");
    if (this.#socket.destroyed) throw new Error("the server has closed the connection");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`;
      this.#socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}${headEnd}${body}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return this.#fail(new Error(`a reply without its length: ${head}`));
    const from = end + headEnd.length;
    const to = from + Number(length);
    if (this.#received.length < to) return;
    const body = this.#received.toString("utf8", from, to);
    this.#received = this.#received.subarray(to);
    const waiting = this.#waiting;
    this.#waiting = null;
    if (head.startsWith("HTTP/1.1 200 ")) waiting?.resolve(body);
    else waiting?.reject(new Error(`${head.split("\r\n")[0] ?? ""}: ${body}`));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
    this.#socket.destroy();
  }
}
