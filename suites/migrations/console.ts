/** Fake timers and a silent console around each test of a file, because migrations print to whoever runs them. */
import { afterEach, beforeEach, vi } from "vitest";

/** Call once at the top of a test file. */
export function quietFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    for (const method of ["debug", "info", "log", "warn", "error"] as const) {
      vi.spyOn(console, method).mockImplementation(() => undefined);
    }
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}
