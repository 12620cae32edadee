/** Reads and checks what a client sends over the socket. Fields that this server has no use for are left out. */
import { JsonReader } from "../../deploy/index.js";

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

export type ClientMessage =
  | { readonly type: "Connect"; readonly sessionId: string }
  | {
      readonly type: "Authenticate";
      readonly baseVersion: number;
      readonly credential:
        | { readonly kind: "none" }
        | { readonly kind: "user" }
        | { readonly kind: "admin"; readonly key: string; readonly identity: unknown };
    }
  | {
      readonly type: "ModifyQuerySet";
      readonly baseVersion: number;
      readonly newVersion: number;
      readonly modifications: readonly (AddQuery | RemoveQuery)[];
    }
  | CallMessage
  | { readonly type: "Event" };

/** @throws INVALID_REQUEST */
export function parseClientMessage(json: unknown): ClientMessage {
  const message = new JsonReader(json);
  const type = message.field("type").string();
  switch (type) {
    case "Connect":
      return { type, sessionId: message.field("sessionId").string() };
    case "Authenticate":
      return {
        type,
        baseVersion: message.field("baseVersion").number(),
        credential: readCredential(message),
      };
    case "ModifyQuerySet":
      return {
        type,
        baseVersion: message.field("baseVersion").number(),
        newVersion: message.field("newVersion").number(),
        modifications: message.field("modifications").list().map(readModification),
      };
    case "Mutation":
    case "Action":
      return { type, requestId: message.field("requestId").number(), ...readCall(message) };
    case "Event":
      return { type };
    default:
      throw message.field("type").wrong("the type of a message that this server knows");
  }
}

function readCredential(message: JsonReader): Extract<ClientMessage, { type: "Authenticate" }>["credential"] {
  const tokenType = message.field("tokenType");
  switch (tokenType.string()) {
    case "None":
      return { kind: "none" };
    case "User":
      return { kind: "user" };
    case "Admin":
      return {
        kind: "admin",
        key: message.field("value").string(),
        identity: message.field("impersonating").value ?? null,
      };
    default:
      throw tokenType.wrong('"Admin", "User" or "None"');
  }
}

function readModification(json: JsonReader): AddQuery | RemoveQuery {
  const type = json.field("type");
  const queryId = json.field("queryId").number();
  if (type.string() === "Remove") return { type: "Remove", queryId };
  if (type.string() !== "Add") throw type.wrong('"Add" or "Remove"');
  const journal = json.field("journal").optionalString() ?? null;
  return { type: "Add", queryId, ...readCall(json), journal };
}

function readCall(json: JsonReader): Pick<AddQuery, "path" | "componentPath" | "args"> {
  return {
    path: json.field("udfPath").string(),
    componentPath: json.field("componentPath").optionalString() ?? "",
    args: json.field("args").value,
  };
}
