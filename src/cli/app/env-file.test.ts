import { parse } from "dotenv";
import fc from "fast-check";
import { expect, test } from "vitest";
import { setEnv } from "./env-file.js";

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
    fc.constantFrom("A='", 'B="', "C=`", "'", '"', "KEY='", 'KEY="'),
  );
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom("\n", "\r\n"), (lines, lineEnd) => {
      const before = lines.map((text) => text + lineEnd).join("");
      const after = setEnv(before, { KEY: "new|value=", URL: "http://127.0.0.1:3210" });
      const others = (text: string): string[] =>
        text.split(/\r?\n/).filter((text) => text !== "" && !/^(KEY|URL)=/.test(text));
      expect(others(after)).toEqual(others(before));
      expect(parse(after)["KEY"]).toBe("new|value=");
      expect(parse(after)["URL"]).toBe("http://127.0.0.1:3210");
      expect(setEnv(after, { KEY: "new|value=", URL: "http://127.0.0.1:3210" })).toBe(after);
    }),
  );
});

test("a line inside a value of several lines is not taken for the variable that it names", () => {
  const text = "NOTE='first\nKEY=old\n'\n";
  expect(setEnv(text, { KEY: "k" })).toBe(`${text}KEY='k'\n`);
});

test("a file without an end of line gets one before what is added", () => {
  expect(setEnv("A=1", { KEY: "k" })).toBe("A=1\nKEY='k'\n");
  expect(setEnv("", { KEY: "k" })).toBe("KEY='k'\n");
});
