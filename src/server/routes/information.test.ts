/** Whether a server says that it is fit to be sent requests. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { memory, openBackend, type Backend } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { startServer, type RunningServer } from "../index.js";

let backend: Backend;
let server: RunningServer;
beforeEach(async () => {
  backend = await openBackend({ storage: memory(), log: "silent" });
  server = await startServer(backend, { port: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await server.close();
  await backend.close();
});

const ask = async (path: string): Promise<[number, unknown]> => {
  const response = await fetch(server.url + path);
  return [response.status, await response.json()];
};
const unavailable = expect.objectContaining({ code: "STORAGE_UNAVAILABLE" }) as unknown;

test.each(["/health", "/readyz"])(
  "%s says so while the storage answers, and 503 while it does not",
  async (path) => {
    expect(await ask(path)).toEqual([200, { status: "ready" }]);
    const lost = vi.spyOn(backend.database.storage, "latest");
    lost.mockRejectedValue(new TrueupError("STORAGE_UNAVAILABLE"));
    expect(await ask(path)).toEqual([503, unavailable]);
    // The process itself is fine, and there is no use in starting it again.
    expect(await ask("/healthz")).toEqual([200, { status: "ok" }]);
    lost.mockRestore();
    expect(await ask(path)).toEqual([200, { status: "ready" }]);
  },
);

test("a server that cannot load the program which another process has put in place is not fit", async () => {
  const failure = new TrueupError("MODULE_FAILED");
  vi.spyOn(backend.deploy, "programFailure", "get").mockReturnValue(failure);
  expect(await ask("/health")).toEqual([503, expect.objectContaining({ code: "MODULE_FAILED" })]);
});

test("a server that hears nothing of the others for five seconds is not fit", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const asked = vi.spyOn(backend.database.storage, "latest");
  asked.mockImplementation(() => new Promise<never>(() => {}));
  const answer = ask("/health");
  await expect.poll(() => asked.mock.calls.length).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await answer).toEqual([503, unavailable]);
});
