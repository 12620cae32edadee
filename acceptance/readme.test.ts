/**
 * Takes the README at its word: makes the app that it shows, types its commands, and compares what they print with what it says.
 * A line `…` stands for lines that it leaves out.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { examples } from "../src/cli/init/app-files.js";
import { CliApp } from "./setup/cli-app.js";

const readme = readFileSync("README.md", "utf8");
const app = new CliApp({
  "package.json": JSON.stringify({ type: "module", dependencies: { convex: "*", trueup: "*" } }),
});
afterAll(() => app.remove());

/** Its modules, by their path. */
const modules = new Map(
  [...readme.matchAll(/^```(?:ts|typescript)\n\/\/ (convex\/\S+)\n([\s\S]*?)^```$/gm)].map(
    ([, path = "", text = ""]) => [path, text],
  ),
);
/** Its sessions: commands, each with the lines that it says they print. */
const sessions = [...readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, text = ""]) =>
  text.split(/^(?=\$ )/m).map((part) => {
    const [command = "", ...shown] = part.trimEnd().split("\n");
    return { args: argumentsOf(command.replace(/^\$ npx trueup /, "")), shown };
  }),
);

function argumentsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

async function ok(...args: readonly string[]): Promise<string> {
  const result = await app.run(args);
  expect(result.code, `${args.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0);
  return result.stdout;
}

/** Lines as the README's machine would print them: it was quick, and so are columns no wider than there. */
function asThere(text: string): string[] {
  return text
    .trimEnd()
    .replaceAll(/in [\d.,]+ ?m?s\b/g, "in 0.1s")
    .replaceAll(/\b(?:never|\d[\dhms ]* ago)\b/g, "now")
    .split("\n")
    .map((line) => line.replaceAll(/ {2,}/g, "  "));
}

function expectShown(shown: readonly string[], output: readonly string[]): void {
  let from = 0;
  let skips = false;
  for (const line of shown) {
    if (line === "…") {
      skips = true;
      continue;
    }
    const at = skips ? output.indexOf(line, from) : from;
    expect(output[at], `of ${output.join("\n")}`).toBe(line);
    from = at + 1;
    skips = false;
  }
  if (!skips) expect(output.slice(from)).toEqual([]);
}

async function retrace(session: (typeof sessions)[number] | undefined): Promise<void> {
  expect(session?.length ?? 0).toBeGreaterThan(0);
  for (const { args, shown } of session ?? []) {
    expectShown(asThere(shown.join("\n")), asThere((await app.run(args)).stdout));
  }
}

test("the app that it shows prints what it shows, from the first count to the changed schema", async () => {
  expect([...modules.keys()]).toEqual([
    "convex/convex.config.ts",
    "convex/schema.ts",
    "convex/players.ts",
    "convex/migrations.ts",
    "convex/migratePlayers.ts",
  ]);
  expect(sessions).toHaveLength(2);
  app.write(Object.fromEntries(modules));
  // With this the official CLI type-checks what it pushes.
  app.write({ "convex/tsconfig.json": examples.messages.files["tsconfig.json"] ?? "" });
  rmSync(join(app.root, "convex/migratePlayers.ts"));
  await ok("dev", "--once", "--port", "0");
  for (const [name, score, isPro] of [
    ["Ann", 750, true],
    ["Bob", 420, false],
    ["Eve", 980, true],
  ]) {
    await ok("run", "players:add", JSON.stringify({ name, score, isPro }));
  }
  await retrace(sessions[0]);

  const [, before = "", after = ""] = /^```diff\n-(.*)\n\+(.*)\n```$/m.exec(readme) ?? [];
  const schema = modules.get("convex/schema.ts") ?? "";
  expect(schema).toContain(before);
  app.write({ "convex/schema.ts": schema.replace(before, after) });
  await retrace(sessions[1]);

  // The functions that wrote the old shape are changed in the same deploy.
  const players = modules.get("convex/players.ts") ?? "";
  app.write({
    "convex/players.ts": players
      .replace("isPro: v.boolean()", 'plan: v.union(v.literal("free"), v.literal("pro"))')
      .concat('export const list = query({ handler: (ctx) => ctx.db.query("players").collect() });\n'),
    "convex/migratePlayers.ts": modules.get("convex/migratePlayers.ts") ?? "",
  });
  await ok("dev", "--once", "--port", "0");
  expect(JSON.parse(await ok("run", "players:list"))).toMatchObject([
    { name: "Ann", plan: "pro" },
    { name: "Bob", plan: "free" },
    { name: "Eve", plan: "pro" },
  ]);
  expect(await ok("plan")).toContain("Nothing changes.");
  await retrace(sessions[0]);
}, 600_000);
