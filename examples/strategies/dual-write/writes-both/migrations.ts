import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const addPlan = migrations.define({
  table: "teams",
  isMigrated: ({ plan }) => plan !== undefined,
  migrateOne: (_ctx, { isPro }) => ({ plan: isPro ? ("pro" as const) : ("basic" as const) }),
});
