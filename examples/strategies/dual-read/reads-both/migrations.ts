import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const planFromIsPro = migrations.define({
  table: "teams",
  isMigrated: ({ plan, isPro }) => plan !== undefined && isPro === undefined,
  migrateOne: (_ctx, { plan, isPro }) => ({
    plan: plan ?? (isPro ? "pro" : "basic"),
    isPro: undefined,
  }),
});
