/**
 * Keeps the answers to a client's mutations while the client may ask again. After a lost connection it sends the mutations again
 * whose effect it has not seen, under the same ids, and each must run once.
 */
import type { CallResponse } from "./server-messages.js";

/** An answer, with the commit that a client must have seen before it takes the mutation as applied; 0 when there is none. */
export interface AnsweredMutation {
  readonly response: CallResponse;
  readonly version: number;
}

/** More than a client has under way. */
const maxAnswers = 1_000;
const keptAfterDisconnectMs = 10 * 60_000;

interface Session {
  readonly answers: Map<number, Promise<AnsweredMutation>>;
  connections: number;
  forgetting: NodeJS.Timeout | null;
}

export class AnsweredMutations {
  readonly #sessions = new Map<string, Session>();

  /** Begins to keep a session's answers, until `disconnect` is called as often. */
  connect(sessionId: string): void {
    const session = this.#sessions.get(sessionId) ?? { answers: new Map(), connections: 0, forgetting: null };
    this.#sessions.set(sessionId, session);
    session.connections += 1;
    if (session.forgetting !== null) clearTimeout(session.forgetting);
    session.forgetting = null;
  }

  disconnect(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    session.connections -= 1;
    if (session.connections > 0) return;
    session.forgetting = setTimeout(() => this.#sessions.delete(sessionId), keptAfterDisconnectMs);
    session.forgetting.unref();
  }

  /** The answer to a request: the one that it got before, or is about to get, else that of `run`. */
  once(
    sessionId: string,
    requestId: number,
    run: () => Promise<AnsweredMutation>,
  ): Promise<AnsweredMutation> {
    const answers = this.#sessions.get(sessionId)?.answers;
    const known = answers?.get(requestId);
    if (known !== undefined) return known;
    const answer = run();
    if (answers !== undefined) {
      answers.set(requestId, answer);
      for (const oldest of answers.keys()) {
        if (answers.size <= maxAnswers) break;
        answers.delete(oldest);
      }
    }
    return answer;
  }

  clear(): void {
    for (const { forgetting } of this.#sessions.values()) if (forgetting !== null) clearTimeout(forgetting);
    this.#sessions.clear();
  }
}
