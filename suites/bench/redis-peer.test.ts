/**
 * Runs the bench's peer Redis against a server that speaks its protocol and keeps sorted sets in arrays: requests and replies
 * in pieces of any size must come out the same.
 */
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Items, questionTypes } from "../../bench/aggregate/items.js";
import { redisSubject } from "../../bench/aggregate/redis-peer.js";
import { Redis } from "../../bench/harness/redis.js";

let server: Server;
let port = 0;
let pieceBytes = Infinity;
const scores = new Map<string, number>();

beforeAll(async () => {
  server = createServer((socket) => {
    let received = "";
    socket.on("data", (data) => {
      received += data.toString("latin1");
      for (let request = takeRequest(); request !== null; request = takeRequest()) {
        writeInPieces(socket, encode(answer(request)));
      }
    });
    /** The next request, when all of it is there. */
    function takeRequest(): string[] | null {
      const lines = received.split("\r\n");
      const words = Number(lines[0]?.slice(1));
      if (received === "" || lines.length < 2 * words + 2) return null;
      received = lines.slice(2 * words + 1).join("\r\n");
      return lines.slice(1, 2 * words + 1).filter((_, index) => index % 2 === 1);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => void server.close());

function writeInPieces(socket: Socket, reply: string): void {
  for (let at = 0; at < reply.length; at += pieceBytes) {
    socket.write(reply.slice(at, at + pieceBytes), "latin1");
  }
}

function answer([command = "", , ...args]: string[]): unknown {
  const sorted = [...scores].toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  const [first = "", second = ""] = args;
  switch (command) {
    case "PING":
      return { line: "PONG" };
    case "DEL":
      return scores.clear();
    case "ZADD":
      return add(second, Number(first));
    case "ZREM":
      return Number(scores.delete(first));
    case "ZCARD":
      return scores.size;
    case "ZCOUNT":
      return sorted.filter(([, x]) => x >= Number(first) && x < Number(second.slice(1))).length;
    case "ZRANK":
      return sorted.findIndex(([member]) => member === first);
    case "ZRANGE":
      return sorted.slice(Number(first), Number(second) + 1).flatMap(([member, x]) => [member, String(x)]);
    case "MEMORY":
      return scores.size * 100;
    default:
      return new Error(`ERR unknown command '${command}'`);
  }
}

function add(member: string, score: number): number {
  const isNew = !scores.has(member);
  scores.set(member, score);
  return Number(isNew);
}

function encode(reply: unknown): string {
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") return `$${reply.length}\r\n${reply}\r\n`;
  if (Array.isArray(reply)) return `*${reply.length}\r\n${reply.map(encode).join("")}`;
  if (reply instanceof Error) return `-${reply.message}\r\n`;
  return `+${(reply as { line?: string } | undefined)?.line ?? "OK"}\r\n`;
}

test.each([Infinity, 1, 7])("a sorted set answers what it is asked, in pieces of %d bytes", async (bytes) => {
  pieceBytes = bytes;
  const redis = await Redis.find(port);
  if (redis === null) throw new Error("the server does not answer");
  const items = new Items(300);
  const peer = await redisSubject(redis, items);
  for (const type of questionTypes.filter((each) => !peer.unanswered.includes(each))) {
    const questions = Array.from({ length: 5 }, () => items.ask(type));
    expect(await peer.answer(questions)).toEqual(questions.map((question) => items.answer(question)));
  }
  const fresh = items.fresh();
  await peer.insert([fresh]);
  await peer.replace(fresh, items.moved(fresh));
  expect(await peer.totals()).toMatchObject({ count: 301 });
  await peer.remove([fresh]);
  expect(await peer.totals()).toMatchObject({ count: 300 });
  expect(await peer.footprint()).toMatchObject({ bytesPerItem: 100 });
  await expect(redis.send("NONSENSE")).resolves.toBeInstanceOf(Error);
  await peer.close();
});

test("where nobody listens there is no Redis", async () => {
  expect(await Redis.find(1)).toBeNull();
});
