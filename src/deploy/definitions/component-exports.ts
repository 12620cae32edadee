/**
 * Says what a component offers to the one that mounts it: all of its public functions, nested by module path. The CLI
 * generates `components.x` from this, and looks up each leaf among the analysed functions.
 */
import type { ExportNode } from "./convex-config.js";

/** The same in the form that the tree of instances has. */
export type ResolvedExport =
  | { readonly type: "branch"; readonly children: Readonly<Record<string, ResolvedExport>> }
  | {
      readonly type: "leaf";
      readonly resource: {
        readonly type: "function";
        readonly path: { readonly component: string; readonly udfPath: string };
      };
    };

/** Names nested by module path; a text is the path of a function. */
interface Tree {
  readonly [name: string]: Tree | string;
}

/** Exports of a definition, from the paths (`dir/mod:fn`) of its public functions. */
export function definitionExports(functionPaths: readonly string[]): Extract<ExportNode, { type: "branch" }> {
  return branchOf(nested(functionPaths));
}

/** Exports of an instance. */
export function instanceExports(
  componentPath: string,
  functionPaths: readonly string[],
): Readonly<Record<string, ResolvedExport>> {
  return resolve(componentPath, nested(functionPaths));
}

function nested(functionPaths: readonly string[]): Tree {
  const root: Record<string, Tree | string> = {};
  for (const path of functionPaths.toSorted()) {
    const [modulePath = "", exportName = ""] = path.split(":");
    let level = root;
    for (const segment of modulePath.split("/")) {
      const next = level[segment];
      const deeper: Record<string, Tree | string> = typeof next === "object" ? { ...next } : {};
      level[segment] = deeper;
      level = deeper;
    }
    level[exportName] = path;
  }
  return root;
}

function branchOf(tree: Tree): Extract<ExportNode, { type: "branch" }> {
  const branch = Object.entries(tree).map(
    ([name, node]) =>
      [
        name,
        typeof node === "string" ? { type: "leaf", leaf: `_reference/function/${node}` } : branchOf(node),
      ] as const satisfies readonly [string, ExportNode],
  );
  return { type: "branch", branch };
}

function resolve(component: string, tree: Tree): Readonly<Record<string, ResolvedExport>> {
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [
      name,
      typeof node === "string"
        ? { type: "leaf", resource: { type: "function", path: { component, udfPath: node } } }
        : { type: "branch", children: resolve(component, node) },
    ]),
  );
}
