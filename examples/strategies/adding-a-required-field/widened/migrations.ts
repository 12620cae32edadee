import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const addRole = migrations.define({
  table: "users",
  isMigrated: ({ role }) => role !== undefined,
  migrateOne: () => ({ role: "user" as const }),
});
