/** Reads and checks what a client sends over the socket. Fields that this server has no use for are left out. */
import { v, type Infer } from "convex/values";
import type { Version } from "../../storage/storage.js";
import { decodeTimestamp } from "../calls/function-reply.js";
import { invalidRequest, requestReader } from "../../deploy/index.js";

export interface AddQuery {
  readonly type: "Add";
  readonly queryId: number;
  readonly path: string;
  readonly componentPath: string;
  /** The arguments in their JSON encoding. */
  readonly args: unknown;
  /** What the server said earlier of the page that the query read; null when the client asks for the first time. */
  readonly journal: string | null;
}

export interface RemoveQuery {
  readonly type: "Remove";
  readonly queryId: number;
}

/** A call of a mutation or an action. */
export interface CallMessage {
  readonly type: "Mutation" | "Action";
  readonly requestId: number;
  readonly path: string;
  readonly componentPath: string;
  /** The arguments in their JSON encoding. */
  readonly args: unknown;
}

/** What a client says who it is by. */
export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "user"; readonly token: string }
  | { readonly kind: "admin"; readonly key: string; readonly identity: unknown };

export type ClientMessage =
  | {
      readonly type: "Connect";
      readonly sessionId: string;
      /** The latest commit that the client has seen, on whatever connection; 0 for none. */
      readonly observed: Version;
    }
  | {
      readonly type: "Authenticate";
      readonly baseVersion: number;
      readonly credential: Credential;
    }
  | {
      readonly type: "ModifyQuerySet";
      readonly baseVersion: number;
      readonly newVersion: number;
      readonly modifications: readonly (AddQuery | RemoveQuery)[];
    }
  | CallMessage
  | { readonly type: "Event" };

const baseVersion = v.number();
const call = { udfPath: v.string(), componentPath: v.optional(v.string()), args: v.optional(v.any()) };
const modification = v.object({
  type: v.union(v.literal("Add"), v.literal("Remove")),
  queryId: v.number(),
  ...call,
  udfPath: v.optional(v.string()),
  journal: v.optional(v.string()),
});
const credential = v.object({
  baseVersion,
  tokenType: v.union(v.literal("None"), v.literal("User"), v.literal("Admin")),
  value: v.optional(v.string()),
  impersonating: v.optional(v.any()),
});
const readType = requestReader(v.object({ type: v.string() }));
const readConnect = requestReader(
  v.object({ sessionId: v.string(), maxObservedTimestamp: v.optional(v.string()) }),
);
const readAuthenticate = requestReader(credential);
const readModifyQuerySet = requestReader(
  v.object({ baseVersion, newVersion: v.number(), modifications: v.array(modification) }),
);
const readCall = requestReader(v.object({ requestId: v.number(), ...call }));

/** Clients name their sessions by UUIDs. */
const maxSessionIdChars = 100;

/** @throws INVALID_REQUEST */
export function parseClientMessage(json: unknown): ClientMessage {
  const { type } = readType(json);
  switch (type) {
    case "Connect": {
      const { sessionId, maxObservedTimestamp } = readConnect(json);
      if (sessionId.length > maxSessionIdChars) {
        throw invalidRequest("sessionId", `at most ${maxSessionIdChars} characters`, `${sessionId.length}`);
      }
      const observed = maxObservedTimestamp === undefined ? 0 : decodeTimestamp(maxObservedTimestamp);
      return { type, sessionId, observed };
    }
    case "Authenticate":
      return { type, ...authenticateOf(readAuthenticate(json)) };
    case "ModifyQuerySet": {
      const { modifications, ...versions } = readModifyQuerySet(json);
      for (const [place, version] of Object.entries(versions)) assertNumber(version, place);
      return { type, ...versions, modifications: modifications.map(modificationOf) };
    }
    case "Mutation":
    case "Action": {
      const { requestId, ...called } = readCall(json);
      assertNumber(requestId, "requestId");
      return { type, requestId, ...callOf(called) };
    }
    case "Event":
      return { type };
    default:
      throw invalidRequest("type", "the type of a message that this server knows", JSON.stringify(type));
  }
}

/** What clients count is an integer of 32 bits. @throws INVALID_REQUEST */
function assertNumber(value: number, place: string): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return;
  throw invalidRequest(place, "an integer from 0 to 2^32 - 1", String(value));
}

function authenticateOf({
  baseVersion: version,
  tokenType,
  value,
  impersonating: identity = null,
}: Infer<typeof credential>): Omit<Extract<ClientMessage, { type: "Authenticate" }>, "type"> {
  assertNumber(version, "baseVersion");
  if (tokenType === "None") return { baseVersion: version, credential: { kind: "none" } };
  if (value === undefined) throw invalidRequest("value", "a string", "undefined");
  return tokenType === "User"
    ? { baseVersion: version, credential: { kind: "user", token: value } }
    : { baseVersion: version, credential: { kind: "admin", key: value, identity } };
}

function modificationOf(one: Infer<typeof modification>, at: number): AddQuery | RemoveQuery {
  const { type, queryId, udfPath, journal = null } = one;
  assertNumber(queryId, `modifications[${at}].queryId`);
  if (type === "Remove") return { type, queryId };
  if (udfPath === undefined) throw invalidRequest(`modifications[${at}].udfPath`, "a string", "undefined");
  return { type, queryId, ...callOf({ ...one, udfPath }), journal };
}

function callOf({
  udfPath,
  componentPath = "",
  args,
}: {
  readonly udfPath: string;
  readonly componentPath?: string;
  readonly args?: unknown;
}): Pick<AddQuery, "path" | "componentPath" | "args"> {
  return { path: udfPath, componentPath, args };
}
