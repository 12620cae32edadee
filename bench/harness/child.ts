/**
 * A process of its own, for peers that are measured from outside or whose memory counts. The parent asks by name, the child
 * answers, and both sides of a name stand in the same folder. A failure there is a failure here.
 */
import { fork, type ChildProcess } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #asked = 0;

  /** Starts a module of the benchmark, which calls `answerParent`. */
  constructor(module: URL, flags: readonly string[] = []) {
    this.#process = fork(module, { execArgv: [...flags] });
    this.#process.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("error" in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value);
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => {
        for (const { reject } of this.#waiting.values()) {
          reject(new Error(`${module.pathname} ended with ${String(code ?? signal)}`));
        }
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** What the child answers to a name is what the caller says it is; both are read together. */
  ask<T>(name: string, args: unknown = null): Promise<T> {
    const question: Question = { id: this.#asked++, name, args };
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(question.id, { resolve, reject });
      this.#process.send(question);
    }) as Promise<T>;
  }

  /** Ends the child, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

/** Starts a child for what is done with it, and stops it then. */
export async function inChild<T>(module: URL, use: (child: Child) => Promise<T>): Promise<T> {
  const child = new Child(module);
  try {
    return await use(child);
  } finally {
    await child.stop();
  }
}

/** Answers the questions of the process that has started this one, and ends with it. */
export function answerParent(answers: Readonly<Record<string, (args: never) => unknown>>): void {
  process.on("disconnect", () => process.exit());
  process.on("message", ({ id, name, args }: Question) => {
    const reply = (answer: Answer): void => void process.send?.(answer);
    const answered = (async (): Promise<unknown> => {
      const answer = answers[name];
      if (answer === undefined) throw new Error(`nothing is called ${name} here`);
      return await answer(args as never);
    })();
    answered.then(
      (value) => reply({ id, value: value ?? null }),
      (error: unknown) =>
        reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}

/** What a process used while it was watched. */
export interface Used {
  readonly cpuUs: number;
  readonly longestStopMs: number;
}

/** How often the watch looks whether the event loop turns: rarely enough to cost nothing, and stops below that do not matter. */
const lookMs = 5;

/** Watches this process from when it resolves, and tells at the end what was used. */
export async function watchProcess(): Promise<() => Promise<Used>> {
  const delay = monitorEventLoopDelay({ resolution: lookMs });
  delay.enable();
  // Before the first look it sees no stop.
  await sleep(2 * lookMs);
  const before = process.cpuUsage();
  return async () => {
    const { user, system } = process.cpuUsage(before);
    // A stop that lasts until now is seen when the event loop has turned.
    await sleep(2 * lookMs);
    delay.disable();
    // The delay is the time between two looks.
    return { cpuUs: user + system, longestStopMs: Math.max(0, delay.max / 1e6 - lookMs) };
  };
}

/** What one operation took of what was used for all of them. */
export function besidesEach(used: Used, operations: number): Used {
  return { cpuUs: used.cpuUs / Math.max(1, operations), longestStopMs: used.longestStopMs };
}
