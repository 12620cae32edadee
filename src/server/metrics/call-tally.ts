/**
 * Counts the calls that have ended: by kind and outcome, with how long they took, and for each function of the program. A caller
 * may make up any name; only names of functions that there are become labels, so their number is bounded by what is deployed.
 * Counting is a few additions to plain numbers, a twentieth of what a histogram of prom-client costs.
 */
import type { Backend, EndedCall } from "../../backend/index.js";

type Program = Backend["program"];

interface FunctionTally {
  readonly path: string;
  readonly componentPath: string;
  succeeded: number;
  failed: number;
  ms: number;
}

/** How often calls took up to each of the bounds, not counting those below the bound before. */
interface Durations {
  readonly counts: number[];
  ms: number;
}

/** From a warm query up to the longest action. */
const boundsMs = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000];
const name = "trueup_call_duration_seconds";
const help = "How long calls took, by the kind of the function and how they ended; jobs are calls too.";

export class CallTally {
  readonly #programNow: () => Program | null;
  readonly #durations = {
    success: { query: none(), mutation: none(), action: none(), httpAction: none() },
    failure: { query: none(), mutation: none(), action: none(), httpAction: none() },
  };
  #program: Program | null = null;
  #functions = new Map<string, FunctionTally>();

  /** @param programNow The program that calls run; null while there is none. */
  constructor(programNow: () => Program | null) {
    this.#programNow = programNow;
  }

  add({ kind, path, componentPath, tookMs, errorMessage }: EndedCall): void {
    const durations = this.#durations[errorMessage === null ? "success" : "failure"][kind];
    let at = 0;
    while (at < boundsMs.length && tookMs > (boundsMs[at] ?? 0)) at += 1;
    durations.counts[at] = (durations.counts[at] ?? 0) + 1;
    durations.ms += tookMs;
    const tally = this.#tallies().get(keyOf(componentPath, path));
    if (tally === undefined) return;
    if (errorMessage === null) tally.succeeded += 1;
    else tally.failed += 1;
    tally.ms += tookMs;
  }

  /** The functions that were called, in the program that runs now. */
  get functions(): readonly FunctionTally[] {
    return [...this.#tallies().values()].filter(({ succeeded, failed }) => succeeded + failed > 0);
  }

  /** The histogram of all calls, in the text format of Prometheus. */
  histogramText(): string {
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    for (const [outcome, byKind] of Object.entries(this.#durations)) {
      for (const [kind, { counts, ms }] of Object.entries(byKind)) {
        const labels = `kind="${kind}",outcome="${outcome}"`;
        let sum = 0;
        for (const [at, count] of counts.entries()) {
          sum += count;
          const bound = boundsMs[at];
          lines.push(`${name}_bucket{${labels},le="${bound === undefined ? "+Inf" : bound / 1000}"} ${sum}`);
        }
        lines.push(`${name}_sum{${labels}} ${ms / 1000}`, `${name}_count{${labels}} ${sum}`);
      }
    }
    return `${lines.join("\n")}\n`;
  }

  /** Those of the functions of the program that runs now; what another program had beside them is dropped. */
  #tallies(): Map<string, FunctionTally> {
    const program = this.#programNow();
    if (program === this.#program) return this.#functions;
    const known = this.#functions;
    this.#program = program;
    this.#functions = new Map(
      (program?.functions() ?? []).map(({ path, componentPath }) => {
        const key = keyOf(componentPath, path);
        return [key, known.get(key) ?? { path, componentPath, succeeded: 0, failed: 0, ms: 0 }];
      }),
    );
    return this.#functions;
  }
}

function none(): Durations {
  return { counts: Array<number>(boundsMs.length + 1).fill(0), ms: 0 };
}

function keyOf(componentPath: string, path: string): string {
  return componentPath === "" ? path : `${componentPath}/${path}`;
}
