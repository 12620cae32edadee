/** Takes the fake timers of a test file away at its end, since files of the same process follow it. */
import { afterAll, vi } from "vitest";

afterAll(() => {
  vi.useRealTimers();
});
