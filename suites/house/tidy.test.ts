/**
 * The project's own laws, held by a test: which room may import which, how files are named, how long they
 * may be, and that every room and every file with an idea says what it is. The direction of the rooms is
 * the list `layers` below; a room may import rooms of the layers before its own, through their index.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import tsconfig from "../../tsconfig.json" with { type: "json" };
import { parse, sourceFiles, type SourceFile } from "./source-files.js";

const layers: readonly (readonly string[])[] = [
  ["errors", "seams"],
  ["values"],
  ["storage", "schema"],
  ["work"],
  ["database", "transfer"],
  ["search", "files"],
  ["functions"],
  ["scheduler", "subscriptions", "integrity"],
  ["deploy"],
  ["backend"],
  ["server", "test"],
  ["cli", "embed"],
];

/** Rooms that deploy to Convex Cloud: they see convex packages, `values`, `seams` and each other, nothing of the engine. */
const portable = ["components/aggregate", "components/migrations", "triggers"];
/** Folders of `suites/` that belong to no room: the laws of the project, what suites share, and peers of the benchmark. */
const suiteFolders = ["house", "setup", "arbitraries", "bench"];
const storageNamers = ["backend", "test"];

/** Files over the length limit, each with the reason why splitting it would hurt. */
const longFiles: Readonly<Record<string, string>> = {};
const maxLines = 400;
/** Code is kept narrower by the formatter, which leaves comments as they are. */
const maxCommentWidth = 130;

const files = sourceFiles();
const sources = files.filter(({ path }) => path.startsWith("src/"));
const product = sources.filter(({ path }) => !path.endsWith(".test.ts"));

function roomOf(path: string): string {
  const [, first = "", second = ""] = path.split("/");
  return first === "components" ? `components/${second}` : first;
}

/** Complaints of a rule over files, as `path: complaint`, so that a failure names every place at once. */
function complaints(of: readonly SourceFile[], rule: (file: SourceFile) => readonly string[]): string[] {
  return of.flatMap((file) => rule(file).map((complaint) => `${file.path}: ${complaint}`));
}

function layerOf(room: string): number {
  return layers.findIndex((rooms) => rooms.includes(room));
}

function mayImport(room: string, other: string): boolean {
  if (portable.includes(room)) return ["values", "seams"].includes(other) || portable.includes(other);
  if (portable.includes(other)) return layerOf(room) >= layerOf("backend");
  return layerOf(other) < layerOf(room);
}

test("the scan sees the project: files, imports of every kind, every room", () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(300);
  const sample = parse(
    "src/server/a.ts",
    'import type { A } from "../backend/index.js";\nimport {\n  b,\n} from "./b.js";\nexport * from "./c.js";\n' +
      'import "./d.js";\nconst e = import("./e.js");\ntype F = import("../cli/index.js").F;\n// from "./no.js"\n',
  );
  expect(sample.imports.map((found) => found.target ?? "").toSorted()).toEqual(
    [
      "src/backend/index.ts",
      "src/cli/index.ts",
      ...["b", "c", "d", "e"].map((x) => `src/server/${x}.ts`),
    ].toSorted(),
  );
  const known = new Set([...layers.flat(), ...portable]);
  expect(sources.map(({ path }) => roomOf(path)).filter((room) => !known.has(room))).toEqual([]);
});

test("rooms import only rooms before them", () => {
  const wrong = complaints(product, ({ path, imports }) =>
    imports
      .filter(({ target }) => target?.startsWith("src/") && roomOf(target) !== roomOf(path))
      .filter(({ target }) => !mayImport(roomOf(path), roomOf(target ?? "")))
      .map(({ specifier }) => `may not import ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test("rooms import each other through their index only", () => {
  const isPublic = (target: string): boolean =>
    target === "src/storage/storage.ts" ||
    target === "src/storage/place.ts" ||
    /^src\/storage\/(memory|postgres|sqlite)\/index\.ts$/.test(target) ||
    /^src\/components\/[^/]+\/client\/index\.ts$/.test(target) ||
    target === `src/${roomOf(target)}/index.ts`;
  const wrong = complaints(sources, ({ path, imports }) =>
    imports
      .filter(({ target }) => target?.startsWith("src/") && roomOf(target) !== roomOf(path))
      .filter(({ target }) => !isPublic(target ?? ""))
      .map(({ specifier }) => `reaches past the index: ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test("what several test files import registers no hooks when it is imported: those would be hooks of the first file only", () => {
  const shared = files.filter(({ path }) => path.startsWith("suites/") && !path.endsWith(".test.ts"));
  const wrong = complaints(shared, ({ path, text }) =>
    path === "suites/setup/real-timers.ts" ? [] : (text.match(/^(?:before|after)(?:Each|All)\(/gm) ?? []),
  );
  expect(wrong).toEqual([]);
});

test("only backend, test and tests name a concrete storage", () => {
  const wrong = complaints(product, ({ path, imports }) =>
    imports
      .filter(({ target }) => /^src\/storage\/(memory|postgres|sqlite)\//.test(target ?? ""))
      .filter(() => ![...storageNamers, "storage"].includes(roomOf(path)))
      .map(({ specifier }) => `names a concrete storage: ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test("published code imports nothing of the tests, and portable code no package but convex", () => {
  const wrong = complaints(product, ({ path, imports }) =>
    imports
      .filter(({ specifier, target }) => {
        if (target !== undefined) return !target.startsWith("src/");
        if (specifier === "trueup" || specifier.startsWith("trueup/")) return true;
        return [...portable, "seams"].includes(roomOf(path)) && !/^convex(\/|$)/.test(specifier);
      })
      .map(({ specifier }) => `may not import ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

test("values and schema are pure: no clock, no files, no network, no chance", () => {
  const impure = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bfetch\(|\bprocess\.|["']node:(?!assert)/;
  const pure = product.filter(({ path }) => ["values", "schema"].includes(roomOf(path)));
  expect(pure.length).toBeGreaterThan(5);
  expect(complaints(pure, ({ text }) => (impure.test(text) ? [String(impure.exec(text)?.[0])] : []))).toEqual(
    [],
  );
});

test("file names are kebab-case, or letters, digits and underscores inside a Convex component", () => {
  const wrong = complaints(files, ({ path }) => {
    const modules = /^src\/components\/[^/]+\/component\//.test(path) || /\/convex\//.test(path);
    const pattern = modules
      ? /^[A-Za-z0-9_]+(\.[a-z]+)*\.(ts|js)$/
      : /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|js)$/;
    return pattern.test(basename(path)) ? [] : ["is misnamed"];
  });
  expect(wrong).toEqual([]);
});

test("no file or folder is called utils, helpers, common or misc", () => {
  const vague = /(^|[/.-])(utils?|helpers?|common|misc)([/.-]|$)/;
  expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
});

test(`files stay under ${maxLines} lines`, () => {
  const tooLong = files.filter(({ text }) => text.trimEnd().split("\n").length > maxLines);
  expect(tooLong.map(({ path }) => path).toSorted()).toEqual(Object.keys(longFiles).toSorted());
});

test("every file with an idea in it begins by saying what it is", () => {
  const silent = files.filter(({ path, text }) => {
    if (path.endsWith(".test.ts") || basename(path) === "index.ts" || path.startsWith("examples/")) {
      return false;
    }
    if (text.split("\n").length < 30) return false;
    return !/^(#!.*\n)?\s*(["']use node["'];?\s*)?\/\*\*[\s\S]{40,}?\*\//.test(text);
  });
  expect(silent.map(({ path }) => path)).toEqual([]);
});

test(`comments stay within ${maxCommentWidth} characters`, () => {
  const wide = complaints(files, ({ text }) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        line.length > maxCommentWidth && /^\s*(\/\/|\/?\*)/.test(line) ? [`line ${index + 1}`] : [],
      ),
  );
  expect(wide).toEqual([]);
});

test("comments hold no banners, no issue numbers and nothing left to do", () => {
  const noise = /^\s*(\/\/|\*)\s*[-=*#~]{4,}|^\s*(\/\/|\*).*\b(issue #?\d+|TODO|FIXME|XXX)\b/im;
  const checked = files.filter(({ path }) => path !== "suites/house/tidy.test.ts");
  expect(
    complaints(checked, ({ text }) => (noise.test(text) ? [String(noise.exec(text)?.[0]).trim()] : [])),
  ).toEqual([]);
});

test("tests wait by `expect.poll`, whose patience is the project's, not by `vi.waitFor` with its one second", () => {
  const tests = files.filter(({ path }) => !path.startsWith("suites/house/"));
  expect(complaints(tests, ({ text }) => (/vi\.waitFor\(/.test(text) ? ["vi.waitFor"] : []))).toEqual([]);
});

test("every room has a README and an index", () => {
  const rooms = [...new Set(product.map(({ path }) => roomOf(path)))];
  const lacking = rooms.flatMap((room) => {
    const readme = `src/${room}/README.md`;
    const index = ["index.ts", "client/index.ts"].some((name) => existsSync(`src/${room}/${name}`));
    return [
      ...(existsSync(readme) && readFileSync(readme, "utf8").length > 80 ? [] : [readme]),
      ...(index || room === "cli" || room === "storage" ? [] : [`src/${room}/index.ts`]),
    ];
  });
  expect(lacking).toEqual([]);
});

test("the README of a room names exactly the rooms that it imports, in one sentence that begins with Imports", () => {
  const rooms = [...new Set(product.map(({ path }) => roomOf(path)))];
  const wrong = rooms.flatMap((room) => {
    const readme = readFileSync(`src/${room}/README.md`, "utf8").replaceAll("\n", " ");
    const [sentence = ""] = /\bImports\b(`[^`]*`|[^.;`])*/.exec(readme) ?? [];
    const named = [...sentence.matchAll(/`([^`]*)`/g)].map(([, name = ""]) => name);
    const told = named.filter((name) => rooms.includes(name)).toSorted();
    const imported = product
      .filter(({ path }) => roomOf(path) === room)
      .flatMap(({ imports }) =>
        imports.flatMap(({ target }) => (target?.startsWith("src/") ? [roomOf(target)] : [])),
      )
      .filter((other) => other !== room);
    const real = [...new Set(imported)].toSorted();
    return told.join() === real.join() ? [] : [`src/${room}/README.md should name: ${real.join(", ")}`];
  });
  expect(wrong).toEqual([]);
});

test("the README of a room names only files and folders of the room and its suites", () => {
  const rooms = [...new Set(product.map(({ path }) => roomOf(path)))];
  const wrong = rooms.flatMap((room) => {
    const suite = `suites/${basename(room)}/`;
    const own = files.filter(({ path }) => path.startsWith(`src/${room}/`) || path.startsWith(suite));
    const named = readFileSync(`src/${room}/README.md`, "utf8").matchAll(
      /`([\w/-]+(?:\/|(?:\.test)?\.ts))`/g,
    );
    return [...named]
      .map(([, name = ""]) => name)
      .filter(
        (name) => !/^(src|suites)\//.test(name) && !own.some(({ path }) => `/${path}`.includes(`/${name}`)),
      )
      .map((name) => `src/${room}/README.md: names ${name}`);
  });
  expect(wrong).toEqual([]);
});

test("every path of the project that a page names is there", () => {
  const pages = ["docs", "src", "bench", "skills"]
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    )
    .concat(readdirSync("."))
    .filter((name) => name.endsWith(".md"));
  const wrong = pages.flatMap((page) => {
    const text = readFileSync(page, "utf8");
    const named = [...text.matchAll(/`[^`\n]+`/g)]
      .flatMap(([code]) => code.slice(1, -1).split(/[\s(),]+/))
      .filter((word) => /^(src|suites|acceptance|scripts|bench|docs|examples)\//.test(word))
      // Where a pattern or a line number begins, the path before it is what must be there.
      .map((path) => path.replace(/([^/]*[*<]|:\d).*$/, ""));
    const linked = [...text.matchAll(/\]\(([^)#\s:]+)(#[^)]*)?\)/g)].map(([, path = ""]) =>
      join(dirname(page), path),
    );
    return [...named, ...linked].filter((path) => !existsSync(path)).map((path) => `${page}: names ${path}`);
  });
  expect(pages.length).toBeGreaterThan(20);
  expect(wrong).toEqual([]);
});

test("`npx vitest run <room>/` runs tests of every room, its behaviour suites included", () => {
  const rooms = [...new Set(product.map(({ path }) => roomOf(path)))];
  const tests = files.map(({ path }) => path).filter((path) => path.endsWith(".test.ts"));
  const testless = rooms.filter((room) => {
    const folder = `/${room.replace(/^components\//, "")}/`;
    return !tests.some((path) => path.includes(folder));
  });
  expect(testless).toEqual([]);
  const known = new Set([...rooms.map((room) => room.replace(/^components\//, "")), ...suiteFolders]);
  const nowhere = files
    .map(({ path }) => path)
    .filter((path) => path.startsWith("suites/") && !known.has(path.split("/")[1] ?? ""));
  expect(nowhere.filter((path) => path.split("/").length > 2)).toEqual([]);
});

test("tests import the sources of exactly the entries that the package exports", () => {
  const exported = Object.entries(packageJson.exports)
    .filter(([entry]) => entry !== "./package.json")
    .map(([entry, target]) => {
      const types = typeof target === "string" ? target : target.types;
      const source = types.replace("./dist/", "./src/").replace(/\.d\.ts$/, ".ts");
      return [entry.replace(/^\./, "trueup"), [source]];
    });
  expect(tsconfig.compilerOptions.paths).toEqual(Object.fromEntries(exported));
});
