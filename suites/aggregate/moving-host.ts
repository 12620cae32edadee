/** Opens an app whose aggregate is now the published component, now ours: each move is a deploy that changes the import. */
import { DirectAggregate as PublishedAggregate } from "@convex-dev/aggregate";
import publishedAggregate from "@convex-dev/aggregate/test";
import publishedWorker from "@convex-dev/batch-worker/test";
import { mutationGeneric } from "convex/server";
import { programFromModules, type Backend, type ComponentModules } from "trueup";
import { DirectAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { vi } from "vitest";
import { call, openApp, type StorageName } from "../setup/open-app.js";
import type { AggregateClass, DirectType } from "./histories.js";
import { aggregateComponent, hostSchema, type AggregateHost, type HostCtx } from "./hosts.js";

export type Side = "published" | "ours";

export const publishedComponent: ComponentModules = {
  ...publishedAggregate,
  components: { batchWorker: publishedWorker },
};

type MovingClass = AggregateClass & Pick<DirectAggregate<DirectType>, "clear">;

/** The class of each side. */
export const classes: Readonly<Record<Side, MovingClass>> = {
  ours: new DirectAggregate<DirectType>(aggregateComponent),
  published: new PublishedAggregate<DirectType>(aggregateComponent as never),
};

interface Body {
  run: (ctx: HostCtx) => Promise<void>;
}

export class MovingHost implements AggregateHost {
  readonly backend: Backend;
  side: Side;
  readonly #body: Body;

  private constructor(backend: Backend, side: Side, body: Body) {
    this.backend = backend;
    this.side = side;
    this.#body = body;
  }

  static async open(storage: StorageName, side: Side): Promise<MovingHost> {
    vi.useFakeTimers({ toFake: ["Date"] });
    const body: Body = { run: () => Promise.resolve() };
    const modules = hostModules(body);
    const components = { aggregate: componentOf(side) };
    return new MovingHost(await openApp(storage, { schema: hostSchema, modules, components }), side, body);
  }

  get aggregate(): AggregateClass {
    return classes[this.side];
  }

  /** Deploys the other side, or the one that is named, with further modules. */
  async move(
    side: Side = this.side === "ours" ? "published" : "ours",
    more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  ): Promise<void> {
    const modules = { ...hostModules(this.#body), ...more };
    const program = await programFromModules({
      schema: hostSchema,
      modules: Object.fromEntries(
        Object.entries(modules).map(([path, module]) => [`./convex/${path}.ts`, module]),
      ),
      components: { aggregate: componentOf(side) },
    });
    await this.backend.activate(program);
    this.side = side;
  }

  async run<T>(work: (ctx: HostCtx) => Promise<T>): Promise<T> {
    let results: T[] = [];
    this.#body.run = async (ctx) => {
      results = [await work(ctx)];
    };
    await call(this.backend, "host:run");
    return results[0] as T;
  }

  async drain(): Promise<void> {
    for (let elapsed = 0; elapsed < 5000; elapsed += 250) {
      vi.setSystemTime(Date.now() + 250);
      await this.backend.scheduler.idle();
    }
  }

  /** Runs the check that the component of the side itself has of a tree's structure; throws what is wrong. */
  async validate(namespace?: unknown): Promise<void> {
    const args = namespace === undefined ? {} : { namespace };
    const path = this.side === "published" ? "btree:validate" : "inspect:validate";
    const report = await this.inside(path, args);
    const { problems = [] } = (report ?? {}) as { problems?: readonly object[] };
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
  }

  /** Calls a function of the component. */
  inside(path: string, args: object = {}): Promise<unknown> {
    return call(this.backend, path, args, { componentPath: "aggregate" });
  }

  /** All documents of a table of the component. */
  async documents(tableName: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const source = { type: "FullTableScan", tableName, order: "asc" } as const;
    const { value } = await this.backend.database.query((tx) =>
      tx.component("aggregate").stream({ source, operators: [] }).take(10_000),
    );
    return value;
  }
}

function componentOf(side: Side): ComponentModules {
  return side === "ours" ? aggregateTest : publishedComponent;
}

function hostModules(body: Body) {
  return { host: { run: mutationGeneric({ args: {}, handler: (ctx: HostCtx) => body.run(ctx) }) } };
}
