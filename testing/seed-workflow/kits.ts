/**
 * What the workflow of the seeds is made of: an aggregate, migrations and triggers, as the published
 * packages have them and as this one does. An app differs in its imports and in nothing else.
 */
import * as publishedAggregate from "@convex-dev/aggregate";
import publishedAggregateTest from "@convex-dev/aggregate/test";
import * as publishedMigrations from "@convex-dev/migrations";
import publishedMigrationsTest from "@convex-dev/migrations/test";
import { Triggers as HelpersTriggers } from "convex-helpers/server/triggers";
import type { ComponentModules } from "trueup";
import * as ourMigrations from "trueup/migrations";
import ourMigrationsTest from "trueup/migrations/test";
import { Triggers } from "trueup/triggers";

/** The published packages, unmodified. */
export const published = {
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

/** The same with this package's migrations and triggers. */
export const ours = {
  name: "trueup/migrations and trueup/triggers",
  TableAggregate: publishedAggregate.TableAggregate,
  DirectAggregate: publishedAggregate.DirectAggregate,
  Migrations: ourMigrations.Migrations,
  Triggers,
  components: {
    aggregate: publishedAggregateTest satisfies ComponentModules,
    migrations: ourMigrationsTest satisfies ComponentModules,
  },
};

export type Kit = typeof published | typeof ours;
export const kits: readonly Kit[] = [published, ours];
