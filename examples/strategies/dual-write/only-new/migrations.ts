import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const removeIsPro = migrations.define({
  table: "teams",
  isMigrated: ({ isPro }) => isPro === undefined,
  migrateOne: () => ({ isPro: undefined }),
});
