/** Collects rejections that nobody handles, before the test runner would fail the run. */

/** Runs, and resolves with the reasons of those that were left behind meanwhile. */
export async function unhandledRejections(run: () => Promise<unknown>): Promise<unknown[]> {
  const heard: unknown[] = [];
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => heard.push(reason));
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
  }
  return heard;
}
