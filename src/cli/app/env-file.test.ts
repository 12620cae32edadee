import fc from "fast-check";
import { expect, test } from "vitest";
import { parseEnv, setEnv } from "./env-file.js";

test("reads plain, quoted, exported and commented variables; the last one of a name wins", () => {
  const text = "A=1\nexport B=\"two # 2\"\r\n  C='x'  # note\nD=a b # note\n# E=5\nA=6\nnot a line\n";
  expect(Object.fromEntries(parseEnv(text))).toEqual({ A: "6", B: "two # 2", C: "x", D: "a b" });
});

test("setting variables leaves every other line as it is, byte for byte", () => {
  const line = fc.oneof(
    fc.constantFrom(
      "",
      "# note",
      "OTHER=1",
      "export OTHER='x y'",
      "  INDENTED = 2 # why",
      "KEY='old'",
      "nonsense",
    ),
    fc.stringMatching(/^[A-Z]{1,4}=[a-z #"']{0,6}$/),
  );
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom("\n", "\r\n"), (lines, lineEnd) => {
      const before = lines.map((text) => text + lineEnd).join("");
      const after = setEnv(before, { KEY: "new|value=", URL: "http://127.0.0.1:3210" });
      const others = (text: string): string[] =>
        text.split(/\r?\n/).filter((text) => text !== "" && !/^(KEY|URL)=/.test(text));
      expect(others(after)).toEqual(others(before));
      expect(parseEnv(after).get("KEY")).toBe("new|value=");
      expect(parseEnv(after).get("URL")).toBe("http://127.0.0.1:3210");
      expect(setEnv(after, { KEY: "new|value=", URL: "http://127.0.0.1:3210" })).toBe(after);
    }),
  );
});

test("a file without an end of line gets one before what is added", () => {
  expect(setEnv("A=1", { KEY: "k" })).toBe("A=1\nKEY='k'\n");
  expect(setEnv("", { KEY: "k" })).toBe("KEY='k'\n");
});
