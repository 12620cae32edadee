import { expect, test } from "vitest";
import { SerialQueue } from "./serial-queue.js";

test("thousands of waiting turns are served in order", async () => {
  const queue = new SerialQueue();
  const served: number[] = [];
  await Promise.all(
    Array.from({ length: 5000 }, async (_, index) => {
      await queue.enter();
      served.push(index);
      queue.leave();
    }),
  );
  expect(served).toEqual(Array.from({ length: 5000 }, (_, index) => index));
});

test("hasWaiting tells whether somebody waits", async () => {
  const queue = new SerialQueue();
  await queue.enter();
  expect(queue.hasWaiting).toBe(false);
  const second = queue.enter();
  expect(queue.hasWaiting).toBe(true);
  queue.leave();
  await second;
  expect(queue.hasWaiting).toBe(false);
  queue.leave();
});
