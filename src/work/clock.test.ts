import { afterEach, expect, test, vi } from "vitest";
import { currentClock, keepAlive, pause, platformClock } from "./clock.js";

afterEach(() => void vi.useRealTimers());

test.each([0, 5])(
  "the platform's clock calls back after %i ms, and not when that was canceled",
  async (ms) => {
    vi.useFakeTimers();
    const called: string[] = [];
    platformClock.after(ms, () => called.push("kept"));
    const cancel = platformClock.after(ms, () => called.push("canceled"));
    cancel();
    await pause(50);
    expect(called).toEqual(["kept"]);
  },
);

test("what is due at once on the platform's clock waits for no timer", async () => {
  const order: string[] = [];
  setImmediate(() => order.push("before"));
  platformClock.after(0, () => order.push("due"));
  setImmediate(() => order.push("after"));
  await pause(20);
  expect(order).toEqual(["before", "due", "after"]);
});

test("the current clock is the one that a test has put in place", () => {
  vi.useFakeTimers({ now: 1000 });
  const called: number[] = [];
  currentClock.after(10, () => called.push(currentClock.now()));
  const cancel = currentClock.after(5, () => called.push(-1));
  cancel();
  vi.advanceTimersByTime(20);
  expect(called).toEqual([1010]);
});

test("the current clock's timers may be plain numbers", () => {
  vi.stubGlobal("setTimeout", (): number => 7);
  vi.stubGlobal("clearTimeout", () => {});
  expect(() => currentClock.after(10, () => {})()).not.toThrow();
  vi.unstubAllGlobals();
});

test("the process is kept alive only until the promise is settled", async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  const before = timers();
  let settle = (): void => {};
  const kept = keepAlive(
    new Promise<void>((resolve) => {
      settle = resolve;
    }),
  );
  expect(timers()).toBe(before + 1);
  settle();
  await kept;
  expect(timers()).toBe(before);
});
