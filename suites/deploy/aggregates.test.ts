import {
  componentsGeneric,
  defineSchema,
  defineTable,
  queryGeneric,
  type DataModelFromSchemaDefinition,
} from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Backend } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import component from "trueup/aggregate/test";
import type { ComponentApi } from "../../src/components/aggregate/component/_generated/component.js";
import { call, storageNames } from "../setup/open-app.js";
import { deploy, emptyApp, migrations, type Version } from "./teams-app.js";

interface Score {
  readonly points: number;
}

const scores = defineSchema({ scores: defineTable({ points: v.number() }) });
type DataModel = DataModelFromSchemaDefinition<typeof scores>;
const byPoints = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "scores" }>(
  componentsGeneric()["byPoints"] as unknown as ComponentApi,
  { table: "scores", sortKey: ({ points }) => points, sumValue: ({ points }) => points },
);
const aggregates = {
  byPoints,
  totals: queryGeneric(async (ctx) => [await byPoints.count(ctx), await byPoints.sum(ctx)]),
};

function version(fields: Parameters<typeof defineTable>[0], declared: object = {}): Version {
  return {
    schema: defineSchema({ scores: defineTable(fields as never) }),
    modules: { aggregates },
    components: { byPoints: component },
    migrations: declared,
  };
}

async function appWithScores(storage: (typeof storageNames)[number]): Promise<Backend> {
  const app = await emptyApp(storage);
  await deploy(app, version({ points: v.number() }));
  for (let points = 1; points <= 40; points++) {
    await call(app, "documents:insert", { table: "scores", value: { points } });
  }
  await app.aggregates.ready("byPoints");
  return app;
}

describe.each(storageNames)("a managed aggregate of a transformed table on %s", (storage) => {
  test("answers on when the transform leaves what it is made of alone", async () => {
    const app = await appWithScores(storage);
    const up = (score: Score): object => ({ ...score, level: score.points > 20 ? "high" : "low" });
    const leveled = version(
      { points: v.number(), level: v.string() },
      { level: migrations.define({ table: "scores", up, down: ({ points }: Score) => ({ points }) }) },
    );
    await deploy(app, leveled);
    expect(await call(app, "aggregates:totals")).toEqual([40, 820]);
    await call(app, "documents:insert", { table: "scores", value: { points: 80, level: "high" } });
    expect(await call(app, "aggregates:totals")).toEqual([41, 900]);
    await app.database.background.whenIdle();
    await deploy(app, version({ points: v.number() }));
    expect(await call(app, "aggregates:totals")).toEqual([41, 900]);
    expect((await app.aggregates.verify("byPoints")).differences).toEqual([]);
  });

  test("is built anew when it does not", async () => {
    const app = await appWithScores(storage);
    const up = ({ points }: Score): object => ({ points: points * 10 });
    await deploy(
      app,
      version({ points: v.number() }, { tenfold: migrations.define({ table: "scores", up }) }),
    );
    await app.aggregates.ready("byPoints");
    expect(await call(app, "aggregates:totals")).toEqual([40, 8200]);
    expect((await app.aggregates.verify("byPoints")).differences).toEqual([]);
  });
});
