import { expect, test } from "vitest";
import { adminCaller, assertAdminKey, readCaller } from "./caller.js";

const key = "trueup|secret";
const ann = { issuer: "https://i", subject: "ann" };
const encode = (identity: unknown): string => Buffer.from(JSON.stringify(identity)).toString("base64");
const badKey = expect.objectContaining({ status: 403, code: "BadDeployKey" });
const badIdentity = expect.objectContaining({ status: 400, code: "BadIdentity" });

test("no header is the public, and the key is an admin, whatever the case of the scheme", () => {
  expect(readCaller(undefined, key)).toEqual({ kind: "public" });
  for (const scheme of ["Convex", "convex", "CONVEX"]) {
    expect(readCaller(`${scheme} ${key}`, key)).toEqual({ kind: "admin", identity: null });
  }
  expect(readCaller(`Convex  ${key} `, key)).toEqual({ kind: "admin", identity: null });
  expect(readCaller("Convex a key", "a key")).toEqual({ kind: "admin", identity: null });
});

test.each([
  ["nothing", ""],
  ["no scheme", key],
  ["another scheme", `Basic ${key}`],
  ["no key", "Convex"],
  ["an empty key", "Convex "],
  ["a shorter key", `Convex ${key.slice(0, -1)}`],
  ["a longer key", `Convex ${key}x`],
  ["another key of the same length", `Convex ${"x".repeat(key.length)}`],
  ["the key in another case", `Convex ${key.toUpperCase()}`],
  ["an identity without a key", `Convex :${encode(ann)}`],
  ["an identity behind another key of the same length", `Convex ${"x".repeat(key.length)}:${encode(ann)}`],
  ["an identity behind a key that differs in its last char", `Convex ${key.slice(0, -1)}x:${encode(ann)}`],
  ["an identity behind a shorter key", `Convex ${key.slice(0, -1)}:${encode(ann)}`],
  ["an identity behind something else than a colon", `Convex ${key};${encode(ann)}`],
])("a header with %s is refused", (_what, header) => {
  expect(() => readCaller(header, key)).toThrow(badKey);
});

test("an admin acts as the user behind the key", () => {
  const acting = (identity: unknown): unknown => readCaller(`Convex ${key}:${encode(identity)}`, key);
  expect(acting({ ...ann, name: "Ann" })).toEqual({
    kind: "admin",
    identity: { ...ann, name: "Ann", tokenIdentifier: "https://i|ann" },
  });
  expect(acting({ ...ann, tokenIdentifier: "own" })).toEqual({
    kind: "admin",
    identity: { ...ann, tokenIdentifier: "own" },
  });
  expect(acting({ ...ann, tokenIdentifier: 5 })).toMatchObject({
    identity: { tokenIdentifier: "https://i|ann" },
  });
});

test.each([
  ["null", null],
  ["a text", "ann"],
  ["a list", []],
  ["no issuer", { subject: "ann" }],
  ["no subject", { issuer: "https://i" }],
  ["an issuer that is no text", { ...ann, issuer: 1 }],
  ["a subject that is no text", { ...ann, subject: 1 }],
])("%s is no identity to act as", (_what, identity) => {
  expect(() => readCaller(`Convex ${key}:${encode(identity)}`, key)).toThrow(badIdentity);
});

test("what is no JSON behind the key is no identity", () => {
  expect(() => readCaller(`Convex ${key}:`, key)).toThrow(badIdentity);
  expect(() => readCaller(`Convex ${key}:e30`.slice(0, -1), key)).toThrow(badIdentity);
});

test("a user's token is told that it is not supported", () => {
  const unsupported = expect.objectContaining({ status: 501, code: "FEATURE_NOT_SUPPORTED" });
  expect(() => readCaller("Bearer abc", key)).toThrow(unsupported);
  expect(() => readCaller(`bearer ${key}`, key)).toThrow(unsupported);
});

test("a key alone is checked as in the header, and so is the key of who acts as a user", () => {
  expect(() => assertAdminKey(key, key)).not.toThrow();
  for (const wrong of ["", key.slice(1), `${key}x`, "x".repeat(key.length)]) {
    expect(() => assertAdminKey(wrong, key)).toThrow(badKey);
    expect(() => adminCaller(wrong, null, key)).toThrow(badKey);
    expect(() => adminCaller(wrong, ann, key)).toThrow(badKey);
  }
  expect(adminCaller(key, null, key)).toEqual({ kind: "admin", identity: null });
  expect(adminCaller(key, ann, key)).toMatchObject({ kind: "admin", identity: ann });
  expect(() => adminCaller(key, {}, key)).toThrow(badIdentity);
  expect(() => adminCaller(key, undefined, key)).toThrow(badIdentity);
});
