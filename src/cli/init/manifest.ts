/** The package.json of an app that is being made: what it gains, without a change to anything that is there. */

/** A package.json as far as it is read here; the rest is kept. */
export interface Manifest {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The package.json of a new app in a folder of this name. */
export function newManifest(folderName: string): Manifest & { private: true; type: "module" } {
  const name = folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return { name: name || "app", private: true, type: "module" };
}

/** Versions of the packages that an app needs, by name. */
export type Ranges = Readonly<Record<string, string>>;

/**
 * What an app needs on this Node. Before 24.16, Node has no SQLite that can be used; of what takes its place, and of the official
 * package, Node 20 runs an earlier version.
 *
 * @param own Versions of this package, and of those that it names.
 */
export function neededRanges(
  nodeVersion: string,
  own: { readonly version: string; readonly convex: string; readonly betterSqlite3: string },
): Ranges {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const [forNode20 = "", later = forNode20] = own.betterSqlite3.split(" || ");
  const hasSqlite = major > 24 || (major === 24 && minor >= 16);
  return {
    convex: major < 22 ? own.convex.replace("^", "~") : own.convex,
    trueup: `^${own.version}`,
    ...(!hasSqlite && { "better-sqlite3": major < 22 ? forNode20 : later }),
  };
}

/** The manifest with the packages and a script that it lacks. `dev` starts Trueup where it is free, else `dev:backend` does. */
export function withApp(manifest: Manifest, needed: Ranges): Manifest {
  const has = { ...manifest.devDependencies, ...manifest.dependencies };
  const missing = Object.entries(needed).filter(([name]) => has[name] === undefined);
  const scripts = manifest.scripts ?? {};
  const runsTrueup = Object.values(scripts).some((script) => /\btrueup dev\b/.test(script));
  const script = scripts["dev"] === undefined ? "dev" : "dev:backend";
  const isFree = !runsTrueup && scripts[script] === undefined;
  return {
    ...manifest,
    ...(isFree && { scripts: { ...scripts, [script]: "trueup dev" } }),
    ...(missing.length > 0 && {
      dependencies: sorted({ ...manifest.dependencies, ...Object.fromEntries(missing) }),
    }),
  };
}

/** As npm sorts dependencies. */
function sorted(record: Ranges): Ranges {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The manifest as text, indented as the text before it. */
export function manifestText(manifest: Manifest, before: string): string {
  const indent = /^[\t ]+(?=")/m.exec(before)?.[0] ?? "  ";
  const text = JSON.stringify(manifest, null, indent) + (before === "" || before.endsWith("\n") ? "\n" : "");
  return before.includes("\r\n") ? text.replaceAll("\n", "\r\n") : text;
}
