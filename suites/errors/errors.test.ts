import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { codesOfRooms } from "../../src/errors/codes/index.js";
import { errorCodes } from "../../src/errors/index.js";

const codes = Object.keys(errorCodes).toSorted();
const page = readFileSync("docs/errors.md", "utf8");
const documented = [...page.matchAll(/^\|\s*`?([A-Z][A-Z0-9_]+)`?\s*\|/gm)].map((row) => row[1] ?? "");

test("every error code has exactly one line in docs/errors.md, and every line a code", () => {
  expect(codes.length).toBeGreaterThan(10);
  expect(documented.toSorted()).toEqual(codes);
});

test("every line of docs/errors.md says what the code means and what to do", () => {
  const rows = page.split("\n").filter((line) => /^\|\s*`?[A-Z][A-Z0-9_]+`?\s*\|/.test(line));
  const thin = rows.filter((row) => row.split("|").filter((cell) => cell.trim().length > 3).length < 3);
  expect(thin).toEqual([]);
});

test("every room's codes are sorted, and no two rooms have the same", () => {
  const rooms = codesOfRooms.map((room) => Object.keys(room));
  expect(rooms).toEqual(rooms.map((room) => room.toSorted()));
  expect(rooms.flat().toSorted()).toEqual(codes);
});

test("every error code is used by the sources", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .filter((name) => !name.startsWith(join("errors", "codes") + sep))
    .map((name) => readFileSync(join("src", name), "utf8"))
    .join("\n");
  expect(codes.filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});

test("a hint is a sentence that differs from the meaning", () => {
  for (const [code, { meaning, hint }] of Object.entries(errorCodes)) {
    expect(meaning, code).toMatch(/[.!]$/);
    expect(hint, code).toMatch(/[.!]$/);
    expect(hint, code).not.toBe(meaning);
  }
});
