import { expect, test } from "vitest";
import { Authenticator } from "./authenticator.js";
import { TokenVerifier } from "./token-verifier.js";

const key = "trueup|secret";
const tokens = new TokenVerifier(() => []);
const keys = { hold: (each: string) => Promise.resolve(each === "ci|stored") };
const authenticator = new Authenticator({ adminKeys: [key], keys, tokens, isProduction: true });
const admin = { kind: "admin", identity: null, seesErrors: true };
const ann = { issuer: "https://i", subject: "ann" };
const encode = (identity: unknown): string => Buffer.from(JSON.stringify(identity)).toString("base64");
const badKey = expect.objectContaining({ status: 403, code: "BadDeployKey" });
const badIdentity = expect.objectContaining({ status: 400, code: "BadIdentity" });

test("no header is a stranger, and the key is an admin, whatever the case of the scheme", async () => {
  expect(authenticator.caller(undefined)).toEqual({ kind: "public", identity: null, seesErrors: false });
  for (const scheme of ["Convex", "convex", "CONVEX"]) {
    expect(await authenticator.caller(`${scheme} ${key}`)).toEqual(admin);
  }
  expect(await authenticator.caller(`Convex  ${key} `)).toEqual(admin);
  const spaced = new Authenticator({ adminKeys: ["a key"], keys, tokens, isProduction: false });
  expect(await spaced.caller("Convex a key")).toEqual(admin);
});

/** As if it were called in an async function: what it throws is a rejection. */
const run = async (call: () => unknown): Promise<unknown> => await call();

test("the keys of the deployment are keys of admins, too", async () => {
  expect(await authenticator.caller("Convex ci|stored")).toEqual(admin);
  expect(await authenticator.caller(`Convex ci|stored:${encode(ann)}`)).toMatchObject({ identity: ann });
  await expect(run(() => authenticator.caller("Convex ci|revoked"))).rejects.toEqual(badKey);
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
])("a header with %s is refused", async (_what, header) => {
  await expect(run(() => authenticator.caller(header))).rejects.toEqual(badKey);
});

test("an admin acts as the user behind the key", async () => {
  const acting = (identity: unknown): unknown => authenticator.caller(`Convex ${key}:${encode(identity)}`);
  expect(await acting({ ...ann, name: "Ann" })).toEqual({
    ...admin,
    identity: { ...ann, name: "Ann", tokenIdentifier: "https://i|ann" },
  });
  expect(await acting({ ...ann, tokenIdentifier: "own" })).toEqual({
    ...admin,
    identity: { ...ann, tokenIdentifier: "own" },
  });
  expect(await acting({ ...ann, tokenIdentifier: 5 })).toMatchObject({
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
])("%s is no identity to act as", async (_what, identity) => {
  await expect(run(() => authenticator.caller(`Convex ${key}:${encode(identity)}`))).rejects.toEqual(
    badIdentity,
  );
});

test("what is no JSON behind the key is no identity", async () => {
  await expect(run(() => authenticator.caller(`Convex ${key}:`))).rejects.toEqual(badIdentity);
  await expect(run(() => authenticator.caller(`Convex ${key}:e30`.slice(0, -1)))).rejects.toEqual(
    badIdentity,
  );
});

test("a bearer's token is checked, not the key", async () => {
  const noToken = expect.objectContaining({ status: 401, code: "InvalidAuthHeader" });
  await expect(authenticator.caller("Bearer abc")).rejects.toEqual(noToken);
  await expect(authenticator.caller(`bearer ${key}`)).rejects.toEqual(noToken);
});

test("a key alone is checked as in the header, and so is the key of who acts as a user", async () => {
  for (const wrong of ["", key.slice(1), `${key}x`, "x".repeat(key.length)]) {
    await expect(run(() => authenticator.admin(wrong))).rejects.toEqual(badKey);
    await expect(run(() => authenticator.admin(wrong, ann))).rejects.toEqual(badKey);
  }
  expect(await authenticator.admin(key)).toEqual(admin);
  expect(await authenticator.admin(key, ann)).toMatchObject({ kind: "admin", identity: ann });
  await expect(run(() => authenticator.admin(key, {}))).rejects.toEqual(badIdentity);
});
