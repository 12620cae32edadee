import { expect, test, vi } from "vitest";
import { touchesNothing } from "./commit-request.js";
import { CommitListeners } from "./commit-listeners.js";
import type { Commit } from "./storage.js";

const commit: Commit = {
  version: 1,
  isOwn: true,
  writes: [["a", "1"]],
  adds: [],
  touched: touchesNothing,
};

test("listeners are called in the order in which they were added, each as often as it was", () => {
  const listeners = new CommitListeners();
  const calls: string[] = [];
  const first = (): unknown => calls.push("first");
  const stop = listeners.add(first);
  listeners.add(({ version }) => calls.push(`second ${version}`));
  const stopAgain = listeners.add(first);
  listeners.notify(commit);
  expect(calls.splice(0)).toEqual(["first", "second 1", "first"]);
  stop();
  stop();
  listeners.notify(commit);
  expect(calls.splice(0)).toEqual(["second 1", "first"]);
  stopAgain();
  listeners.notify(commit);
  expect(calls).toEqual(["second 1"]);
});

test("a listener that throws keeps no other one from hearing, and its error is not lost", async () => {
  const listeners = new CommitListeners();
  const later: (() => void)[] = [];
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) => void later.push(run));
  const heard: Commit[] = [];
  listeners.add(() => {
    throw new Error("on purpose");
  });
  listeners.add((told) => heard.push(told));
  listeners.notify(commit);
  vi.restoreAllMocks();
  expect(heard).toEqual([commit]);
  expect(later.length).toBe(1);
  expect(later[0]).toThrow("on purpose");
});
