import { expect, test } from "vitest";
import { Authenticator, publicCaller } from "./authenticator.js";
import { TokenVerifier } from "./token-verifier.js";

const key = "trueup|secret";
const authenticator = new Authenticator(key, new TokenVerifier(() => []));
const ann = { issuer: "https://i", subject: "ann" };
const encode = (identity: unknown): string => Buffer.from(JSON.stringify(identity)).toString("base64");
const badKey = expect.objectContaining({ status: 403, code: "BadDeployKey" });
const badIdentity = expect.objectContaining({ status: 400, code: "BadIdentity" });

test("no header is the public, and the key is an admin, whatever the case of the scheme", () => {
  expect(authenticator.caller(undefined)).toBe(publicCaller);
  for (const scheme of ["Convex", "convex", "CONVEX"]) {
    expect(authenticator.caller(`${scheme} ${key}`)).toEqual({ kind: "admin", identity: null });
  }
  expect(authenticator.caller(`Convex  ${key} `)).toEqual({ kind: "admin", identity: null });
  const spaced = new Authenticator("a key", new TokenVerifier(() => []));
  expect(spaced.caller("Convex a key")).toEqual({ kind: "admin", identity: null });
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
  expect(() => authenticator.caller(header)).toThrow(badKey);
});

test("an admin acts as the user behind the key", () => {
  const acting = (identity: unknown): unknown => authenticator.caller(`Convex ${key}:${encode(identity)}`);
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
  expect(() => authenticator.caller(`Convex ${key}:${encode(identity)}`)).toThrow(badIdentity);
});

test("what is no JSON behind the key is no identity", () => {
  expect(() => authenticator.caller(`Convex ${key}:`)).toThrow(badIdentity);
  expect(() => authenticator.caller(`Convex ${key}:e30`.slice(0, -1))).toThrow(badIdentity);
});

test("a bearer's token is checked, not the key", async () => {
  const noToken = expect.objectContaining({ status: 401, code: "InvalidAuthHeader" });
  await expect(authenticator.caller("Bearer abc")).rejects.toEqual(noToken);
  await expect(authenticator.caller(`bearer ${key}`)).rejects.toEqual(noToken);
});

test("a key alone is checked as in the header, and so is the key of who acts as a user", () => {
  for (const wrong of ["", key.slice(1), `${key}x`, "x".repeat(key.length)]) {
    expect(() => authenticator.admin(wrong)).toThrow(badKey);
    expect(() => authenticator.admin(wrong, ann)).toThrow(badKey);
  }
  expect(authenticator.admin(key)).toEqual({ kind: "admin", identity: null });
  expect(authenticator.admin(key, ann)).toMatchObject({ kind: "admin", identity: ann });
  expect(() => authenticator.admin(key, {})).toThrow(badIdentity);
});
