/**
 * Deploys an app stage by stage: each stage is a folder of functions under `examples/strategies`, deployed to one backend
 * whose data stays.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { programFromModules, type Backend, type ModuleSource } from "trueup";
import migrations from "trueup/migrations/test";
import { call, openApp, type StorageName } from "../../suites/setup/open-app.js";

export class StrategyApp {
  readonly backend: Backend;
  readonly #folder: string;

  private constructor(folder: string, backend: Backend) {
    this.#folder = folder;
    this.backend = backend;
  }

  /** Opens the app at the stage `before`. @param folder The strategy's, with a `_generated` folder in each stage. */
  static async start(folder: string, storage: StorageName): Promise<StrategyApp> {
    const modules = stageModules(join(folder, "before"));
    return new StrategyApp(folder, await openApp(storage, { modules, components: { migrations } }));
  }

  async deploy(stage: string): Promise<void> {
    const modules = Object.entries(stageModules(join(this.#folder, stage)));
    const program = await programFromModules({
      modules: Object.fromEntries(modules.map(([path, module]) => [`./convex/${path}.ts`, module])),
      components: { migrations },
    });
    await this.backend.activate(program);
  }

  call(path: string, args: object = {}): Promise<unknown> {
    return call(this.backend, path, args);
  }

  /** Runs a migration to its end, and says how it ended. */
  async migrate(name: string): Promise<unknown> {
    await this.call(`migrations:${name}`, {});
    await this.backend.scheduler.idle();
    const outcome = await this.backend.run({
      path: "lib:getStatus",
      componentPath: "migrations",
      args: { names: [`migrations:${name}`] },
      allowInternal: true,
    });
    if (outcome.status === "error") throw outcome.error;
    return (outcome.value as { state: string }[])[0]?.state;
  }

  /** Waits until the data is in the shape of the schema, to the last document. */
  async settled(): Promise<void> {
    for (;;) {
      const { transforms, pending } = await this.backend.schemaChanges();
      if (transforms.length + pending.length === 0) return;
      await setTimeout(10);
    }
  }

  /** All documents of a table, without their system fields. */
  async documents(tableName: string): Promise<object[]> {
    const { value } = await this.backend.database.query(async (tx) => {
      const source = { type: "FullTableScan", tableName, order: "asc" } as const;
      return await tx.component("").stream({ source, operators: [] }).take(10_000);
    });
    return value.map(({ _id, _creationTime, ...fields }) => fields);
  }
}

function stageModules(folder: string): Record<string, ModuleSource> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  return Object.fromEntries(
    files.map((name) => [name.slice(0, -".ts".length), (): Promise<unknown> => import(join(folder, name))]),
  );
}
