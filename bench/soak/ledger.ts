/** What was done to the server and what it answered: the base of every check at the end, and of the table. */

export const kinds = ["query", "mutation", "mutation over HTTP", "action"] as const;
export type Kind = (typeof kinds)[number];

/** What one client wrote, by key. */
export interface Written {
  /** Acknowledged: must be there once. */
  readonly acknowledged: Set<string>;
  /** Sent by a client that does not send again, which got no answer: may be there once. */
  readonly uncertain: Set<string>;
}

export interface Sample {
  readonly atMs: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

export interface Minute {
  readonly ms: Record<Kind, number[]>;
  readonly errors: Map<string, number>;
  readonly events: string[];
  readonly samples: Sample[];
}

export class Ledger {
  readonly entries: Written = { acknowledged: new Set(), uncertain: new Set() };
  readonly scheduled = new Set<string>();
  /** Answers that were wrong when they came. */
  readonly wrong: string[] = [];
  readonly minutes: Minute[] = [];
  readonly #begunAtMs = performance.now();
  #keys = 0;

  get elapsedMs(): number {
    return performance.now() - this.#begunAtMs;
  }

  newKey(): string {
    return `k${this.#keys++}`;
  }

  /** Runs a call, and notes how long it took or with what it failed. Null when it failed. */
  async time<T>(kind: Kind, call: () => Promise<T>): Promise<T | null> {
    const begunAtMs = performance.now();
    try {
      const value = await call();
      this.#minute.ms[kind].push(performance.now() - begunAtMs);
      return value;
    } catch (error) {
      this.error(kind, error);
      return null;
    }
  }

  error(where: string, error: unknown): void {
    const { errors } = this.#minute;
    const name = `${where}: ${codeOf(error)}`;
    errors.set(name, (errors.get(name) ?? 0) + 1);
  }

  event(what: string): void {
    this.#minute.events.push(what);
  }

  sample(heapMb: number, rssMb: number): void {
    this.#minute.samples.push({ atMs: this.elapsedMs, heapMb, rssMb });
  }

  get #minute(): Minute {
    const at = Math.floor(this.elapsedMs / 60_000);
    while (this.minutes.length <= at) {
      const ms = { query: [], mutation: [], "mutation over HTTP": [], action: [] };
      this.minutes.push({ ms, errors: new Map(), events: [], samples: [] });
    }
    return this.minutes[at]!;
  }
}

/** What an error is called in the table: a code where it has one, else the beginning of its message. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const told: unknown = Reflect.get(error, "data");
  if (typeof told === "object" && told !== null && "code" in told) return String(told.code);
  const cause = error.cause instanceof Error && "code" in error.cause ? String(error.cause.code) : "";
  const text = error.message.replaceAll(/\[Request ID: \w+\] /g, "");
  return cause === "" ? (/"code":"(\w+)"/.exec(text)?.[1] ?? text.split("\n")[0]!.slice(0, 80)) : cause;
}
