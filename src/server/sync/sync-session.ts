/**
 * One client's connection: the queries that it watches, its calls, and who it is. Results reach it in transitions, each from one
 * state of the client to the next, in which all outcomes are right at one commit. One transition is made at a time, and the next
 * one when the client has taken it; what changes meanwhile is in that. A mutation is answered before the transition that
 * contains it. While the storage cannot be reached the client stays connected, and goes on afterwards.
 */
import type { ServerLimits } from "../../backend/index.js";
import { catchUp, type Version } from "../../storage/storage.js";
import { LiveQuerySet, type Settled } from "../../subscriptions/index.js";
import { encodeTimestamp } from "../calls/function-reply.js";
import { isOutage, waitOut } from "../calls/outage.js";
import type { QueryCall, QueryHost } from "../calls/run-query.js";
import type { Authenticator, Caller } from "../auth/authenticator.js";
import type { Load } from "../load.js";
import { httpErrorOf } from "../http/http-error.js";
import { ClientCalls } from "./client-calls.js";
import type { AddQuery, ClientMessage, Credential } from "./client-messages.js";
import {
  modificationText,
  transitionText,
  type StateModification,
  type StateVersion,
} from "./server-messages.js";
import type { InHand } from "./in-hand.js";
import type { SyncClient } from "./sync-client.js";
import type { WatchedOutcome, WatchedQueries } from "./watched-queries.js";

/** The server, and what all sessions share. */
export interface SyncHost extends QueryHost {
  readonly authenticator: Authenticator;
  readonly live: WatchedQueries;
  readonly limits: ServerLimits;
  readonly load: Load;
  /** Is told when a client has seen a later commit than the latest one. */
  readonly tellOfLater: (observed: Version, latest: Version) => void;
}

/** A state that a client was brought to: the versions of its set of queries and its identity, and the commit that it sees. */
interface ReachedState {
  readonly querySet: number;
  readonly identity: number;
  readonly version: Version;
  /** The same as it is sent. */
  readonly text: string;
}

/** What a transition has to bring a client to, beside the outcomes of its queries. */
interface DueTransition {
  readonly target: { readonly querySet: number; readonly identity: number };
  readonly removed: readonly number[];
  readonly isOwed: boolean;
}

/** Timers that are set for longer end at once. */
const longestTimerMs = 2 ** 31 - 1;

export class SyncSession {
  readonly #host: SyncHost;
  readonly #client: SyncClient;
  readonly #inHand: InHand;
  readonly #calls: ClientCalls;
  readonly #set: LiveQuerySet<QueryCall, WatchedOutcome>;
  readonly #removed = new Set<number>();
  #caller: Caller;
  /** What came while a key or a token was being checked; null while none is. */
  #inbox: { readonly message: ClientMessage; readonly bytes: number }[] | null = null;
  #expiry: NodeJS.Timeout | undefined;
  /** The versions that the client has asked for. */
  #wanted = { querySet: 0, identity: 0 };
  /** The state that the last transition has brought the client to. */
  #reached: ReachedState = reachedState({ querySet: 0, identity: 0 }, 0);
  /** The next transition must show at least this commit. */
  #mustShow: Version = 0;
  /** The next transition must show all that was acknowledged by now, to whomever. */
  #isBehind = false;
  /** The latest commit that the client had seen when it connected. */
  #observed: Version = 0;
  #owesTransition = false;
  #isDirty = false;
  /** The transitions that are being made; null while there is nothing to tell. */
  #transitions: Promise<void> | null = null;
  /** The connection is about to end: what the client says now is for the next server. */
  #isEnding = false;
  #isClosed = false;

  constructor(host: SyncHost, client: SyncClient, inHand: InHand) {
    this.#host = host;
    this.#inHand = inHand;
    this.#client = client;
    this.#caller = host.authenticator.stranger;
    this.#calls = new ClientCalls(host, client, inHand, (version) => this.#owe(version));
    this.#set = new LiveQuerySet(host.live, () => this.#advance());
  }

  /** How many queries the client watches. */
  get watches(): number {
    return this.#set.size;
  }

  /**
   * Takes a message. A message that breaks the protocol ends the connection for good.
   * @param bytes How long it was.
   */
  receive(message: ClientMessage, bytes: number): void {
    if (this.#isEnding || this.#isClosed) return;
    if (this.#inbox !== null) {
      this.#inbox.push({ message, bytes });
      this.#inHand.keep(bytes);
      return;
    }
    switch (message.type) {
      case "Connect":
        return this.#connect(message);
      case "Authenticate":
        return this.#authenticate(message);
      case "ModifyQuerySet":
        return this.#modifyQuerySet(message);
      case "Mutation":
      case "Action":
        return this.#calls.begin(message, this.#caller, bytes);
      case "Event":
    }
  }

  /** Takes no more messages; resolves when the calls under way are answered, and shown. Those that wait are not begun. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#calls.end();
    this.#advance();
    await this.#transitions;
    this.#client.close("ServerShutdown");
  }

  /** Ends the session when the connection is gone. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#expiry);
    this.#calls.close();
    this.#emptyInbox();
    this.#set.close();
    this.#inHand.watch(0);
  }

  /** What the client has seen before, in whatever process, it sees here. */
  #connect({ sessionId, observed }: Extract<ClientMessage, { type: "Connect" }>): void {
    if (this.#calls.sessionId !== null) return this.#refuse("The client has connected already.");
    this.#calls.sessionId = sessionId;
    this.#observed = observed;
    this.#isBehind = true;
  }

  #authenticate({ baseVersion, credential }: Extract<ClientMessage, { type: "Authenticate" }>): void {
    if (baseVersion !== this.#wanted.identity) return this.#refuse("Authenticate has a wrong baseVersion.");
    clearTimeout(this.#expiry);
    if (credential.kind === "none") return this.#become(this.#host.authenticator.stranger);
    this.#inbox = [];
    void this.#guard(this.#check(credential));
  }

  /** What comes meanwhile waits, since it is said by whom the key or the token stands for. */
  async #check(credential: Exclude<Credential, { kind: "none" }>): Promise<void> {
    const { authenticator } = this.#host;
    try {
      if (credential.kind === "admin") {
        this.#become(await authenticator.admin(credential.key, credential.identity));
      } else {
        const { caller, expiresAtMs } = await authenticator.user(credential.token);
        this.#become(caller);
        this.#expireAt(expiresAtMs);
      }
    } catch (thrown) {
      if (isOutage(thrown)) throw thrown;
      return this.#failAuth(httpErrorOf(thrown).message, this.#wanted.identity, true);
    }
    const waiting = this.#emptyInbox();
    for (const { message, bytes } of waiting) this.receive(message, bytes);
  }

  #emptyInbox(): readonly { readonly message: ClientMessage; readonly bytes: number }[] {
    const waiting = this.#inbox ?? [];
    this.#inbox = null;
    for (const { bytes } of waiting) this.#inHand.letGo(bytes);
    return waiting;
  }

  #become(caller: Caller): void {
    if (this.#isClosed) return;
    this.#caller = caller;
    this.#wanted.identity += 1;
    this.#set.replaceCalls((call) => ({ ...call, caller }));
    this.#set.tellSoon();
  }

  /** A client with an expired token is to come back with another; it is told of the state before the one that it asked for. */
  #expireAt(expiresAtMs: number): void {
    if (this.#isClosed) return;
    const expire = (): void => {
      if (Date.now() < expiresAtMs) return this.#expireAt(expiresAtMs);
      this.#failAuth("The token has expired.", this.#wanted.identity - 1, false);
    };
    this.#expiry = setTimeout(expire, Math.min(expiresAtMs - Date.now(), longestTimerMs)).unref();
  }

  #failAuth(error: string, baseVersion: number, authUpdateAttempted: boolean): void {
    this.#client.send({ type: "AuthError", error, baseVersion, authUpdateAttempted });
    this.#client.close("AuthError");
  }

  #modifyQuerySet(message: Extract<ClientMessage, { type: "ModifyQuerySet" }>): void {
    if (message.baseVersion !== this.#wanted.querySet) {
      return this.#refuse("ModifyQuerySet has a wrong baseVersion.");
    }
    const { queriesPerSocket } = this.#host.limits;
    for (const modification of message.modifications) {
      const { queryId } = modification;
      if (modification.type === "Add") {
        this.#isBehind = true;
        this.#removed.delete(queryId);
        this.#watch(modification);
        if (this.#set.size > queriesPerSocket) {
          return this.#refuse(`A connection may watch ${queriesPerSocket} queries.`);
        }
      } else {
        this.#set.remove(queryId);
        this.#removed.add(queryId);
      }
    }
    this.#inHand.watch(this.#set.chars);
    this.#wanted.querySet = message.newVersion;
    this.#set.tellSoon();
  }

  #watch({ queryId, path, componentPath, args, journal }: AddQuery): void {
    const caller = this.#caller;
    this.#set.add(queryId, { path, componentPath, args, caller, format: "convex_encoded_json", journal });
  }

  /** The next transition is to show a mutation that was answered. */
  #owe(version: Version): void {
    this.#mustShow = Math.max(this.#mustShow, version);
    this.#owesTransition = true;
    this.#set.tellSoon();
  }

  /** Whether there may be something to tell. A connection that is about to end only owes what its own mutations did. */
  get #hasNews(): boolean {
    return this.#isDirty && !this.#isClosed && (!this.#isEnding || this.#owesTransition);
  }

  /** Makes a transition because something may have changed, now or when the one under way is made. */
  #advance(): void {
    this.#isDirty = true;
    if (this.#transitions === null && this.#hasNews) {
      this.#transitions = this.#makeTransitions();
    }
  }

  async #makeTransitions(): Promise<void> {
    try {
      for (let outages = 0; this.#hasNews;) {
        this.#isDirty = false;
        const due = {
          target: { ...this.#wanted },
          removed: [...this.#removed],
          isOwed: this.#owesTransition,
        };
        this.#owesTransition = false;
        const settled = await this.#settle();
        if (this.#isClosed) break;
        // The caller may be another one since: each query was replaced then, and nothing of what was settled is one of them.
        if (settled === null || due.target.identity !== this.#wanted.identity) {
          this.#isDirty = true;
          this.#owesTransition ||= due.isOwed;
          if (settled === null) await waitOut(outages++);
          continue;
        }
        outages = 0;
        this.#makeTransition(due, settled);
        const taking = this.#client.whenTaken();
        if (taking !== undefined) await taking;
      }
    } catch {
      this.#fail();
    } finally {
      this.#transitions = null;
    }
  }

  /** Null when the storage cannot be reached for now. */
  async #settle(): Promise<Settled<WatchedOutcome> | null> {
    try {
      if (this.#isBehind) {
        const catching = this.#catchUp();
        if (catching !== undefined) await catching;
      }
      return await this.#set.settle(Math.max(this.#mustShow, this.#reached.version));
    } catch (error) {
      if (isOutage(error)) return null;
      throw error;
    }
  }

  /**
   * A client may have seen a later commit than there is: then the data was put back to an earlier state since, which the client
   * is brought to like to any other.
   */
  #catchUp(): Promise<void> | undefined {
    const { storage } = this.#host.backend.database;
    const arrive = (): void => {
      this.#mustShow = Math.max(this.#mustShow, storage.version);
      if (this.#observed > storage.version) this.#host.tellOfLater(this.#observed, storage.version);
      this.#observed = 0;
    };
    this.#isBehind = false;
    const catching = catchUp(storage);
    if (catching === undefined) {
      arrive();
      return undefined;
    }
    return catching.then(arrive, (error: unknown) => {
      this.#isBehind = true;
      throw error;
    });
  }

  #makeTransition(
    { target, removed, isOwed }: DueTransition,
    { version, changes }: Settled<WatchedOutcome>,
  ): void {
    const start = this.#reached;
    const modifications = this.#removals(removed);
    for (const [queryId, { text }] of changes) modifications.push(modificationText(text, queryId));
    const isMoved = target.querySet !== start.querySet || target.identity !== start.identity;
    if (modifications.length === 0 && !isMoved && !isOwed) return;
    this.#reached = reachedState(target, version);
    this.#client.sendText(transitionText(start.text, this.#reached.text, modifications));
  }

  #removals(removed: readonly number[]): string[] {
    return removed.map((queryId) => {
      this.#removed.delete(queryId);
      const removal: StateModification = { type: "QueryRemoved", queryId };
      return JSON.stringify(removal);
    });
  }

  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch {
      this.#fail();
    }
  }

  /** Ends the connection because the server has failed, so that the client comes back and asks again. */
  #fail(): void {
    this.#client.close("InternalServerError");
  }

  #refuse(error: string): void {
    this.#client.send({ type: "FatalError", error });
    this.#client.close("ProtocolError");
  }
}

function reachedState(wanted: { querySet: number; identity: number }, version: Version): ReachedState {
  const { querySet, identity } = wanted;
  const sent: StateVersion = { querySet, identity, ts: encodeTimestamp(version) };
  return { querySet, identity, version, text: JSON.stringify(sent) };
}
