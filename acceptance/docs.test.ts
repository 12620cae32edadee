import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeDocBlocks } from "./setup/doc-blocks.js";

const pages = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const target = resolve(".doc-blocks");
const blocks = writeDocBlocks(pages, target);
const home = process.cwd();
const scratch = mkdtempSync(join(tmpdir(), "trueup-docs-"));

afterAll(() => {
  process.chdir(home);
  rmSync(scratch, { recursive: true, force: true });
  rmSync(target, { recursive: true, force: true });
});

test("the TypeScript of the documentation type-checks", () => {
  expect(blocks.length).toBeGreaterThan(0);
  mkdirSync(target, { recursive: true });
  writeFileSync(
    join(target, "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: {
        rootDir: "..",
        // Pages import as Convex's own do, with and without an extension.
        module: "esnext",
        moduleResolution: "bundler",
        noUnusedLocals: false,
        noUnusedParameters: false,
        noUncheckedIndexedAccess: false,
        exactOptionalPropertyTypes: false,
      },
      include: ["./**/*.ts"],
    }),
  );
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin",
    "tsc",
  );
  const checked = spawnSync(process.execPath, [compiler, "-p", target, "--pretty", "false", "--listFiles"], {
    encoding: "utf8",
  });
  expect(checked.stdout.split("\n").filter((line) => /^\.doc-blocks.*error TS/.test(line))).toEqual([]);
  for (const { file } of blocks) expect(checked.stdout).toContain(file);
});

test("every link from page to page leads to a file, and to a heading where it names one", () => {
  const anchorsOf = (page: string): string[] =>
    [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    );
  const linking = [...pages, "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
  const links = linking.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = ""]) => ({
      page,
      target,
    })),
  );
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(({ page, target }) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

describe("the TypeScript of the documentation runs", () => {
  for (const { place, file } of blocks.filter(({ runs }) => runs)) {
    test(place, async () => {
      process.chdir(scratch);
      await import(file);
    });
  }
});
