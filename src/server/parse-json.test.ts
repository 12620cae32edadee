import { expect, test } from "vitest";
import { parseJson } from "./parse-json.js";

test("JSON is parsed, nothing is undefined, and a mistake is told with its place", () => {
  expect(parseJson('{"a":"é"}')).toEqual({ a: "é" });
  expect(parseJson("")).toBeUndefined();
  expect(() => parseJson("{")).toThrow(
    expect.objectContaining({
      status: 400,
      code: "MalformedJson",
      message: expect.stringMatching(/JSON: .+/),
    }),
  );
});

test("what is nested 512 deep is parsed, and what is deeper is refused, however deep", () => {
  const nested = (depth: number, before = "[", after = "]"): string =>
    before.repeat(depth) + after.repeat(depth);
  expect(parseJson(nested(512))).toBeInstanceOf(Array);
  const tooDeep = expect.objectContaining({ status: 400, code: "NestedTooDeep" });
  for (const depth of [513, 5_000, 1_000_000]) {
    expect(() => parseJson(nested(depth))).toThrow(tooDeep);
  }
  expect(() => parseJson(`{"a":1,"b":[${nested(300, '{"a":[', "]}")}]}`)).toThrow(tooDeep);
  expect(parseJson(`[${"[1,[2]],".repeat(1_000)}0]`)).toHaveLength(1_001);
});
