/**
 * Three aggregates of one table. `byHour` names the table, so the engine builds it and keeps it in step; the other two show the
 * old way: triggers that the database runs below every writer, and the migration that fills them for the flights
 * that were there before.
 */
import { Migrations, type MigrationStatus } from "trueup/migrations";
import { TableAggregate } from "trueup/aggregate";
import { Triggers } from "trueup/triggers";
import { components, internal } from "./_generated/api.js";
import { internalQuery } from "./_generated/server.js";
import type { DataModel } from "./_generated/dataModel.js";

export const byDelay = new TableAggregate<{
  Key: number;
  DataModel: DataModel;
  TableName: "flights";
}>(components.byDelay, {
  sortKey: (flight) => flight.delay,
  sumValue: (flight) => flight.delay,
});

export const byDistance = new TableAggregate<{
  Key: number;
  DataModel: DataModel;
  TableName: "flights";
}>(components.byDistance, {
  sortKey: (flight) => flight.distance,
  sumValue: (flight) => flight.delay,
});

export const byHour = new TableAggregate<{
  Namespace: number;
  Key: number;
  DataModel: DataModel;
  TableName: "flights";
}>(components.byHour, {
  table: "flights",
  namespace: (flight) => Math.floor(flight.time),
  sortKey: (flight) => flight.delay,
  verifyEvery: { hours: 24 },
});

export const triggers = new Triggers<DataModel>();
triggers.register("flights", byDelay.idempotentTrigger());
triggers.register("flights", byDistance.idempotentTrigger());

export const migrations = new Migrations<DataModel>(components.migrations);

export const backfill = migrations.define({
  table: "flights",
  batchSize: 1000,
  migrateOne: async (ctx, flight) => {
    await byDelay.insertIfDoesNotExist(ctx, flight);
    await byDistance.insertIfDoesNotExist(ctx, flight);
  },
});

export const runBackfill = migrations.runner(internal.aggregates.backfill);

export const backfillStatus = internalQuery({
  args: {},
  handler: async (ctx): Promise<MigrationStatus | null> => {
    const [status] = await migrations.getStatus(ctx, { migrations: [internal.aggregates.backfill] });
    return status ?? null;
  },
});
