/**
 * Supplies the workflow of the seeds with an aggregate, migrations and triggers, of the published packages or
 * of this one. The apps differ in nothing but their imports.
 */
import * as publishedAggregate from "@convex-dev/aggregate";
import publishedAggregateTest from "@convex-dev/aggregate/test";
import * as publishedMigrations from "@convex-dev/migrations";
import publishedMigrationsTest from "@convex-dev/migrations/test";
import { Triggers as HelpersTriggers } from "convex-helpers/server/triggers";
import type { ComponentModules } from "trueup";
import * as ourAggregate from "trueup/aggregate";
import ourAggregateTest from "trueup/aggregate/test";
import * as ourMigrations from "trueup/migrations";
import ourMigrationsTest from "trueup/migrations/test";
import { Triggers } from "trueup/triggers";

/** The published packages, unmodified. */
const published = {
  name: "the published packages",
  TableAggregate: publishedAggregate.TableAggregate,
  DirectAggregate: publishedAggregate.DirectAggregate,
  Migrations: publishedMigrations.Migrations,
  Triggers: HelpersTriggers,
  components: {
    aggregate: publishedAggregateTest satisfies ComponentModules,
    migrations: publishedMigrationsTest satisfies ComponentModules,
  },
};

/** The same parts from this package. */
const ours = {
  name: "trueup/aggregate, trueup/migrations and trueup/triggers",
  TableAggregate: ourAggregate.TableAggregate,
  DirectAggregate: ourAggregate.DirectAggregate,
  Migrations: ourMigrations.Migrations,
  Triggers,
  components: {
    aggregate: ourAggregateTest satisfies ComponentModules,
    migrations: ourMigrationsTest satisfies ComponentModules,
  },
};

/** Both have the same shape at run time; their types differ in what is private. */
export type Kit = typeof ours;
export const kits: readonly Kit[] = [published as unknown as Kit, ours];
