/**
 * Reads in the source of a transform which variables of the code around it the transform writes. Such a variable outlives the
 * document: with a counter, or with the first document that came by, the transform makes other documents of the same ones after
 * a restart, however often it was tried before. It sees the function's own text, not the functions that it calls; the
 * rehearsal looks at what those do.
 */
import { parse, type AnyNode, type Function as FunctionNode } from "acorn";
import { full } from "acorn-walk";
import { namesIn as namesInPattern } from "../modules/names-in.js";

/** The names of the variables that a function writes, sorted; none where its text cannot be read. O(length of the source). */
export function outlivingWrites(run: (...args: never[]) => unknown): readonly string[] {
  const program = programOf(String(run));
  if (program === null) return [];
  const own = new Set<string>();
  const written = new Set<string>();
  full(program, (node) => {
    for (const name of declaredBy(node)) own.add(name);
    for (const name of writtenBy(node)) written.add(name);
  });
  return [...written].filter((name) => !own.has(name)).toSorted();
}

/** Parses a function's text, which is an expression or, for a method, a part of an object. */
function programOf(text: string): AnyNode | null {
  for (const source of [`(${text})`, `({${text}})`]) {
    try {
      return parse(source, { ecmaVersion: "latest", sourceType: "module" });
    } catch {
      // The other form may be the right one. For the text of a native function, none is.
    }
  }
  return null;
}

function declaredBy(node: AnyNode): readonly string[] {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return declaredByFunction(node);
    case "ClassDeclaration":
    case "ClassExpression":
      return node.id ? [node.id.name] : [];
    case "VariableDeclarator":
      return namesIn(node.id);
    case "CatchClause":
      return node.param ? namesIn(node.param) : [];
    default:
      return [];
  }
}

function declaredByFunction({ id, params }: FunctionNode): readonly string[] {
  return [...(id ? [id.name] : []), ...params.flatMap(namesIn)];
}

function writtenBy(node: AnyNode): readonly string[] {
  switch (node.type) {
    case "AssignmentExpression":
      return namesIn(node.left);
    case "UpdateExpression":
      return namesIn(node.argument);
    case "UnaryExpression":
      return node.operator === "delete" ? namesIn(node.argument) : [];
    case "ForInStatement":
    case "ForOfStatement":
      return node.left.type === "VariableDeclaration" ? [] : namesIn(node.left);
    default:
      return [];
  }
}

function namesIn(pattern: AnyNode | null | undefined): readonly string[] {
  return namesInPattern(pattern, ofTarget);
}

/** For `memory.last` that is `memory`. */
function ofTarget(target: AnyNode): readonly string[] {
  if (target.type === "MemberExpression") return namesIn(target.object);
  return target.type === "ThisExpression" ? ["this"] : [];
}
