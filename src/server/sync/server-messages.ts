/** The messages that the server sends over the socket. A client that has connected is at version zero in every part. */
import type { FunctionReply } from "../calls/function-reply.js";
import type { QueryOutcome } from "../calls/run-query.js";

/** The state of a client: the version of its set of queries, that of its identity, and the commit that it has seen (base64). */
export interface StateVersion {
  readonly querySet: number;
  readonly identity: number;
  readonly ts: string;
}

export type StateModification =
  | {
      readonly type: "QueryUpdated";
      readonly queryId: number;
      readonly value: unknown;
      readonly logLines: readonly string[];
      readonly journal: string | null;
    }
  | {
      readonly type: "QueryFailed";
      readonly queryId: number;
      readonly errorMessage: string;
      readonly errorData?: unknown;
      readonly logLines: readonly string[];
      readonly journal: string | null;
    }
  | { readonly type: "QueryRemoved"; readonly queryId: number };

export type ServerMessage =
  | {
      readonly type: "Transition";
      readonly startVersion: StateVersion;
      readonly endVersion: StateVersion;
      readonly modifications: readonly StateModification[];
    }
  | {
      readonly type: "MutationResponse" | "ActionResponse";
      readonly requestId: number;
      readonly success: boolean;
      /** The value, or the text of what went wrong. */
      readonly result: unknown;
      /** The commit of a mutation that succeeded. */
      readonly ts?: string;
      readonly errorData?: unknown;
      readonly logLines: readonly string[];
    }
  | {
      readonly type: "AuthError";
      readonly error: string;
      readonly baseVersion: number;
      readonly authUpdateAttempted: boolean;
    }
  | { readonly type: "FatalError"; readonly error: string }
  | { readonly type: "Ping" };

export type CallResponse = Extract<ServerMessage, { type: "MutationResponse" | "ActionResponse" }>;

/** The change of a client's state that a query's reply makes, but for the id by which the client knows the query. */
export type QueryChange = UpToId<Exclude<StateModification, { readonly type: "QueryRemoved" }>>;
type UpToId<Modification> = Modification extends unknown ? Omit<Modification, "queryId"> : never;

export function queryChange({ reply, journal }: QueryOutcome): QueryChange {
  const { logLines } = reply;
  if (reply.status === "success") return { type: "QueryUpdated", value: reply.value, logLines, journal };
  const { errorMessage, errorData } = reply;
  const data = errorData === undefined ? {} : { errorData };
  return { type: "QueryFailed", errorMessage, ...data, logLines, journal };
}

/** The JSON of a modification without its id, which is made once for all clients. `modificationText` completes it. */
export function changeText(change: QueryChange): string {
  return `${JSON.stringify(change).slice(0, -1)},"queryId":`;
}

/** @param text What `changeText` made. */
export function modificationText(text: string, queryId: number): string {
  return `${text}${queryId}}`;
}

/** The JSON of a transition, of versions and modifications that are JSON already. */
export function transitionText(start: string, end: string, modifications: readonly string[]): string {
  return `{"type":"Transition","startVersion":${start},"endVersion":${end},"modifications":[${modifications.join(",")}]}`;
}

/** The message with the reply of a mutation or an action. `ts` is the commit of a mutation. */
export function callResponse(
  type: CallResponse["type"],
  requestId: number,
  reply: FunctionReply,
  ts: string | undefined,
): CallResponse {
  const { logLines } = reply;
  if (reply.status === "success") {
    const commit = ts === undefined ? {} : { ts };
    return { type, requestId, success: true, result: reply.value, ...commit, logLines };
  }
  const { errorMessage, errorData } = reply;
  const data = errorData === undefined ? {} : { errorData };
  return { type, requestId, success: false, result: errorMessage, ...data, logLines };
}
