import { readFileSync } from "node:fs";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { parseSchema } from "../definition/parse-schema.js";
import { schemaProblems } from "../definition/problem.js";
import { migrationModule } from "../plan/migration-source.js";
import { planSchema } from "../plan/plan-schema.js";
import { planText } from "../plan/plan-text.js";
import { schemaSource } from "../source/schema-source.js";
import { ruleOf, rules, waivers, worst, type RuleName } from "./rules.js";

const page = readFileSync("docs/schema-changes.md", "utf8");

/** The rows of a table of the page, by its first column's heading. */
function rowsOf(heading: string): string[][] {
  const [, body = ""] = page.split(new RegExp(`^\\| ${heading} \\|.*\\n\\|[-|]+\\|\\n`, "m"));
  const [table = ""] = body.split("\n\n");
  return table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function code(text: string): string {
  return `\`${text}\``;
}

test("the page lists every rule as it is", () => {
  const names = Object.keys(rules) as RuleName[];
  const expected = names.map((name) => {
    const { classification, explanation, recipe, waiver } = ruleOf(name);
    return [code(name), classification, explanation, recipe, waiver === null ? "" : code(waiver)];
  });
  expect(rowsOf("rule")).toEqual(expected);
});

test("the page lists every waiver as it is", () => {
  const expected = Object.entries(waivers).map(([name, { meaning, becomes }]) => [
    code(name),
    meaning,
    becomes,
  ]);
  expect(rowsOf("waiver")).toEqual(expected);
});

test("the page lists everything that a schema may not say", () => {
  const expected = Object.entries(schemaProblems).map(([name, meaning]) => [code(name), meaning]);
  expect(rowsOf("code")).toEqual(expected);
});

test("the page's example is what Trueup writes", () => {
  const name = v.string();
  const plan = planSchema({
    before: parseSchema(defineSchema({ teams: defineTable({ name, isPro: v.boolean() }) })),
    after: parseSchema(
      defineSchema({ teams: defineTable({ name, plan: v.union(v.literal("basic"), v.literal("pro")) }) }),
    ),
    waivers: ["drop-field:teams.isPro"],
  });
  expect(page).toContain(planText(plan));
  expect(page).toContain(schemaSource(plan.widened!));
  expect(page).toContain(migrationModule(plan.migrations, "transform"));
  expect(page).toContain(migrationModule(plan.migrations, "migrateOne"));
});

test("rules are sorted by name, and only what is not safe has a waiver", () => {
  const names = Object.keys(rules);
  expect(names).toEqual(names.toSorted((first, second) => first.localeCompare(second)));
  for (const name of names as RuleName[]) {
    const { classification, waiver } = ruleOf(name);
    expect(waiver === null || classification !== "safe").toBe(true);
  }
});

test("the worst of some classifications is the most dangerous", () => {
  expect(worst([])).toBe("safe");
  expect(worst(["safe", "destructive", "needsMigration"])).toBe("destructive");
});
