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

test("turns stay in order while others come, however long the queue has been", async () => {
  const queue = new SerialQueue();
  const served: number[] = [];
  const turns: Promise<void>[] = [];
  const take = (index: number): void => {
    turns.push(
      queue.enter().then(() => {
        served.push(index);
        // Each of the first turns brings another one, so the queue is never empty where it is cut.
        if (index < 3000) take(index + 3000);
        queue.leave();
      }),
    );
  };
  for (let index = 0; index < 3000; index++) take(index);
  while (turns.length > 0) await Promise.all(turns.splice(0));
  expect(served).toEqual(Array.from({ length: 6000 }, (_, index) => index));
  expect(queue.hasWaiting).toBe(false);
});

test("a turn that nobody waits for is free at once", async () => {
  const queue = new SerialQueue();
  const order: string[] = [];
  await queue.enter();
  queue.leave();
  await queue.enter();
  const second = queue.enter().then(() => order.push("second"));
  order.push("first leaves");
  queue.leave();
  await second;
  expect(order).toEqual(["first leaves", "second"]);
});

test("closing an idle queue ends at once, and refuses whoever comes", async () => {
  const queue = new SerialQueue();
  await queue.close();
  await queue.close();
  await expect(queue.enter()).rejects.toMatchObject({ code: "STORAGE_CLOSED" });
});

test("closing refuses those that wait, and ends with the turn under way", async () => {
  const queue = new SerialQueue();
  await queue.enter();
  const refused = Promise.allSettled([queue.enter(), queue.enter()]);
  let isClosed = false;
  const closing = queue.close().then(() => (isClosed = true));
  expect(await refused).toMatchObject([
    { status: "rejected", reason: { code: "STORAGE_CLOSED" } },
    { status: "rejected", reason: { code: "STORAGE_CLOSED" } },
  ]);
  expect([isClosed, queue.hasWaiting]).toEqual([false, false]);
  queue.leave();
  await closing;
  await expect(queue.enter()).rejects.toMatchObject({ code: "STORAGE_CLOSED" });
});
