/**
 * Writes one line for each function that the runtime runs, for whoever debugs: what ran, what its transaction read and wrote,
 * how long it took, and which commit it made or read. A nested call counts towards the transaction that it runs in.
 */
import type { QueryTransaction } from "../../database/index.js";
import type { Version } from "../../storage/storage.js";
import type { LoadedComponent } from "../program/loaded-component.js";
import type { Engine, Subject } from "./execution.js";

interface Traced {
  readonly engine: Engine;
  readonly component: LoadedComponent;
  readonly subject: Subject;
}

/** Is told of the transaction of each attempt. */
type Attempted = (tx: QueryTransaction) => void;

/**
 * Runs a function, and tells the engine's trace what it cost. Adds nothing where the engine has no trace.
 * `mutation messages:send 3 read, 1 written, 2.1 ms, commit 17, attempt 2`
 */
export function traced<Result>(
  traced: Traced,
  run: (attempted?: Attempted) => Promise<Result>,
  commitOf: (result: Result) => Version | undefined = () => undefined,
): Promise<Result> {
  const { trace } = traced.engine;
  return trace === null ? run() : withTrace(trace, traced, run, commitOf);
}

async function withTrace<Result>(
  trace: (line: string) => void,
  { component, subject }: Traced,
  run: (attempted: Attempted) => Promise<Result>,
  commitOf: (result: Result) => Version | undefined,
): Promise<Result> {
  const beganAtMs = performance.now();
  const attempts: QueryTransaction[] = [];
  const tell = (...outcome: readonly string[]): void => {
    const path = component.path === "" ? subject.path : `${component.path}/${subject.path}`;
    const usage = attempts.at(-1)?.usage;
    const cost =
      usage === undefined ? [] : [`${usage.documentsRead} read`, `${usage.documentsWritten} written`];
    const took = `${(performance.now() - beganAtMs).toFixed(1)} ms`;
    const again = attempts.length > 1 ? [`attempt ${attempts.length}`] : [];
    trace(`${subject.kind} ${path} ${[...cost, took, ...outcome, ...again].join(", ")}`);
  };
  try {
    const result = await run((tx) => attempts.push(tx));
    const version = commitOf(result);
    tell(...(version === undefined ? [] : [`commit ${version}`]));
    return result;
  } catch (error) {
    tell(`failed: ${(error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? ""}`);
    throw error;
  }
}
