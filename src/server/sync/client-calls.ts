/**
 * The calls of one client: its mutations one after the other, in the order in which it sent them, and its actions at once. A
 * mutation that the storage cannot be reached for is tried until it can, under the number that the client gave it, so it happens
 * once whatever became of the earlier tries.
 */
import type { Value } from "convex/values";
import type { Version } from "../../storage/storage.js";
import type { Caller } from "../auth/authenticator.js";
import {
  decodeArguments,
  encodeTimestamp,
  errorReply,
  functionReply,
  permissionDenied,
  type FunctionReply,
} from "../calls/function-reply.js";
import { isOutage, waitOut } from "../calls/outage.js";
import type { QueryHost } from "../calls/run-query.js";
import type { ClientRequest } from "../../functions/index.js";
import type { CallMessage } from "./client-messages.js";
import type { InHand } from "./in-hand.js";
import { callResponse } from "./server-messages.js";
import type { SyncClient } from "./sync-client.js";

interface Answer {
  readonly reply: FunctionReply;
  readonly version: Version;
  /** The storage could not be reached: whether the call has happened is not known. */
  readonly isUnknown: boolean;
}

export class ClientCalls {
  /** By this its mutations are known when it sends them again; null for a client that has not said. */
  sessionId: string | null = null;
  readonly #host: QueryHost;
  readonly #client: SyncClient;
  readonly #inHand: InHand;
  readonly #onMutated: (version: Version) => void;
  readonly #underWay = new Set<Promise<void>>();
  #lastMutation: Promise<void> = Promise.resolve();
  /** The connection is about to end. */
  #isEnding = false;
  #isClosed = false;

  /** @param onMutated Called when a mutation has been answered, with its commit. */
  constructor(host: QueryHost, client: SyncClient, inHand: InHand, onMutated: (version: Version) => void) {
    this.#host = host;
    this.#client = client;
    this.#inHand = inHand;
    this.#onMutated = onMutated;
  }

  /** @param bytes How long the message was. */
  begin(message: CallMessage, caller: Caller, bytes: number): void {
    if (!this.#inHand.beginCall(bytes)) return;
    if (message.type === "Action") {
      void this.#make(() => this.#act(message, caller), bytes);
      return;
    }
    const make = (): Promise<void> => this.#make(() => this.#mutate(message, caller), bytes);
    this.#lastMutation = this.#lastMutation.then(make);
  }

  /** Resolves when the calls under way are answered. Those that wait are not begun. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#underWay);
  }

  /** Nobody is there any more who would hear an answer. */
  close(): void {
    this.#isClosed = true;
  }

  async #make(call: () => Promise<void>, bytes: number): Promise<void> {
    if (!this.#isEnding) {
      // The server itself has failed: the client comes back and asks again.
      const making = call().catch(() => this.#client.close("InternalServerError"));
      this.#underWay.add(making);
      await making;
      this.#underWay.delete(making);
    }
    this.#inHand.endCall(bytes);
  }

  async #mutate(message: CallMessage, caller: Caller): Promise<void> {
    const { sessionId } = this;
    const { requestId } = message;
    const once = sessionId === null ? {} : { once: { sessionId, requestId } };
    let answer = await this.#run("mutation", message, caller, once);
    for (let tries = 0; answer.isUnknown && sessionId !== null && !this.#isOver; tries++) {
      await waitOut(tries);
      answer = await this.#run("mutation", message, caller, once);
    }
    const { reply, version, isUnknown } = answer;
    // It sends again what is not answered, wherever it comes back.
    if (this.#isClosed || (isUnknown && sessionId !== null)) return;
    this.#client.send(callResponse("MutationResponse", requestId, reply, encodeTimestamp(version)));
    if (reply.status === "success") this.#onMutated(version);
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#isEnding;
  }

  async #act(message: CallMessage, caller: Caller): Promise<void> {
    const { reply } = await this.#run("action", message, caller);
    if (!this.#isClosed) {
      this.#client.send(callResponse("ActionResponse", message.requestId, reply, undefined));
    }
  }

  async #run(
    kind: "mutation" | "action",
    { path, componentPath, args }: CallMessage,
    caller: Caller,
    options: { readonly once?: ClientRequest } = {},
  ): Promise<Answer> {
    const { backend } = this.#host;
    const isAdmin = caller.kind === "admin";
    const refused = { version: backend.database.storage.version, isUnknown: false };
    if (componentPath !== "" && !isAdmin) return { ...refused, reply: permissionDenied };
    let decoded: Value;
    try {
      decoded = decodeArguments(args);
    } catch (error) {
      return { ...refused, reply: errorReply(error) };
    }
    const outcome = await backend.run({
      kind,
      path,
      componentPath,
      args: decoded,
      identity: caller.identity,
      allowInternal: isAdmin,
      ...options,
    });
    const { version } = outcome.status === "success" ? { ...refused, ...outcome } : refused;
    const isUnknown = outcome.status === "error" && isOutage(outcome.error);
    return { reply: functionReply(outcome, "convex_encoded_json", caller), version, isUnknown };
  }
}
