import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { documentTypes, editedDocumentType } from "../../../suites/arbitraries/validators.js";
import { parseSchema } from "../definition/parse-schema.js";
import type { SchemaJson, ValidatorJson } from "../schema-json.js";
import { accepts } from "../subtyping/accepts.js";
import { compileTable } from "../validation/compiled-checks.js";
import { migrationModule } from "./migration-source.js";
import { exitCodeOf, planSchema } from "./plan-schema.js";
import { planText } from "./plan-text.js";
import { ViolationTally, type TableData } from "./violation-tally.js";

function schema(tables: GenericSchema): SchemaJson {
  return parseSchema(defineSchema(tables));
}

const before = schema({
  users: defineTable({ name: v.string(), legacy: v.optional(v.string()) }),
  logs: defineTable({ text: v.string() }),
});
const after = schema({ users: defineTable({ name: v.string(), role: v.string() }) });

/** The data of `users` under the new schema, given its documents. */
function usersData(documents: readonly Record<string, unknown>[]): TableData {
  const table = compileTable(after.tables[0]!);
  const tally = new ViolationTally("users");
  documents.forEach((document, index) => {
    tally.add(`id${index}`, table.check(document, { tableOfId: () => null }));
  });
  return tally.result();
}

function counts(plan: ReturnType<typeof planSchema>): string[] {
  return plan.changes.map(({ rule, tableName, counts: as }) => `${tableName} ${rule} ${as}`);
}

test("the verdict is the most dangerous change, and the exit code tells it", () => {
  expect(planSchema({ before: after, after }).verdict).toBe("safe");
  const plan = planSchema({ before, after });
  expect(counts(plan)).toEqual([
    "users field-added-required needsMigration",
    "users field-removed destructive",
    "logs table-removed destructive",
  ]);
  expect(plan.verdict).toBe("destructive");
  expect([exitCodeOf("safe"), exitCodeOf("needsMigration"), exitCodeOf("destructive")]).toEqual([0, 2, 3]);
});

test("one migration covers a table, with the values it makes up and the questions it leaves", () => {
  const [stub] = planSchema({ before, after }).migrations;
  expect(stub).toMatchObject({
    name: "migrateUsers",
    covers: ["users.role", "users.legacy"],
    decisions: ['users.role: "" where there is no value yet'],
    downDecisions: [],
    unresolved: [],
  });
  expect(stub?.transform).toContain(
    "up: (doc: Infer<typeof migrateUsersFrom>): Infer<typeof migrateUsersTo> => {",
  );
  expect(stub?.migrateOne).toContain('role: doc.role === undefined ? "" : doc.role,\n    legacy: undefined,');
});

test("every value that a generated down makes up is marked, and only where there is a down", () => {
  const teams = (fields: object): SchemaJson =>
    schema({ teams: defineTable({ name: v.string(), ...fields } as Parameters<typeof defineTable>[0]) });
  const was = teams({
    isPro: v.boolean(),
    seats: v.number(),
    tags: v.array(v.string()),
    note: v.optional(v.string()),
  });
  const plan = planSchema({ before: was, after: teams({}), waivers: ["drop-field"] });
  const [stub] = plan.migrations;
  const madeUp = ["isPro: false", "seats: 0", "tags: []"];
  const decisions = madeUp.map((what) => `teams.${what} where there is no value yet, on the way back`);
  expect(stub?.downDecisions).toEqual(decisions);
  for (const [at, decision] of decisions.entries()) {
    expect(stub?.transform).toContain(` * Check: ${decision}.`);
    expect(stub?.transform).toContain(`${madeUp[at]}`);
    expect(stub?.migrateOne).not.toContain(decision);
  }
  expect(planText(plan).match(/on the way back/g)).toHaveLength(3);
});

test("a module of migrations declares what stands for the open questions, when there are some", () => {
  const open = schema({ users: defineTable({ name: v.string(), team: v.id("users") }) });
  for (const form of ["transform", "migrateOne"] as const) {
    const closed = migrationModule(planSchema({ before, after }).migrations, form);
    expect(closed).not.toContain("unfinished");
    const source = migrationModule(planSchema({ before, after: open }).migrations, form, "./other.js");
    expect(source).toContain('import { migrations } from "./other.js";');
    expect(source).toContain("function unfinished(what: string): never {");
    expect(source).toContain('unfinished("users.team needs a value of v.id(\\"users\\")")');
  }
});

test("waivers say what may be lost or what is vouched for", () => {
  const drops = planSchema({ before, after, waivers: ["drop-field:users.legacy", "drop-table:logs"] });
  expect(counts(drops)).toEqual([
    "users field-added-required needsMigration",
    "users field-removed needsMigration",
    "logs table-removed safe",
  ]);
  expect(drops.severalDeploys.map(({ kind }) => kind)).toEqual(["widen", "migrate", "narrow", "drop"]);
  const all = planSchema({ before, after, waivers: ["drop-field", "drop-table", "data-already-fits"] });
  expect(all.verdict).toBe("needsMigration");
  expect(all.migrations.map(({ covers }) => covers)).toEqual([["users.role", "users.legacy"]]);
});

test("data that was checked whole relaxes what affects none of it", () => {
  const fitting = planSchema({
    before,
    after,
    data: [usersData([{ name: "A", role: "x" }]), { ...usersData([]), tableName: "logs" }],
  });
  expect(fitting.verdict).toBe("safe");
  expect(fitting.migrations).toEqual([]);
  const lacking = planSchema({ before, after, data: [usersData([{ name: "A" }])] });
  expect(counts(lacking)).toEqual([
    "users field-added-required needsMigration",
    "users field-removed safe",
    "logs table-removed destructive",
  ]);
});

test("data that was checked in part relaxes nothing", () => {
  const partly = { ...usersData([{ name: "A", role: "x" }]), documents: 100 };
  expect(planSchema({ before, after, data: [partly] }).changes[0]?.counts).toBe("needsMigration");
});

test("a waiver that the data disproves has no effect", () => {
  const plan = planSchema({
    before,
    after,
    waivers: ["data-already-fits"],
    data: [usersData([{ name: "A" }])],
  });
  expect(plan.changes[0]?.counts).toBe("needsMigration");
});

test("violations are counted by kind and place, with samples", () => {
  const data = usersData([{ name: "A" }, { name: "B" }, { name: "C", role: "x", legacy: "y" }, { name: 1 }]);
  expect(data).toMatchObject({ documents: 4, checked: 4, violating: 4 });
  expect(data.violations.map(({ group, documents }) => [group, documents])).toEqual([
    ["missingField at .role: expected v.string()", 3],
    ["extraField at .legacy: expected no such field", 1],
    ["noMatch at .name: expected v.string()", 1],
  ]);
  expect(data.violations[0]?.samples.map(({ id }) => id)).toEqual(["id0", "id1", "id3"]);
});

test("without a schema before, every table may hold anything", () => {
  const plan = planSchema({ before: null, after });
  expect(counts(plan)).toEqual(["users validation-turned-on needsMigration"]);
  expect(plan.migrations[0]?.unresolved).toHaveLength(1);
  expect(planSchema({ before: null, after, data: [usersData([])] }).verdict).toBe("safe");
});

test("a declared rename is one step, and a migration moves a field's values", () => {
  const renamed = schema({
    people: defineTable({ fullName: v.string(), legacy: v.optional(v.string()) }),
    logs: defineTable({ text: v.string() }),
  });
  const plan = planSchema({
    before,
    after: renamed,
    renames: { tables: { users: "people" }, fields: { people: { name: "fullName" } } },
  });
  expect(plan.verdict).toBe("needsMigration");
  expect(plan.oneDeploy).toHaveLength(1);
  expect(plan.oneDeploy[0]?.details).toEqual(['Table "users" takes the name "people".']);
  expect(migrationModule(plan.migrations, "transform")).toBe(
    `import { migrations } from "./migrations.js";

export const renameUsersToPeople = migrations.renameTable({ from: "users", to: "people" });

/**
 * people.fullName: field-renamed.
 */
export const renameNameToFullNameInPeople = migrations.renameField({ table: "people", from: "name", to: "fullName" });
`,
  );
  const elsewhere = migrationModule(plan.migrations, "migrateOne");
  expect(elsewhere).toContain("fullName: doc.fullName !== undefined ? doc.fullName : doc.name");
  expect(elsewhere).not.toContain("renameTable");
});

test("a field that is renamed while more changes is moved by the transform of its table", () => {
  const renamed = schema({
    users: defineTable({ fullName: v.string(), legacy: v.optional(v.string()), role: v.string() }),
    logs: defineTable({ text: v.string() }),
  });
  const renames = { fields: { users: { name: "fullName" } } };
  const [stub] = planSchema({ before, after: renamed, renames }).migrations;
  expect(stub?.transform).toContain('return { ...kept, fullName: doc.name, role: "" };');
  expect(stub?.transform).toContain("return { ...kept, name: doc.fullName };");
});

test("a plan is JSON and reads as text", () => {
  const plan = planSchema({ before, after, data: [usersData([{ name: "A" }])] });
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  expect(planText(plan)).toBe(
    [
      "3 changes: 1 safe, 1 that needs a migration, 1 destructive.",
      "",
      "Destructive",
      "  logs  table-removed: was v.object({text: v.string()})",
      "      The documents of the table have no place in the new schema.",
      "      Move what is still needed to other tables first. To delete the documents waive `drop-table`.",
      "      Waiver: drop-table:logs",
      "",
      "Needs a migration",
      "  users.role  field-added-required: v.string()",
      "      No stored document has the field, and every one needs it.",
      "      1 document: missingField at .role: expected v.string() (id0)",
      "      Bring a migration that sets the field; until it has run the field is optional.",
      "      Waiver: data-already-fits:users.role",
      "",
      "Safe",
      "  users.legacy  field-removed: was v.optional(v.string())",
      "      Counts as safe: no document is affected.",
      "",
      "In one deploy, on Trueup",
      "  1. Decide about the data that has no place in the new schema.",
      "     logs: keep it, move it, or waive drop-table:logs.",
      "  2. Deploy the new schema together with migrateUsers; the schema narrows by itself when the last document fits.",
      '     Check: users.role: "" where there is no value yet.',
      "",
      "In several deploys, on Convex Cloud",
      "  1. Decide about the data that has no place in the new schema.",
      "     logs: keep it, move it, or waive drop-table:logs.",
      "  2. Deploy the widened schema, and code that reads both shapes and writes the new one.",
      "  3. Run migrateUsers, first with dryRun, and wait until it is done.",
      '     Check: users.role: "" where there is no value yet.',
      "  4. Deploy the new schema, and code that expects only the new shape.",
      "     Remove the migrations once this deploy is stable.",
      "",
    ].join("\n"),
  );
  expect(planText(planSchema({ before, after: before }))).toBe("Nothing changes.\n");
});

test("a plan is safe exactly when every table accepts what it held", () => {
  const table = (documentType: ValidatorJson): SchemaJson =>
    parseSchema(JSON.stringify({ tables: [{ tableName: "t", documentType }], schemaValidation: true }));
  fc.assert(
    fc.property(
      documentTypes.chain((type) => fc.tuple(fc.constant(type), editedDocumentType(type))),
      ([old, now]) => {
        const plan = planSchema({ before: table(old), after: table(now) });
        expect(plan.verdict === "safe").toBe(accepts(now, old));
        expect(plan.widened === null).toBe(plan.verdict === "safe");
        expect(planText(plan)).not.toContain("undefined:");
      },
    ),
    { numRuns: 500 },
  );
});
