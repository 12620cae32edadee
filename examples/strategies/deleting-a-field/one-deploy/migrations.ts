import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const waivers = migrations.waive("drop-field:teams.isPro");

export const removeIsPro = migrations.define({
  table: "teams",
  up: ({ isPro: _isPro, ...team }: { name: string; isPro: boolean }) => team,
});
