/**
 * A sorted set of Redis as a peer: members are the items' ids, scores their keys. It has no sums. In a query of many
 * questions the requests are pipelined, as are the writes of a batch. It is as durable as the server is set to be.
 */
import type { Redis, Reply } from "../harness/redis.js";
import {
  pageSize,
  percentileOffset,
  type BenchItem,
  type Items,
  type Question,
  type Subject,
} from "./items.js";

export const redisFixture = "Redis";
const set = "trueup:bench";
const fillBatch = 1000;

export async function redisSubject(redis: Redis, items: Items): Promise<Subject> {
  await redis.send("DEL", set);
  for (let start = 0; start < items.size; start += fillBatch) {
    await add(redis, items.all.slice(start, start + fillBatch));
  }
  return {
    name: redisFixture,
    hasCalls: true,
    unanswered: ["sum"],
    insert: (added) => add(redis, added),
    replace: (from, to) => add(redis, [{ ...to, id: from.id }]),
    remove: async (removed) => {
      const replies = await Promise.all(removed.map(({ id }) => redis.send("ZREM", set, id)));
      for (const reply of replies) numberOf(reply);
    },
    answer: (questions) => Promise.all(questions.map((question) => ask(redis, question))),
    totals: async () => ({ count: numberOf(await redis.send("ZCARD", set)), sum: null }),
    footprint: async () => {
      const bytes = numberOf(await redis.send("MEMORY", "USAGE", set, "SAMPLES", 0));
      return { bytesPerItem: bytes / items.size, openMs: null };
    },
    close: async () => {
      await redis.send("DEL", set);
      redis.close();
    },
  };
}

async function add(redis: Redis, items: readonly BenchItem[]): Promise<void> {
  const replies = await Promise.all(items.map(({ key, id }) => redis.send("ZADD", set, key, id)));
  for (const reply of replies) numberOf(reply);
}

async function ask(redis: Redis, question: Question): Promise<number> {
  switch (question.type) {
    case "count":
      return numberOf(await redis.send("ZCOUNT", set, question.lower, `(${question.upper}`));
    case "at":
      return (await scores(redis, question.offset, 1))[0] ?? Number.NaN;
    case "indexOf":
      return numberOf(await redis.send("ZRANK", set, `item-${question.key}`));
    case "percentile": {
      const count = numberOf(await redis.send("ZCARD", set));
      return (await scores(redis, percentileOffset(count, question.percent), 1))[0] ?? Number.NaN;
    }
    case "page":
      return (await scores(redis, question.offset, pageSize)).reduce((sum, key) => sum + key, 0);
    case "sum":
      throw new Error("a sorted set has no sums");
  }
}

async function scores(redis: Redis, offset: number, limit: number): Promise<number[]> {
  const reply = await redis.send("ZRANGE", set, offset, offset + limit - 1, "WITHSCORES");
  if (!Array.isArray(reply)) throw new Error(`Redis says ${String(reply)}`);
  return reply.filter((_, index) => index % 2 === 1).map(Number);
}

function numberOf(reply: Reply): number {
  if (typeof reply === "number") return reply;
  throw new Error(`Redis says ${String(reply)}`);
}
