import { expect, test } from "vitest";
import { isTrueupError, type TrueupError } from "../../errors/index.js";
import { parseJsonObject } from "./json-argument.js";

function mistake(text: string): TrueupError {
  try {
    parseJsonObject("arguments", text);
  } catch (error) {
    if (isTrueupError(error)) return error;
    throw error;
  }
  throw new Error(`Nothing is wrong with ${text}.`);
}

test("JSON and JSON5 are read, encoded values included", () => {
  expect(parseJsonObject("arguments", '{"name":"Ann","score":10}')).toEqual({ name: "Ann", score: 10 });
  expect(parseJsonObject("arguments", "{reset: true, next: ['a:b'],}")).toEqual({
    reset: true,
    next: ["a:b"],
  });
  expect(parseJsonObject("arguments", '{"n":{"$integer":"AQAAAAAAAAA="}}')).toEqual({ n: 1n });
});

test("a mistake is named by line and column and shown with a caret", () => {
  const error = mistake('{"name":"Ann",\n "score":: 10}');
  expect(error.code).toBe("MALFORMED_JSON");
  expect(error.details).toMatchObject({ line: 2, column: 10 });
  expect(error.message).toBe(
    "No JSON in the arguments at line 2, column 10: invalid character ':'.\n" +
      '   "score":: 10}\n' +
      "           ^",
  );
});

test("an unfinished or empty text is named at its end", () => {
  expect(mistake('{"name":').details).toMatchObject({ line: 1, column: 9 });
  expect(mistake("").code).toBe("MALFORMED_JSON");
});

test("the excerpt of a long line keeps the caret under the mistake", () => {
  const text = `{"long":"${"x".repeat(500)}" !}`;
  const [, line = "", caret = ""] = mistake(text).message.split("\n");
  expect(line.length).toBeLessThan(80);
  expect(line[caret.indexOf("^")]).toBe("!");
});

test("what is JSON but no object, or no Convex value, is refused", () => {
  expect(mistake("[1]").code).toBe("INVALID_USAGE");
  expect(mistake("null").code).toBe("INVALID_USAGE");
  expect(mistake('{"$nonsense":1}').code).toBe("INVALID_VALUE");
});
