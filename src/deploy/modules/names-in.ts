/** Which variables a pattern means, where it declares them and where it is assigned to. */
import type { AnyNode } from "acorn";

const none = (): readonly string[] => [];

/**
 * The variables that a pattern binds or, where it is assigned to, changes.
 * @param ofTarget What counts as changed where something else than a variable is assigned to, as in `memory.last = 1`.
 */
export function namesIn(
  pattern: AnyNode | null | undefined,
  ofTarget: (target: AnyNode) => readonly string[] = none,
): readonly string[] {
  const inner = (each: AnyNode | null | undefined): readonly string[] => namesIn(each, ofTarget);
  if (pattern === null || pattern === undefined) return [];
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ArrayPattern":
      return pattern.elements.flatMap(inner);
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        inner(property.type === "Property" ? property.value : property.argument),
      );
    case "AssignmentPattern":
      return inner(pattern.left);
    case "RestElement":
      return inner(pattern.argument);
    default:
      return ofTarget(pattern);
  }
}
