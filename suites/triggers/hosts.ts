/**
 * Hosts run triggers in every way there is: by the database of a backend, by that of a test, and by `wrapDB` on each and on
 * the official mock. Suites on what holds for all of them take the hosts from here.
 */
import { convexTest as officialTest } from "convex-test";
import { convexTest } from "trueup/test";
import type { Triggers } from "trueup/triggers";
import { openApp } from "../setup/open-app.js";
import { schema, type Ctx, type DataModel, type Table } from "./app.js";

/** An app with triggers whose mutations are given one by one. */
export interface TriggersApp {
  /** Runs a mutation; rolls back when it throws. */
  mutate(handler: (ctx: Ctx) => Promise<unknown>): Promise<unknown>;
  count(table: Table): Promise<number>;
}

export interface TriggersHost {
  readonly name: string;
  /** Whether triggers run because functions wrap `db`, and not by the database. */
  readonly wraps: boolean;
  /** Whether the transaction can be kept from committing, whatever its function catches. */
  readonly canFail: boolean;
  readonly open: (triggers: Triggers<DataModel>) => Promise<TriggersApp>;
}

type Handler = (ctx: Ctx) => Promise<unknown>;
type Run = (handler: Handler) => Promise<unknown>;

const generated = (): Promise<object> => Promise.resolve({});

export const hosts: readonly TriggersHost[] = [
  {
    name: "a backend whose app exports them",
    wraps: false,
    canFail: true,
    open: async (triggers) => appOf(await backend({ triggers })),
  },
  {
    name: "convexTest of trueup/test with enforceTriggers",
    wraps: false,
    canFail: true,
    open: (triggers) => {
      const modules = { "./_generated/api.js": generated, "./run.ts": () => Promise.resolve({ triggers }) };
      const t = convexTest({ schema, modules, enforceTriggers: true });
      return Promise.resolve(appOf((handler) => t.run(handler as never)));
    },
  },
  {
    name: "a backend, with wrapDB",
    wraps: true,
    canFail: true,
    open: async (triggers) => appOf(await backend({}), triggers),
  },
  {
    name: "convexTest of trueup/test, with wrapDB",
    wraps: true,
    canFail: true,
    open: (triggers) => {
      const t = convexTest(schema, { "./_generated/api.js": generated });
      return Promise.resolve(appOf((handler) => t.run(handler as never), triggers));
    },
  },
  {
    name: "the official convex-test, with wrapDB",
    wraps: true,
    canFail: false,
    open: (triggers) => {
      const t = officialTest(schema, { "./_generated/api.js": generated });
      return Promise.resolve(appOf((handler) => t.run(handler as never), triggers));
    },
  },
];

async function backend(module: object): Promise<Run> {
  const app = await openApp("memory", { schema, modules: { run: { ...module } }, limits: "none" });
  return async (handler) => {
    const outcome = await app.run({
      kind: "mutation",
      handler: (ctx) => handler(ctx as Ctx),
      allowInternal: true,
    });
    if (outcome.status === "error") throw outcome.error;
    return outcome.value;
  };
}

/** @param wrapping The triggers that each mutation wraps its `db` with. */
function appOf(run: Run, wrapping?: Triggers<DataModel>): TriggersApp {
  return {
    mutate: (handler) =>
      run(async (ctx) => {
        await handler(wrapping === undefined ? ctx : wrapping.wrapDB(ctx));
      }),
    count: async (table) => (await run(async ({ db }) => (await db.query(table).collect()).length)) as number,
  };
}
