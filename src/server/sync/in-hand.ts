/**
 * What one client has in hand of the server: a message that is not whole yet, messages that wait for a token to be
 * checked, calls, and the arguments of what it watches. A client with as many calls as it may have is not read from until
 * some are answered; one that adds to what all clients have too much of is ended, and comes back later.
 */
import type { Load, Share } from "../load.js";
import type { SyncClient } from "./sync-client.js";

export class InHand {
  readonly #client: SyncClient;
  readonly #load: Load;
  readonly #share: Share;
  readonly #maxCalls: number;
  #receiving = 0;
  #watched = 0;
  /** How many calls are under way or wait. */
  #calls = 0;
  /** Lets the client be read from again; null while it is. */
  #readOn: (() => void) | null = null;

  constructor(client: SyncClient, load: Load, maxCalls: number) {
    this.#client = client;
    this.#load = load;
    this.#share = load.share();
    this.#maxCalls = maxCalls;
  }

  /** Some bytes of a message have come. */
  receive(bytes: number): void {
    this.#receiving += bytes;
    this.keep(bytes);
  }

  /** The message is whole, or never will be. */
  endReceiving(): void {
    this.letGo(this.#receiving);
    this.#receiving = 0;
  }

  keep(bytes: number): void {
    if (!this.#share.add(bytes)) this.#client.close("TooManyConcurrentRequests");
  }

  letGo(bytes: number): void {
    this.#share.remove(bytes);
  }

  /** What the client watches is named by so many characters now. */
  watch(chars: number): void {
    const grown = chars - this.#watched;
    this.#watched = chars;
    this.keep(grown);
  }

  /** Counts a call; false when the server has too many in hand, and then the client is ended. */
  beginCall(bytes: number): boolean {
    if (!this.#load.beginCall(this.#calls)) {
      this.#client.close("TooManyConcurrentRequests");
      return false;
    }
    this.#calls += 1;
    this.keep(bytes);
    if (this.#calls >= this.#maxCalls) this.#readOn ??= this.#client.hold();
    return true;
  }

  endCall(bytes: number): void {
    this.#calls -= 1;
    this.#load.endCall();
    this.letGo(bytes);
    if (this.#readOn === null || this.#calls >= this.#maxCalls) return;
    this.#readOn();
    this.#readOn = null;
  }
}
