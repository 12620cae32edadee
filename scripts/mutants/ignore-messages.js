/**
 * Tells Stryker which texts are for people only: the message of an error, which may be worded in many ways. Its code, and
 * every other text, stays open to mutation.
 */

/** Which argument of an error's constructor, or of a function that makes one, is the message. */
const messageArgument = {
  Error: 0,
  TypeError: 0,
  HttpError: 2,
  RangeError: 0,
  TrueupError: 1,
  TransformProblem: 1,
  aggregateError: 1,
  invalid: 0,
  wrong: 0,
};

/** True for the message itself and for what stands within it. */
function isWithinMessage(path) {
  for (let inner = path; inner.parentPath; inner = inner.parentPath) {
    const { node } = inner.parentPath;
    if (node.type !== "NewExpression" && node.type !== "CallExpression") continue;
    const position = messageArgument[node.callee.name ?? node.callee.property?.name];
    if (position !== undefined) return node.arguments[position] === inner.node;
  }
  return false;
}

export const strykerPlugins = [
  {
    kind: "Ignore",
    name: "messages",
    value: {
      shouldIgnore: (path) => (isWithinMessage(path) ? "The message of an error is for people." : undefined),
    },
  },
];
