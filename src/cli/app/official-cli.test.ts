import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { dataFolderOf } from "./app-folder.js";
import { runOfficialCli } from "./official-cli.js";

const inFolder = temporaryFolder();
const server = { url: "http://127.0.0.1:1", adminKey: "k" };

/** An app whose `convex` needs this Node, and does nothing. */
function appWith(name: string, node: string): Parameters<typeof runOfficialCli>[0] {
  const root = inFolder(name);
  const folder = `${root}/node_modules/convex`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${root}/package.json`, "{}");
  const manifest = { name: "convex", version: "1.99.0", bin: { convex: "main.js" }, engines: { node } };
  writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
  writeFileSync(`${folder}/main.js`, "");
  return { root, functionsFolder: "convex", ...dataFolderOf(root) };
}

test("a `convex` that needs a later Node is not run: the error names both, and what to install", () => {
  const app = appWith("later", ">=99.0.0");
  expect(() => runOfficialCli(app, ["dev"], server)).toThrow(
    expect.objectContaining({
      code: "NODE_TOO_OLD",
      message: `convex 1.99.0 needs Node 99 or later, and this is Node ${process.versions.node}.`,
      hint: expect.stringContaining("convex@1.48"),
    }),
  );
});

test.each([">=20.0.0", "*"])("one that is content with %s is run", async (node) => {
  const run = runOfficialCli(appWith(`n${node.length}`, node), [], server);
  run.stop();
  expect(await run.ended).toBe(0);
});
