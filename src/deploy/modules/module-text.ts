/**
 * An ES module as the body of a function, which is what can be run with globals of its own and forgotten afterwards; what Node
 * imports, it keeps for ever. No line is moved, and hardly a column: declarations of imports and exports are blanked, not
 * cut out, so source maps stay true. What was imported and exported is listed beside the body; `code-instance.ts` links it.
 */
import { parse, type AnyNode, type ImportDeclaration, type Program, type Statement } from "acorn";
import { full, recursive } from "acorn-walk";
import { globalsAsVariables } from "../../functions/index.js";
import { namesIn } from "./names-in.js";

/** A name of another module; `*` is the module itself. */
export interface ForeignName {
  readonly from: string;
  readonly name: string;
}

export interface ModuleText {
  /** What it imports, in the order in which it is evaluated, with the attributes of each import. */
  readonly requests: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
  /** By the name that the body uses. */
  readonly imports: ReadonlyMap<string, ForeignName>;
  /** Names of variables of the body, by exported name. */
  readonly exports: ReadonlyMap<string, string>;
  readonly reexports: ReadonlyMap<string, ForeignName>;
  /** Modules of which everything is exported but their default. */
  readonly stars: readonly string[];
  /** Exported variables that may change after the module was evaluated. */
  readonly changing: ReadonlySet<string>;
  /** Globals that are to be its variables. */
  readonly globals: readonly string[];
  /** Whether it awaits at its top level. */
  readonly isAsync: boolean;
  /** What makes the source the body. */
  readonly edits: readonly Edit[];
  readonly body: string;
}

/** The names that a body uses for what a function cannot have: as long as `import.meta` and `import`. */
export const metaName = "import$meta";
export const importName = "$mport";
const defaultName = "$default";

/** A part of a source with what stands in its place. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Writable = {
  -readonly [Key in "requests" | "imports" | "exports" | "reexports"]: ModuleText[Key] extends ReadonlyMap<
    string,
    infer Value
  >
    ? Map<string, Value>
    : never;
} & { readonly stars: string[]; readonly edits: Edit[]; readonly source: string };

/** Parses a module. @throws SyntaxError */
export function moduleText(source: string): ModuleText {
  const program: Program = parse(source, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowHashBang: true,
  });
  const found: Writable = {
    requests: new Map(),
    imports: new Map(),
    exports: new Map(),
    reexports: new Map(),
    stars: [],
    edits: [],
    source,
  };
  if (source.startsWith("#!")) blank(found, 0, source.search(/[\r\n]|$/));
  for (const statement of program.body) take(statement, found);
  // What is imported and exported again is the other module's variable.
  for (const [name, local] of found.exports) {
    const imported = found.imports.get(local);
    if (imported === undefined) continue;
    found.exports.delete(name);
    found.reexports.set(name, imported);
  }
  const changing = new Set<string>();
  const globals = new Set<string>();
  full(program, (node) => {
    takeExpression(node, found);
    noteChanges(node, changing);
    if (node.type === "Identifier" && globalsAsVariables.has(node.name)) globals.add(node.name);
  });
  const exported = new Set(found.exports.values());
  for (const name of changing) if (!exported.has(name)) changing.delete(name);
  const { source: _source, ...lists } = found;
  return {
    ...lists,
    changing,
    globals: [...globals],
    isAsync: awaits(program),
    body: edited(source, found.edits),
  };
}

function take(node: Program["body"][number], found: Writable): void {
  switch (node.type) {
    case "ImportDeclaration":
      takeImport(node, found);
      return;
    case "ExportAllDeclaration":
      request(node, found);
      if (node.exported === null || node.exported === undefined) found.stars.push(String(node.source.value));
      else found.reexports.set(textOf(node.exported), { from: String(node.source.value), name: "*" });
      blank(found, node.start, node.end);
      return;
    case "ExportNamedDeclaration":
      takeNamed(node, found);
      return;
    case "ExportDefaultDeclaration":
      takeDefault(node, found);
      return;
    default:
  }
}

function takeImport(node: ImportDeclaration, found: Writable): void {
  request(node, found);
  const from = String(node.source.value);
  for (const specifier of node.specifiers) {
    const name =
      specifier.type === "ImportSpecifier"
        ? textOf(specifier.imported)
        : specifier.type === "ImportDefaultSpecifier"
          ? "default"
          : "*";
    found.imports.set(specifier.local.name, { from, name });
  }
  blank(found, node.start, node.end);
}

function takeNamed(node: Extract<AnyNode, { type: "ExportNamedDeclaration" }>, found: Writable): void {
  const { declaration, source } = node;
  if (declaration) {
    for (const name of declaredNames(declaration)) found.exports.set(name, name);
    blank(found, node.start, declaration.start);
    return;
  }
  if (source) request({ source, attributes: node.attributes }, found);
  for (const { local, exported } of node.specifiers) {
    const name = textOf(exported);
    if (source) found.reexports.set(name, { from: String(source.value), name: textOf(local) });
    else found.exports.set(name, textOf(local));
  }
  blank(found, node.start, node.end);
}

function takeDefault(node: Extract<AnyNode, { type: "ExportDefaultDeclaration" }>, found: Writable): void {
  const { declaration } = node;
  const isFunction = declaration.type === "FunctionDeclaration";
  if ((isFunction || declaration.type === "ClassDeclaration") && declaration.id) {
    found.exports.set("default", declaration.id.name);
    blank(found, node.start, declaration.start);
    return;
  }
  found.exports.set("default", defaultName);
  if (isFunction) {
    // Only a function with a name is there before the module is evaluated.
    blank(found, node.start, declaration.start);
    const keyword = /^(async\s+)?function\s*\*?/.exec(found.source.slice(declaration.start))?.[0] ?? "";
    const at = declaration.start + keyword.length;
    found.edits.push({ start: at, end: at, text: ` ${defaultName}` });
    return;
  }
  const text = `let ${defaultName}=`;
  const blanked = blanks(found.source.slice(node.start, declaration.start));
  const lines = blanked.replaceAll(" ", "");
  const padded = text.padEnd(blanked.length - lines.length) + lines;
  found.edits.push({ start: node.start, end: declaration.start, text: padded });
}

function takeExpression(node: AnyNode, { edits }: Writable): void {
  if (node.type === "MetaProperty" && node.meta.name === "import") {
    edits.push({ start: node.start, end: node.end, text: metaName.padEnd(node.end - node.start) });
  } else if (node.type === "ImportExpression") {
    edits.push({ start: node.start, end: node.start + importName.length, text: importName });
  }
}

/** Variables that are written anywhere but where they are declared. Others of the same name only make it more careful. */
function noteChanges(node: AnyNode, changing: Set<string>): void {
  const note = (pattern: AnyNode): void => {
    for (const name of namesIn(pattern)) changing.add(name);
  };
  switch (node.type) {
    case "AssignmentExpression":
      note(node.left);
      break;
    case "UpdateExpression":
      note(node.argument);
      break;
    case "ForInStatement":
    case "ForOfStatement":
      if (node.left.type !== "VariableDeclaration") note(node.left);
      break;
    default:
  }
}

function awaits(program: Program): boolean {
  let found = false;
  recursive(program, null, {
    Function: () => {},
    AwaitExpression: () => {
      found = true;
    },
    ForOfStatement: (node, state, visit) => {
      if (node.await) found = true;
      for (const part of [node.left, node.right, node.body]) visit(part, state);
    },
  });
  return found;
}

function request(
  node: Pick<ImportDeclaration, "source"> & { readonly attributes?: ImportDeclaration["attributes"] },
  { requests }: Writable,
): void {
  const from = String(node.source.value);
  const attributes = node.attributes ?? [];
  const given = attributes.map(({ key, value }) => [
    key.type === "Identifier" ? key.name : String(key.value),
    String(value.value),
  ]);
  if (!requests.has(from)) {
    requests.set(
      from,
      given.length === 0 ? undefined : (Object.fromEntries(given) as Record<string, string>),
    );
  }
}

function declaredNames(declaration: Statement): readonly string[] {
  switch (declaration.type) {
    case "VariableDeclaration":
      return declaration.declarations.flatMap(({ id }) => namesIn(id));
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return [declaration.id.name];
    default:
      return [];
  }
}

function textOf(node: { readonly type: string; readonly name?: string; readonly value?: unknown }): string {
  return node.type === "Identifier" ? (node.name ?? "") : String(node.value);
}

function blank({ edits, source }: Writable, start: number, end: number): void {
  edits.push({ start, end, text: blanks(source.slice(start, end)) });
}

function blanks(text: string): string {
  return text.replaceAll(/[^\n\r\u2028\u2029]/g, " ");
}

/** The body that edits make of a source. */
export function edited(source: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
}
