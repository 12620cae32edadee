import { componentsGeneric } from "convex/server";
import { Migrations } from "trueup/migrations";
import type { ComponentApi } from "trueup/migrations/_generated/component.js";

const components = componentsGeneric() as unknown as { migrations: ComponentApi };
const migrations = new Migrations(components.migrations);

export const addSquare = migrations.define({
  table: "entries",
  up: (entry: { points: number }) => ({ ...entry, square: entry.points * entry.points }),
});
