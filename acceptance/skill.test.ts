/**
 * Takes the agent skill at its word: runs the commands of its workflow one after the other on an app with data, and makes sure
 * that the CLI has every other command that it mentions, with its options.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CliApp, type CliResult } from "./setup/cli-app.js";
import { writeGenerated } from "./setup/generated-folder.js";

const skill = readFileSync("skills/trueup-migrations/SKILL.md", "utf8");
/** The commands of the workflow, in the order in which the skill has them. */
const workflow = [...skill.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap((block) =>
  (block[1] ?? "").split("\n").flatMap((line) => line.trim() || []),
);
const mentioned = [...skill.matchAll(/`(?:npx )?(trueup [^`\n]+)`/g)].map((found) => found[1] ?? "");

const before = schema("teams: defineTable({ name: v.string(), isPro: v.boolean() })");
const after = schema(
  'teams: defineTable({ name: v.string(), plan: v.union(v.literal("basic"), v.literal("pro")) })',
);

const apps: CliApp[] = [];
afterAll(() => Promise.all(apps.map((app) => app.remove())));

/** An app in a git repository, deployed, with two teams in it. */
async function deployedApp(): Promise<CliApp> {
  const app = new CliApp({
    "package.json": JSON.stringify({ type: "module", dependencies: { convex: "*", trueup: "*" } }),
    ".gitignore": ".trueup\n.env.local\nnode_modules\n",
    "convex/schema.ts": before,
    "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import migrations from "trueup/migrations/convex.config";
const app = defineApp();
app.use(migrations);
export default app;
`,
    "convex/teams.ts": `
import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
export const add = mutation(async (ctx) => {
  await ctx.db.insert("teams", { name: "A", isPro: true });
  await ctx.db.insert("teams", { name: "B", isPro: false });
});
export const list = query(async (ctx) => (await ctx.db.query("teams").collect()).map(({ name, plan }) => [name, plan]));
`,
  });
  apps.push(app);
  writeGenerated(join(app.root, "convex"));
  for (const args of [
    ["init", "--quiet"],
    ["add", "--all"],
    ["commit", "--quiet", "-m", "before"],
  ]) {
    const author = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    execFileSync("git", [...author, ...args], { cwd: app.root });
  }
  await ok(app, ["dev", "--once", "--port", "0"]);
  await ok(app, ["run", "teams:add"]);
  return app;
}

/** The workflow's commands one after the other, as arguments of `trueup`. */
function workflowCommands(): () => string[] {
  const commands = workflow.map((command) => {
    expect(command).toMatch(/^npx trueup /);
    return argumentsOf(command).slice(2);
  });
  return () => commands.shift() ?? [];
}

function schema(tables: string): string {
  return `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ ${tables} });
`;
}

async function ok(app: CliApp, args: readonly string[]): Promise<CliResult> {
  const result = await app.run(args);
  expect(result.code, `${args.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0);
  return result;
}

/** The arguments of a command as a shell splits them. */
function argumentsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

test("the skill says what it is, in front matter that agents read", () => {
  const [, front = ""] = /^---\n([\s\S]*?)\n---\n/.exec(skill) ?? [];
  expect(front).toMatch(/^name: trueup-migrations$/m);
  const [, description = ""] = /^description: (.*)$/m.exec(front) ?? [];
  expect(description.length).toBeGreaterThan(100);
  expect(description.length).toBeLessThanOrEqual(1024);
  for (const heading of ["When to use", "When not to use", "Workflow", "Pitfalls", "Checklist"]) {
    expect(skill).toContain(`\n## ${heading}\n`);
  }
});

test("every command that it mentions exists, with every option", async () => {
  expect(mentioned.length).toBeGreaterThan(8);
  const app = new CliApp({});
  apps.push(app);
  const known = new Map<string, string>();
  for (const command of mentioned) {
    const [, name = "", ...rest] = argumentsOf(command);
    if (!/^[a-z]/.test(name)) continue;
    if (!known.has(name)) known.set(name, (await ok(app, [name, "--help"])).stdout);
    for (const option of rest.filter((word) => word.startsWith("--"))) {
      expect(known.get(name), command).toContain(option);
    }
  }
});

test("its workflow takes an app with data from plan to verified, in several deploys", async () => {
  const app = await deployedApp();
  const take = workflowCommands();
  app.write({ "convex/schema.ts": after });

  const planned = await app.run(take());
  expect(planned.code, planned.stderr).toBe(3);
  const plan = JSON.parse(planned.stdout) as { app: { changes: { rule: string; violations: object[] }[] } };
  expect(plan.app.changes.map(({ rule }) => rule)).toEqual(["field-added-required", "field-removed"]);
  expect(plan.app.changes[0]?.violations).toMatchObject([{ documents: 2 }]);

  const writing = take();
  const written = await app.run([...writing, "--form", "migrate-one"]);
  expect(written.code, written.stderr).toBe(2);
  const waive = writing.slice(0, writing.indexOf("--write"));
  app.write({ "convex/schema.ts": (await app.run([...waive, "--widened"])).stdout });
  await ok(app, ["dev", "--once", "--port", "0"]);

  expect((await ok(app, take())).stdout).toContain('"changed": 2');
  expect((await ok(app, take())).stdout).toContain('"notIdempotent": 0');

  const deploy = take();
  expect(deploy).toEqual(["dev", "--once"]);
  await ok(app, take());
  expect(JSON.parse((await ok(app, take())).stdout)).toMatchObject([{ state: "success", processed: 2 }]);
  app.write({ "convex/schema.ts": after });
  rmSync(join(app.root, "convex/migrateTeams.ts"));
  await ok(app, [...deploy, "--port", "0"]);
  expect((await ok(app, ["run", "teams:list"])).stdout.replaceAll(/\s/g, "")).toBe(
    '[["A","basic"],["B","basic"]]',
  );
  expect((await ok(app, take())).stdout).toContain("Nothing changes.");
  expect(take()).toEqual([]);
}, 120_000);

test("its workflow takes an app with data from plan to verified, in one deploy", async () => {
  const app = await deployedApp();
  const take = workflowCommands();
  app.write({ "convex/schema.ts": after });
  expect((await app.run(take())).code).toBe(3);
  const refused = await app.run(["dev", "--once", "--port", "0"]);
  expect(refused.code, refused.stderr).not.toBe(0);
  expect((await app.run(take())).code).toBe(2);
  // One team is pro, which the generated `down` does not know any more.
  const lossy = await app.run(["dev", "--once", "--port", "0"]);
  expect(lossy.stderr).toContain("true comes back as false");
  expect(lossy.stderr).toContain('"lossy-down:teams.isPro"');
  app.write({
    "convex/waivers.ts": `import { waive } from "trueup/migrations";\nexport const waivers = waive("lossy-down:teams.isPro");\n`,
  });
  await ok(app, ["dev", "--once", "--port", "0"]);
  expect((await ok(app, ["run", "teams:list"])).stdout.replaceAll(/\s/g, "")).toBe(
    '[["A","basic"],["B","basic"]]',
  );
  expect((await ok(app, ["plan", "--from", "deployment"])).stdout).toContain("Nothing changes.");
}, 120_000);
