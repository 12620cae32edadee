/**
 * Keeps the answers to clients' mutations, so that each runs once. A client that does not know whether a mutation has run,
 * because the connection or the server was lost, sends it again under the same number. The answer is written in the transaction
 * of the mutation itself; whoever gets the request again, in this process or another one, finds either both or neither.
 *
 * Answers are cells, found by session and number. A document of a system table for each hour in which a session was seen, in
 * order of creation, tells which sessions are over: those that nobody has seen for a day.
 */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { readAll, type Database, type MutationTransaction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { CellCodec } from "../../seams/index.js";

/** A client's request, which has the same number whenever it is sent. */
export interface ClientRequest {
  /** Any text, which the client has made up for itself. */
  readonly sessionId: string;
  /** An integer of 0 or more; the client counts them up. */
  readonly requestId: number;
}

const sessionsTable = "_client_sessions";
const hourMs = 60 * 60_000;
const keptHours = 24;
/** More than a client has under way. */
const keptAnswers = 1_000;
const maxAnswerChars = 64 * 1024;
const sessionsInBatch = 50;

interface SeenSession {
  readonly sessionId: string;
  readonly hour: number;
}

/** Answers are kept as JSON, and as an empty text where they were too large. */
const textCodec: CellCodec<string> = { encode: String, decode: String };
const notKept = "";
const hourCodec: CellCodec<number> = { encode: String, decode: Number };

/** The answer that a request got before; undefined when it has not run. @throws ANSWER_NOT_KEPT when it was too large */
export async function answeredBefore(
  tx: MutationTransaction,
  request: ClientRequest,
): Promise<{ readonly value: Value } | undefined> {
  const found = tx.component("").cells(textCodec).get(answerCell(request));
  const text = found instanceof Promise ? await found : found;
  if (text === undefined) return undefined;
  if (text === notKept) throw new TrueupError("ANSWER_NOT_KEPT", undefined, { requestId: request.requestId });
  return { value: jsonToConvex(JSON.parse(text) as JSONValue) };
}

/**
 * Keeps the answer to a request, and forgets that of the one a thousand before it.
 * @param value What the mutation returned; undefined where it cannot be known before the commit.
 */
export async function keepAnswer(
  tx: MutationTransaction,
  request: ClientRequest,
  value: Value | undefined,
): Promise<void> {
  await noteSession(tx, request.sessionId);
  const cells = tx.component("").cells(textCodec);
  const text = value === undefined ? notKept : JSON.stringify(convexToJson(value));
  cells.store(answerCell(request), text.length <= maxAnswerChars ? text : notKept);
  const requestId = request.requestId - keptAnswers;
  if (requestId >= 0) cells.set(answerCell({ ...request, requestId }), undefined);
}

/** Forgets the sessions that nobody has seen for a day, in transactions of some of them. */
export async function forgetSessions(database: Database, nowMs: number): Promise<void> {
  const lastHour = Math.floor(nowMs / hourMs) - keptHours;
  for (let isOver = false; !isOver;) {
    const { value } = await database.mutate((tx) => forgetSome(tx, lastHour), { limits: null });
    isOver = value < sessionsInBatch;
  }
}

/** Returns how many notes of sessions it has removed. */
async function forgetSome(tx: MutationTransaction, lastHour: number): Promise<number> {
  const sessions = tx.system("");
  const oldest = await readAll<SeenSession>(sessions, sessionsTable, sessionsInBatch);
  const over = oldest.filter(({ hour }) => hour <= lastHour);
  const hours = tx.component("").cells(hourCodec);
  const answers = tx.component("").cells(textCodec);
  for (const { _id, sessionId, hour } of over) {
    await sessions.delete(_id, sessionsTable);
    // It was seen in a later hour, too, whose note stays.
    if ((await hours.get(sessionCell(sessionId))) !== hour) continue;
    hours.set(sessionCell(sessionId), undefined);
    const names = await answers.names(answersOf(sessionId), keptAnswers * 2);
    for (const name of names) answers.set(name, undefined);
  }
  return over.length;
}

async function noteSession(tx: MutationTransaction, sessionId: string): Promise<void> {
  const hour = Math.floor(tx.beganAtMs / hourMs);
  const found = tx.component("").cells(hourCodec).get(sessionCell(sessionId));
  const known = found instanceof Promise ? await found : found;
  if (known === hour) return;
  // Its first document is what makes the app a component that has cells.
  await tx.system("").insert(sessionsTable, { sessionId, hour });
  tx.component("").cells(hourCodec).set(sessionCell(sessionId), hour);
}

function sessionCell(sessionId: string): string {
  return `session/${nameOf(sessionId)}`;
}

function answersOf(sessionId: string): string {
  return `answer/${nameOf(sessionId)}/`;
}

function answerCell({ sessionId, requestId }: ClientRequest): string {
  return answersOf(sessionId) + requestId;
}

/** Names of cells have chars of one byte, and a session may not reach into another one's names. */
function nameOf(sessionId: string): string {
  return encodeURIComponent(sessionId);
}
