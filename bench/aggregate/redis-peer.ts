/**
 * A sorted set of Redis as a peer: members are the items' ids, scores their keys. It has no sums. In a query of many
 * questions the requests are pipelined, as are the writes of a batch. As durable as the server is set to be.
 */
import type { Redis, Reply } from "../harness/redis.js";
import { PAGE_SIZE, percentileOffset, type BenchItem, type Items, type Question } from "./items.js";
import type { Subject } from "./subjects.js";

export const REDIS = "Redis";
const SET = "trueup:bench";
const FILL_BATCH = 1000;

export async function redisSubject(redis: Redis, items: Items): Promise<Subject> {
  await redis.send("DEL", SET);
  for (let start = 0; start < items.size; start += FILL_BATCH) {
    await add(redis, items.all.slice(start, start + FILL_BATCH));
  }
  return {
    name: REDIS,
    hasCalls: true,
    unanswered: ["sum"],
    insert: (added) => add(redis, added),
    replace: (from, to) => add(redis, [{ ...to, id: from.id }]),
    remove: async (removed) => {
      const replies = await Promise.all(removed.map(({ id }) => redis.send("ZREM", SET, id)));
      for (const reply of replies) numberOf(reply);
    },
    answer: (questions) => Promise.all(questions.map((question) => ask(redis, question))),
    totals: async () => ({ count: numberOf(await redis.send("ZCARD", SET)), sum: null }),
    footprint: async () => {
      const bytes = numberOf(await redis.send("MEMORY", "USAGE", SET, "SAMPLES", 0));
      return { bytesPerItem: bytes / items.size, openMs: null };
    },
    close: async () => {
      await redis.send("DEL", SET);
      redis.close();
    },
  };
}

async function add(redis: Redis, items: readonly BenchItem[]): Promise<void> {
  const replies = await Promise.all(items.map(({ key, id }) => redis.send("ZADD", SET, key, id)));
  for (const reply of replies) numberOf(reply);
}

async function ask(redis: Redis, question: Question): Promise<number> {
  switch (question.type) {
    case "count":
      return numberOf(await redis.send("ZCOUNT", SET, question.lower, `(${question.upper}`));
    case "at":
      return (await scores(redis, question.offset, 1))[0] ?? Number.NaN;
    case "indexOf":
      return numberOf(await redis.send("ZRANK", SET, `item-${question.key}`));
    case "percentile": {
      const count = numberOf(await redis.send("ZCARD", SET));
      return (await scores(redis, percentileOffset(count, question.percent), 1))[0] ?? Number.NaN;
    }
    case "page":
      return (await scores(redis, question.offset, PAGE_SIZE)).reduce((sum, key) => sum + key, 0);
    case "sum":
      throw new Error("a sorted set has no sums");
  }
}

async function scores(redis: Redis, offset: number, limit: number): Promise<number[]> {
  const reply = await redis.send("ZRANGE", SET, offset, offset + limit - 1, "WITHSCORES");
  if (!Array.isArray(reply)) throw new Error(`Redis says ${String(reply)}`);
  return reply.filter((_, index) => index % 2 === 1).map(Number);
}

function numberOf(reply: Reply): number {
  if (typeof reply === "number") return reply;
  throw new Error(`Redis says ${String(reply)}`);
}
