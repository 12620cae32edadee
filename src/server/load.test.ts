import { expect, test } from "vitest";
import { Load } from "./load.js";

const kib = 1024;

test("over the limit of bytes, who has much in hand is refused, and who has little is served", () => {
  const load = new Load({ bytes: 1000 * kib, calls: 1 });
  const [greedy, other, modest] = [load.share(), load.share(), load.share()];
  expect(greedy.add(900 * kib)).toBe(true);
  expect(other.add(200 * kib)).toBe(false);
  expect(modest.add(64 * kib)).toBe(true);
  expect(modest.add(1)).toBe(false);
  expect(load.refused.bytes).toBe(2);
  other.clear();
  greedy.remove(500 * kib);
  expect(modest.add(100 * kib)).toBe(true);
  greedy.clear();
  modest.clear();
  expect(load.figures).toEqual({ bytes: 0, calls: 0 });
});

test("over the limit of calls, who has only a few may add to them, until there are twice as many", () => {
  const load = new Load({ bytes: 1, calls: 100 });
  const calls = (count: number, own: number): number =>
    Array.from({ length: count }, () => load.beginCall(own)).filter(Boolean).length;
  expect(calls(150, 50)).toBe(100);
  expect(calls(150, 10)).toBe(100);
  expect(calls(1, 0)).toBe(0);
  expect(load.refused.calls).toBe(50 + 50 + 1);
  load.endCall();
  expect([calls(1, 11), calls(1, 0)]).toEqual([0, 1]);
});
