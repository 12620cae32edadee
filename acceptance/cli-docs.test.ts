/** Holds the pages to the command's own `--help`, both ways: what they name exists, and what exists is named where one looks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { runCli } from "../src/cli/run-cli.js";
import { runInProcess } from "./setup/run-in-process.js";

/** What a command takes, as its help says; commands below another one are named with it: `keys add`. */
interface CommandHelp {
  readonly options: readonly string[];
  readonly commands: readonly string[];
}

const helps = new Map<string, CommandHelp>();

beforeAll(async () => {
  await readHelp("");
});

async function readHelp(name: string): Promise<void> {
  const { code, stdout } = await runInProcess(runCli, [...name.split(" ").filter(Boolean), "--help"], {
    folder: process.cwd(),
  });
  if (code !== 0) throw new Error(`${name} --help ended with ${code}`);
  const options = [...partOf(stdout, "Options").matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)];
  const commands = [...partOf(stdout, "Commands").matchAll(/^ {2}([a-z-]+)/gm)];
  const names = commands.flatMap(([, word = ""]) => (word === "help" ? [] : `${name} ${word}`.trim()));
  helps.set(name, { options: options.map(([, option = ""]) => option), commands: names });
  for (const below of names) await readHelp(below);
}

function partOf(help: string, title: string): string {
  return help.split(/^(?=\w+:$)/m).find((part) => part.startsWith(`${title}:`)) ?? "";
}

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...["docs", "skills"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** The commands in a page's code, without what comes before `trueup` and behind a comment, a pipe or an operator. */
function commandsIn(page: string): string[] {
  const text = readFileSync(page, "utf8");
  const blocks = [...text.matchAll(/^ *```(?:sh|yaml)\n([\s\S]*?)^ *```$/gm)].map(([, code = ""]) => code);
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
  return [...blocks.flatMap((block) => block.split("\n")), ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|npx |run: |&& |\$ )trueup ([^#|&>]+)/g)].map(([, command = ""]) =>
      command.trim(),
    ),
  );
}

test("every command and option that a page names exists", () => {
  let seen = 0;
  const wrong = pages.flatMap((page) =>
    commandsIn(page).flatMap((command) => {
      const words = command.replaceAll(/'[^']*'|"[^"]*"/g, "…").split(/\s+/);
      const [first = "", second = ""] = words;
      const name = helps.has(`${first} ${second}`)
        ? `${first} ${second}`
        : first.startsWith("-")
          ? ""
          : first;
      const help = helps.get(name);
      seen++;
      if (help === undefined) return /^[a-z]+$/.test(first) ? [`${page}: there is no trueup ${command}`] : [];
      return words
        .filter((word) => word.startsWith("--"))
        .map((word) => word.replace(/[=,.].*$/, ""))
        .filter((option) => !help.options.includes(option))
        .map((option) => `${page}: trueup ${command} has no ${option}`);
    }),
  );
  expect(seen).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});

/** Where the options of a command are explained: its section in docs/cli.md, or the page on production. */
function explanationOf(command: string): string {
  const [name = ""] = command.split(" ");
  const sections = readFileSync("docs/cli.md", "utf8").split(/^(?=## )/m);
  const section = sections.find((each) => each.startsWith(`## \`trueup ${name}\``));
  return section ?? readFileSync("docs/production.md", "utf8");
}

test("every command and option that exists is explained where one looks for it", () => {
  const table = readFileSync("docs/cli.md", "utf8").split(/^## /m)[0] ?? "";
  for (const name of helps.get("")?.commands ?? []) {
    expect(table).toMatch(new RegExp(`^\\| \`trueup ${name}\\b.*\` \\| .+ \\|$`, "m"));
  }
  const missing = [...helps].flatMap(([command, { options }]) => {
    if (command === "") return [];
    const text = explanationOf(command);
    const word = command.split(" ").at(-1) ?? "";
    return [
      ...(text.includes(word) ? [] : [command]),
      ...options
        .filter((option) => option !== "--help" && !text.includes(option))
        .map((option) => `${command} ${option}`),
    ];
  });
  expect(helps.size).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});
