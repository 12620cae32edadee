/**
 * The vitest runner of Stryker on a thread that is kept from one mutant to the next: most of the time of a mutant would go
 * into starting a thread and importing the sources anew. What one mutant leaves in the thread could make the tests of the
 * next ones fail. So each mutant that is noticed is confirmed: the test that noticed it must pass at once without the
 * mutant. Where it does not, the mutant is tried again in a new thread. Files that do something once in a process, which
 * `rooms.json` lists as `once`, get a new thread for each of their mutants.
 */
import { readFileSync } from "node:fs";
import { strykerPlugins as vitestPlugins } from "@stryker-mutator/vitest-runner";
import { ThreadsPoolWorker } from "vitest/node";

const rooms = JSON.parse(readFileSync(new URL("rooms.json", import.meta.url), "utf8"));
const { once = [] } = rooms[process.env["TRUEUP_MUTANTS_ROOM"] ?? ""] ?? {};

/** A thread is replaced after this many runs, because the listeners of finished runs stay in it. */
const maxRuns = 100;
const maxAttempts = 3;

/** A thread that says it has stopped when vitest asks it to, and goes on with the next run. */
class KeptThread extends ThreadsPoolWorker {
  name = "kept";
  #listeners = [];
  #runs = 0;

  on(event, listener) {
    super.on(event, listener);
    this.#listeners.push([event, listener]);
  }

  send(message) {
    if (message.type !== "stop") super.send(message);
    else {
      for (const [event, listener] of this.#listeners) {
        if (event === "message") listener({ type: "stopped", __vitest_worker_response__: true });
      }
    }
  }

  async start() {
    if (this.#runs === 0) await super.start();
    this.#runs++;
  }

  async stop() {
    for (const [event, listener] of this.#listeners.splice(0)) super.off(event, listener);
    if (this.#runs >= maxRuns) await this.renew();
  }

  /** The next run gets a new thread. */
  async renew() {
    if (this.#runs === 0) return;
    this.#runs = 0;
    await super.stop();
  }
}

class ConfirmingRunner {
  #inner;
  #thread;

  constructor(inner) {
    this.#inner = inner;
  }

  capabilities() {
    return this.#inner.capabilities();
  }

  async init() {
    await this.#inner.init();
    for (const { config } of this.#inner.ctx.projects) {
      // Files that share nothing have threads of their own.
      if (config.isolate) continue;
      config.pool = "kept";
      config.poolRunner = {
        name: "kept",
        createPoolWorker: (options) => (this.#thread ??= new KeptThread(options)),
      };
    }
  }

  async dryRun(options) {
    return await this.#inner.dryRun(options);
  }

  async mutantRun(options) {
    if (once.some((file) => options.activeMutant.fileName.endsWith(file))) {
      await this.#thread?.renew();
      const result = await this.#inner.mutantRun(options);
      await this.#thread?.renew();
      return result;
    }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const result = await this.#inner.mutantRun(options);
      if (result.status === "survived") return result;
      const isKilled = result.status === "killed";
      if (isKilled && (await this.#passesWithout(options, result.killedBy))) return result;
      await this.#thread?.renew();
      if (!isKilled && result.status !== "error") return result;
    }
    return {
      status: "error",
      errorMessage: "What noticed the mutant fails without it too, or outside of a test.",
    };
  }

  async dispose() {
    await this.#thread?.renew();
    await this.#inner.dispose();
  }

  /** Runs the tests with a mutant that does not exist, so without any. */
  async #passesWithout(options, tests) {
    const activeMutant = { ...options.activeMutant, id: "none" };
    const { status } = await this.#inner.mutantRun({ ...options, activeMutant, testFilter: [tests].flat() });
    return status === "survived";
  }
}

function createRunner(injector) {
  return new ConfirmingRunner(vitestPlugins[0].factory(injector));
}
createRunner.inject = vitestPlugins[0].factory.inject;

export const strykerPlugins = [{ kind: "TestRunner", name: "kept-vitest", factory: createRunner }];
