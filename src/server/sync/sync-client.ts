/**
 * The other end of a connection. What it is sent waits in the socket until the client takes it, so a client that does not take
 * anything is sent no further transition, and is not read from while much waits for it: it slows down nobody but itself.
 */
import type { WebSocket } from "ws";
import type { ServerMessage } from "./server-messages.js";

/** Once so much waits for a client, it is not read from until it has taken all. One transition may be larger. */
const maxWaitingBytes = 1024 * 1024;

/** A client that takes nothing and says nothing for so many pings is gone; it answers each of them by itself. */
const maxSilentPings = 4;

const closeCodes = {
  AuthError: 1008,
  ProtocolError: 1008,
  InternalServerError: 1011,
  /** The official client waits for some seconds before it comes back after this reason. */
  TooManyConcurrentRequests: 1013,
  ServerShutdown: 1001,
};
type CloseReason = keyof typeof closeCodes;

export class SyncClient {
  readonly #socket: WebSocket;
  /** Whether so much waits for the client that it is not read from. */
  #isOwed = false;
  /** How many messages it was sent, and how many of them have left. */
  #sent = 0;
  #left = 0;
  /** How many have a reason not to hear from the client for now. */
  #holds = 0;
  /** How many pings ago the client was heard, or took something. */
  #silentPings = 0;
  #waitingAtPing = 0;
  /** In the order of the messages that they wait for. */
  readonly #waiting: { readonly message: number; readonly resume: () => void }[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Returns undefined when the client has taken all that it was sent, else a promise that resolves when it has, or is gone. */
  whenTaken(): Promise<void> | undefined {
    if (this.#left === this.#sent || this.#socket.bufferedAmount === 0) return undefined;
    return new Promise((resume) => this.#waiting.push({ message: this.#sent, resume }));
  }

  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  /** @param text A message in JSON. */
  sendText(text: string): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    this.#sent += 1;
    socket.send(text, this.#onSent);
    if (this.#isOwed || socket.bufferedAmount < maxWaitingBytes) return;
    this.#isOwed = true;
    const release = this.hold();
    const resume = (): void => {
      this.#isOwed = false;
      release();
    };
    this.#waiting.push({ message: this.#sent, resume });
  }

  /** Does not read from the client until the result is called. */
  hold(): () => void {
    this.#holds += 1;
    this.#socket.pause();
    return () => {
      this.#holds -= 1;
      if (this.#holds === 0) this.#socket.resume();
    };
  }

  /** The client has said something. */
  hear(): void {
    this.#silentPings = 0;
  }

  /**
   * Tells the client that the server is there, unless something else on its way does, and drops it when nothing was heard of it
   * for a minute. A client that is not read from for what it has asked for cannot be heard.
   */
  ping(): void {
    const socket = this.#socket;
    const waiting = socket.bufferedAmount;
    const isHeld = this.#holds > Number(this.#isOwed);
    if (isHeld || (waiting > 0 && waiting !== this.#waitingAtPing)) this.#silentPings = 0;
    else this.#silentPings += 1;
    this.#waitingAtPing = waiting;
    if (this.#silentPings > maxSilentPings) return socket.terminate();
    if (waiting > 0 || socket.readyState !== socket.OPEN) return;
    this.send({ type: "Ping" });
    socket.ping();
  }

  /** Ends the connection. The client may come back. What an overloaded server has of it is let go of at once. */
  close(reason: CloseReason): void {
    this.#socket.close(closeCodes[reason], reason);
    if (reason === "TooManyConcurrentRequests") this.#socket.terminate();
  }

  /** A message has left for the client, or never will. */
  readonly #onSent = (): void => {
    this.#left += 1;
    while ((this.#waiting[0]?.message ?? Infinity) <= this.#left) this.#waiting.shift()?.resume();
  };
}
