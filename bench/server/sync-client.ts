/**
 * A client of the sync protocol that costs its process little: it parses only replies to its own mutations, and counts in the
 * updates that it is sent how many show what they must.
 */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Told of each transition: its text as bytes. */
type Listener = (transition: Buffer) => void;

const transition = Buffer.from('{"type":"Transition"');

export class SyncClient {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #listener: Listener | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server has closed the connection")));
    this.#send({ type: "Connect", sessionId: randomUUID(), connectionCount: 0, lastCloseReason: null });
  }

  static open(port: number): Promise<SyncClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/1.48.0/sync`, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => resolve(new SyncClient(socket)));
    });
  }

  /** Runs a mutation, and resolves with its value. */
  mutate(udfPath: string, args: object): Promise<unknown> {
    const requestId = this.#requests++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(requestId, { resolve, reject });
      this.#send({ type: "Mutation", requestId, udfPath, args: [args] });
    });
  }

  /** Watches one query for each of the arguments. Resolves with the first transition; later ones go to the listener. */
  watch(udfPath: string, args: readonly object[], listener: Listener): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#listener = (first) => {
        this.#listener = listener;
        resolve(first);
      };
      const modifications = args.map((each, queryId) => ({ type: "Add", queryId, udfPath, args: [each] }));
      this.#send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications });
    });
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  #receive(data: Buffer): void {
    if (data.subarray(0, transition.length).equals(transition)) return this.#listener?.(data);
    const message = JSON.parse(data.toString("utf8")) as {
      readonly type: string;
      readonly requestId: number;
      readonly success: boolean;
      readonly result: unknown;
    };
    if (message.type === "Ping") return;
    const waiting = this.#waiting.get(message.requestId);
    this.#waiting.delete(message.requestId);
    if (message.success) waiting?.resolve(message.result);
    else this.#fail(new Error(`the server says ${data.toString("utf8")}`), waiting);
  }

  #fail(error: Error, ...only: (Waiting | undefined)[]): void {
    const failed = only.length > 0 ? only : [...this.#waiting.values()];
    for (const waiting of failed) waiting?.reject(error);
  }
}
