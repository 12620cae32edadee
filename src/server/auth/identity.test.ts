import { expect, test } from "vitest";
import { identityOf } from "./identity.js";

test("standard claims get Convex's names, and what is about the token is left out", () => {
  const claims = { iss: "https://issuer", sub: "ada", aud: "app", exp: 2, iat: 1, nonce: "n", azp: "app" };
  const profile = {
    name: "Ada Lovelace",
    given_name: "Ada",
    family_name: "Lovelace",
    preferred_username: "ada",
    profile: "https://ada",
    picture: "https://ada/picture",
    email: "ada@example.com",
    email_verified: true,
    birthdate: "1815-12-10",
    zoneinfo: "Europe/London",
    locale: "en",
    phone_number: "1",
    phone_number_verified: false,
    address: { formatted: "12 St James's Square" },
    updated_at: 86_400,
  };
  expect(identityOf({ ...claims, ...profile })).toEqual({
    tokenIdentifier: "https://issuer|ada",
    issuer: "https://issuer",
    subject: "ada",
    name: "Ada Lovelace",
    givenName: "Ada",
    familyName: "Lovelace",
    preferredUsername: "ada",
    profileUrl: "https://ada",
    pictureUrl: "https://ada/picture",
    email: "ada@example.com",
    emailVerified: true,
    birthday: "1815-12-10",
    timezone: "Europe/London",
    language: "en",
    phoneNumber: "1",
    phoneNumberVerified: false,
    address: "12 St James's Square",
    updatedAt: "1970-01-02T00:00:00.000Z",
  });
});

test("other claims keep their names, and nested ones are there by their path, too", () => {
  const claims = {
    iss: "i",
    sub: "s",
    role: "admin",
    properties: { id: 1, inner: { color: "red" } },
    tags: ["a"],
  };
  expect(identityOf(claims)).toMatchObject({
    role: "admin",
    properties: { id: 1, inner: { color: "red" } },
    "properties.id": 1,
    "properties.inner.color": "red",
    tags: ["a"],
  });
});

test("no claim takes the place of who the token was checked for", () => {
  const claims = { iss: "i", sub: "s", tokenIdentifier: "i|admin", issuer: "x", subject: "admin" };
  expect(identityOf(claims)).toEqual({ tokenIdentifier: "i|s", issuer: "i", subject: "s" });
});
