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

/** The same with this package's own. */
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
