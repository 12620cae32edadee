/**
 * What all callers of a server have in hand together: bytes that were received and are not answered yet, replies that
 * were not taken yet, and calls of connections. Each caller has limits of its own; those here keep the memory of the
 * process bounded however many callers there are. Over a limit, whoever has little in hand is still served, so that the
 * greedy do not shut out the others.
 */
import type { ServerLimits } from "../backend/index.js";

/** Who has no more in hand is not refused for what others have. */
const fewBytes = 64 * 1024;
const fewCalls = 10;
/** Above so many times the limit of calls, nobody is let through: many callers have a few. */
const mostCallsFactor = 2;

export class Load {
  /** What was refused, by the name of the limit. */
  readonly refused = { sockets: 0, requests: 0, calls: 0, bytes: 0 };
  readonly #limits: Pick<ServerLimits, "bytes" | "calls">;
  #bytes = 0;
  #calls = 0;

  constructor(limits: Pick<ServerLimits, "bytes" | "calls">) {
    this.#limits = limits;
  }

  /** How many bytes and calls are in hand. */
  get figures(): { readonly bytes: number; readonly calls: number } {
    return { bytes: this.#bytes, calls: this.#calls };
  }

  /** The bytes that one caller has in hand, none yet. */
  share(): Share {
    return new Share({
      count: (bytes) => {
        this.#bytes += bytes;
      },
      isTooMuch: (own) => own > fewBytes && this.#bytes > this.#limits.bytes,
      refuse: () => {
        this.refused.bytes += 1;
      },
    });
  }

  /** Counts a call of a connection that has `own` with it; false when there are too many in all, and then it is not counted. */
  beginCall(own: number): boolean {
    const { calls } = this.#limits;
    if (this.#calls >= calls * mostCallsFactor || (this.#calls >= calls && own > fewCalls)) {
      this.refused.calls += 1;
      return false;
    }
    this.#calls += 1;
    return true;
  }

  endCall(): void {
    this.#calls -= 1;
  }
}

interface ShareHooks {
  count(bytes: number): void;
  isTooMuch(own: number): boolean;
  refuse(): void;
}

/** The bytes that one caller has in hand. */
export class Share {
  readonly #hooks: ShareHooks;
  #own = 0;

  /** Call `Load.share` instead. */
  constructor(hooks: ShareHooks) {
    this.#hooks = hooks;
  }

  /** Counts bytes, also when it returns false: there are too many in all then, and the caller is to be refused. */
  add(bytes: number): boolean {
    this.#own += bytes;
    this.#hooks.count(bytes);
    if (!this.#hooks.isTooMuch(this.#own)) return true;
    this.#hooks.refuse();
    return false;
  }

  remove(bytes: number): void {
    this.#own -= bytes;
    this.#hooks.count(-bytes);
  }

  /** Gives back all of it. */
  clear(): void {
    this.remove(this.#own);
  }
}
