/**
 * The other end of a connection. What it is sent waits in the socket until the client takes it, so a client that does not take
 * anything is sent no further transition, and is not read from while much waits for it: it slows down nobody but itself.
 */
import type { WebSocket } from "ws";
import type { ServerMessage } from "./server-messages.js";

/** Once so much waits for a client, it is not read from until it has taken all. One transition may be larger. */
const maxWaitingBytes = 1024 * 1024;

const closeCodes = { AuthError: 1008, ProtocolError: 1008, InternalServerError: 1011, ServerShutdown: 1001 };
type CloseReason = keyof typeof closeCodes;

export class SyncClient {
  readonly #socket: WebSocket;
  #written: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Resolves when the client has taken what it was sent last, or is gone. */
  get written(): Promise<void> {
    return this.#written;
  }

  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** @param text A message in JSON. */
  sendText(text: string): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    this.#written = new Promise((resolve) => socket.send(text, () => resolve()));
    if (socket.bufferedAmount < maxWaitingBytes || socket.isPaused) return;
    socket.pause();
    void this.#resumeWhenTaken();
  }

  /** Tells the client that the server is there, unless something else on its way does. */
  ping(): void {
    if (this.#socket.bufferedAmount === 0) this.send({ type: "Ping" });
  }

  /** Ends the connection. The client may come back. */
  close(reason: CloseReason): void {
    this.#socket.close(closeCodes[reason], reason);
  }

  async #resumeWhenTaken(): Promise<void> {
    let last: Promise<void>;
    do {
      last = this.#written;
      await last;
    } while (last !== this.#written);
    this.#socket.resume();
  }
}
