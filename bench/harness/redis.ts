/**
 * A client of Redis with what sorted sets need. It sends requests over one socket, and replies come in the same order. What
 * is sent in one turn of the event loop goes out as one packet, which is called pipelining.
 */
import { connect, type Socket } from "node:net";

export type Reply = string | number | null | Error | Reply[];

export class Redis {
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);
  #unsent: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#receive(data));
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** Connects; resolves to null when no Redis answers there. */
  static async find(port = 6379, host = "127.0.0.1"): Promise<Redis | null> {
    const socket = await new Promise<Socket | null>((resolve) => {
      const opened = connect({ host, port, timeout: 500 }, () => resolve(opened));
      const fail = (): void => {
        opened.destroy();
        resolve(null);
      };
      opened.once("error", fail).once("timeout", fail);
    });
    if (socket === null) return null;
    socket.setTimeout(0);
    const redis = new Redis(socket);
    if ((await redis.send("PING")) === "PONG") return redis;
    redis.close();
    return null;
  }

  /** An error reply is returned, not thrown, so that a pipeline goes on. */
  send(...words: (string | number)[]): Promise<Reply> {
    const request = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join("");
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#unsent.push(`*${words.length}\r\n${request}`) === 1) {
        queueMicrotask(() => {
          this.#socket.write(this.#unsent.join(""));
          this.#unsent = [];
        });
      }
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(new Error("the connection to Redis is lost"));
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    let at = 0;
    for (;;) {
      const parsed = parseReply(this.#received, at);
      if (parsed === null) break;
      at = parsed.end;
      this.#waiting.shift()?.(parsed.reply);
    }
    this.#received = this.#received.subarray(at);
  }
}

/** The reply that begins at a place, and where it ends; null when not all of it is there yet. */
function parseReply(buffer: Buffer, start: number): { reply: Reply; end: number } | null {
  const lineEnd = buffer.indexOf("\r\n", start);
  if (lineEnd < 0) return null;
  const line = buffer.toString("utf8", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(buffer[start] ?? 0)) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new Error(line), end };
    case ":":
      return { reply: Number(line), end };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, end };
      if (buffer.length < end + length + 2) return null;
      return { reply: buffer.toString("utf8", end, end + length), end: end + length + 2 };
    }
    case "*": {
      const replies: Reply[] = [];
      let at = end;
      for (let left = Number(line); left > 0; left--) {
        const parsed = parseReply(buffer, at);
        if (parsed === null) return null;
        replies.push(parsed.reply);
        at = parsed.end;
      }
      return { reply: Number(line) < 0 ? null : replies, end: at };
    }
    default:
      throw new Error(`Redis sent what is no reply: ${line}`);
  }
}
