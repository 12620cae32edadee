import { expect, test } from "vitest";
import { parseClientMessage } from "./client-messages.js";

const call = { udfPath: "mod:f", args: [{}] };
const parsedCall = { path: "mod:f", componentPath: "", args: [{}] };
const query = { type: "Add", queryId: 3, ...call };
const set = { type: "ModifyQuerySet", baseVersion: 1, newVersion: 2, modifications: [query] };
const authenticate = { type: "Authenticate", baseVersion: 4 };

test.each([
  [
    { type: "Connect", sessionId: "s", connectionCount: 0, lastCloseReason: null },
    { type: "Connect", sessionId: "s", observed: 0 },
  ],
  [{ type: "Event", event: 1 }, { type: "Event" }],
  [
    { type: "Mutation", requestId: 7, ...call },
    { type: "Mutation", requestId: 7, ...parsedCall },
  ],
  [
    { type: "Action", requestId: 7, ...call, componentPath: "a/b" },
    { type: "Action", requestId: 7, ...parsedCall, componentPath: "a/b" },
  ],
  [
    { ...authenticate, tokenType: "None" },
    { ...authenticate, credential: { kind: "none" } },
  ],
  [
    { ...authenticate, tokenType: "User", value: "token" },
    { ...authenticate, credential: { kind: "user", token: "token" } },
  ],
  [
    { ...authenticate, tokenType: "Admin", value: "key" },
    { ...authenticate, credential: { kind: "admin", key: "key", identity: null } },
  ],
  [
    { ...authenticate, tokenType: "Admin", value: "key", impersonating: { subject: "ann" } },
    { ...authenticate, credential: { kind: "admin", key: "key", identity: { subject: "ann" } } },
  ],
  [set, { ...set, modifications: [{ type: "Add", queryId: 3, ...parsedCall, journal: null }] }],
  [
    {
      ...set,
      modifications: [
        { ...query, journal: "j", componentPath: "c" },
        { type: "Remove", queryId: 5 },
      ],
    },
    {
      ...set,
      modifications: [
        { type: "Add", queryId: 3, ...parsedCall, componentPath: "c", journal: "j" },
        { type: "Remove", queryId: 5 },
      ],
    },
  ],
])("what a client says is read: %j", (message, parsed) => {
  expect(parseClientMessage(message)).toEqual(parsed);
});

test.each([
  ["", null],
  ["", []],
  ["type", {}],
  ["type", { type: "Nonsense" }],
  ["sessionId", { type: "Connect" }],
  ["requestId", { type: "Mutation", ...call }],
  ["requestId", { type: "Action", ...call, requestId: "7" }],
  ["requestId", { type: "Mutation", ...call, requestId: -1 }],
  ["requestId", { type: "Mutation", ...call, requestId: 1.5 }],
  ["requestId", { type: "Mutation", ...call, requestId: 1e308 }],
  ["sessionId", { type: "Connect", sessionId: "x".repeat(101) }],
  ["udfPath", { type: "Action", requestId: 7 }],
  ["componentPath", { type: "Mutation", requestId: 7, ...call, componentPath: 5 }],
  ["baseVersion", { type: "Authenticate", tokenType: "None" }],
  ["tokenType", authenticate],
  ["tokenType", { ...authenticate, tokenType: "Other" }],
  ["value", { ...authenticate, tokenType: "Admin" }],
  ["value", { ...authenticate, tokenType: "User" }],
  ["baseVersion", { ...set, baseVersion: null }],
  ["newVersion", { ...set, newVersion: "2" }],
  ["newVersion", { ...set, newVersion: 1e308 }],
  ["baseVersion", { ...set, baseVersion: -1 }],
  ["baseVersion", { ...authenticate, tokenType: "None", baseVersion: 0.5 }],
  ["modifications[0].queryId", { ...set, modifications: [{ ...query, queryId: -1 }] }],
  ["modifications[0].queryId", { ...set, modifications: [{ type: "Remove", queryId: 1.5 }] }],
  ["modifications", { ...set, modifications: {} }],
  ["modifications[0].type", { ...set, modifications: [{ queryId: 1 }] }],
  ["modifications[0].type", { ...set, modifications: [{ ...query, type: "Other" }] }],
  ["modifications[0].queryId", { ...set, modifications: [{ ...query, queryId: "1" }] }],
  ["modifications[1].queryId", { ...set, modifications: [query, { type: "Remove" }] }],
  ["modifications[0].journal", { ...set, modifications: [{ ...query, journal: 1 }] }],
])("what cannot be read is refused with its place, %s: %j", (place, message) => {
  expect(() => parseClientMessage(message)).toThrow(
    expect.objectContaining({ code: "INVALID_REQUEST", details: expect.objectContaining({ place }) }),
  );
});
