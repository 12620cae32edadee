import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeResend } from "./setup/fake-resend.js";
import { eventually, PackageApp } from "./setup/package-app.js";

const resend = await fakeResend();
const app = new PackageApp("everyday", resend.env);

/** What the app has noted on a topic. */
const log = async (topic: string): Promise<string[]> => (await app.query("log:list", { topic })) as string[];

interface Listing {
  readonly page: readonly {
    readonly role: string;
    readonly text: string;
    readonly parts: readonly unknown[];
  }[];
}

const listing = (threadId: string): Record<string, unknown> => ({
  threadId,
  paginationOpts: { numItems: 10, cursor: null },
  streamArgs: { kind: "list", startOrder: 0 },
});

async function messages(threadId: string): Promise<Listing> {
  return (await app.query("assistant:listThreadMessages", listing(threadId))) as Listing;
}

beforeAll(async () => {
  await app.start();
  await app.setEnv({ RESEND_API_KEY: "re_key", RESEND_WEBHOOK_SECRET: resend.webhookSecret });
  await app.convex("deploy");
});
afterAll(async () => {
  await app.remove();
  await resend.close();
});

test("rate-limiter lets so many through, and says when the next may come", async () => {
  const send = (fails = false): Promise<unknown> => app.mutation("limits:send", { user: "ada", fails });
  await expect(send(true)).rejects.toThrow("not sent");
  const sent = [await send(), await send(), await send(), await send()];
  expect(sent.slice(0, 3)).toEqual(Array(3).fill({ ok: true }));
  expect(sent[3]).toEqual({ ok: false, retryAfter: expect.any(Number) });
  expect(await app.mutation("limits:send", { user: "bob" })).toEqual({ ok: true });
  expect(await app.query("limits:getRateLimit")).toMatchObject({
    value: expect.any(Number),
    config: { capacity: 3 },
  });
  const signUps = [1, 2, 3].map(async () => ((await app.mutation("limits:signUp")) as { ok: boolean }).ok);
  expect((await Promise.all(signUps)).filter(Boolean)).toHaveLength(2);
});

test("rate-limiter throws what clients can read, and forgets when it is told to", async () => {
  const logIn = (password: string): Promise<unknown> =>
    app.mutation("limits:logIn", { user: "eve", password });
  await logIn("wrong");
  await logIn("wrong");
  await expect(logIn("wrong")).rejects.toMatchObject({
    data: { kind: "RateLimited", name: "failedLogins" },
  });
  expect(await app.query("limits:canLogIn", { user: "eve" })).toBe(false);
  await logIn("right");
  expect(await app.query("limits:canLogIn", { user: "eve" })).toBe(true);
});

test("rate-limiter takes updates in the background", async () => {
  expect(await app.mutation("limits:useTokens", { count: 5 })).toMatchObject([{ ok: true }, { ok: true }]);
  await eventually(() => app.query("limits:tokensLeft")).toBe(false);
});

test("workpool runs jobs a few at a time, tries again what failed, and tells of each once", async () => {
  const cities = Array.from({ length: 8 }, (_, n) => `City ${n}`);
  await app.mutation("jobs:downloadLatestWeather", { cities: [...cities, "Atlantis"] });
  const expected = cities.map((city) => `${city}: sunny in ${city}`);
  await eventually(async () => (await log("weather")).toSorted()).toEqual(expected);
  await eventually(() => log("failed")).toEqual(["Atlantis"]);
  await app.mutation("jobs:countUp", { times: 20 });
  await eventually(() => log("counter")).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
});

test("workpool cancels a job that waits", async () => {
  const id = await app.mutation("jobs:later");
  expect(await app.query("jobs:status", { id })).toBe("pending");
  await app.mutation("jobs:cancel", { id });
  await eventually(() => app.query("jobs:status", { id })).toBe("finished");
  await eventually(() => log("canceled")).toEqual(["Later"]);
});

test("workflow goes through its steps, waits for an event, and ends once", async () => {
  const id = await app.mutation("onboarding:begin", { user: "Ada", pauseMs: 1 });
  await eventually(() => app.query("onboarding:steps", { id })).toHaveLength(5);
  expect(await log("ended for Ada")).toEqual([]);
  await app.mutation("onboarding:confirm", { id, confirmed: true });
  await eventually(() => log("ended for Ada")).toEqual(["welcome"]);
  expect(await log("delivered to Ada")).toEqual(["Dear Ada, how are you?", "follow-up 1", "follow-up 2"]);
  expect(await app.query("onboarding:status", { id })).toBe("completed");
});

test("workflow that is canceled does nothing more", async () => {
  const id = await app.mutation("onboarding:begin", { user: "Bob", pauseMs: 3_600_000 });
  await eventually(() => app.query("onboarding:steps", { id })).toHaveLength(4);
  await app.mutation("onboarding:cancel", { id });
  await eventually(() => log("ended for Bob")).toEqual(["canceled"]);
});

test("action-retrier tries again until it has worked, has failed too often, or is canceled", async () => {
  await app.mutation("retries:start", { name: "ok", failures: 2 });
  await app.mutation("retries:start", { name: "bad", failures: 9 });
  await app.mutation("retries:startAndCancel", { name: "never" });
  await eventually(async () => (await log("retried")).toSorted()).toEqual([
    "canceled",
    "failed",
    "success after 3",
  ]);
});

test("crons are registered and removed while the app runs", async () => {
  await app.mutation("timers:register");
  expect(await app.query("timers:list")).toEqual([{ name: "ticks", kind: "interval" }, { kind: "cron" }]);
  await eventually(async () => (await log("timers")).length).toBeGreaterThan(1);
  await app.mutation("timers:remove", { name: "ticks" });
  expect(await app.query("timers:list")).toEqual([{ kind: "cron" }]);
});

test("sharded-counter counts exactly what many add at once", async () => {
  await Promise.all(Array.from({ length: 20 }, (_, n) => app.mutation("counters:check", { by: n })));
  await app.mutation("counters:uncheck");
  expect(await app.query("counters:count")).toBe(189);
  expect(await app.query("counters:estimate")).toBe(189);
  await app.mutation("counters:reset");
  expect(await app.query("counters:count")).toBe(0);
});

test("presence tells who watches of those who come, leave, and fall silent", async () => {
  const beat = async (
    userId: string,
    interval: number,
  ): Promise<{ roomToken: string; sessionToken: string }> =>
    (await app.mutation("presence:heartbeat", {
      roomId: "hall",
      userId,
      sessionId: userId,
      interval,
    })) as never;
  const { roomToken } = await beat("Ada", 60_000);
  const watched = app.watch("presence:list", { roomToken });
  const online = (): string[] =>
    ((watched.value ?? []) as { userId: string; online: boolean }[])
      .filter((user) => user.online)
      .map((user) => user.userId)
      .toSorted();
  await eventually(online).toEqual(["Ada"]);
  const { sessionToken } = await beat("Bob", 60_000);
  await eventually(online).toEqual(["Ada", "Bob"]);
  await app.mutation("presence:disconnect", { sessionToken });
  await eventually(online).toEqual(["Ada"]);
  await beat("Cid", 400);
  await eventually(online).toEqual(["Ada", "Cid"]);
  await eventually(online).toEqual(["Ada"]);
  await watched.close();
});

test("resend sends what waits in one batch, each once, and hears what became of it", async () => {
  const send = (subject: string): Promise<unknown> => app.mutation("emails:send", { subject });
  const [first, second, again, unwanted] = [
    await send("one"),
    await send("two"),
    await send("one"),
    await send("no"),
  ];
  expect(again).toBe(first);
  await app.mutation("emails:cancel", { id: unwanted });
  await eventually(() => app.query("emails:status", { id: first })).toBe("sent");
  expect(await app.query("emails:status", { id: second })).toBe("sent");
  expect(await app.query("emails:status", { id: unwanted })).toBe("cancelled");
  expect(resend.sent().map(({ subject }) => subject)).toEqual(["one", "two"]);
  expect((await resend.deliver(app, "one")).status).toBe(201);
  await eventually(() => app.query("emails:status", { id: first })).toBe("delivered");
  await eventually(() => log("emails")).toEqual(["email.delivered"]);
});

test("persistent-text-streaming streams to who asks, and stores for all", async () => {
  const streamId = await app.mutation("chat:createChat", { prompt: "Hello" });
  const body = (): Promise<unknown> => app.query("chat:getChatBody", { streamId });
  const request = { method: "POST", body: JSON.stringify({ streamId }) };
  expect(await body()).toEqual({ text: "", status: "pending" });
  const text = "Hi there! How are you? Pretend I'm an AI or something!";
  expect(await (await app.fetch("/chat-stream", request)).text()).toBe(text);
  await eventually(body).toEqual({ text, status: "done" });
  expect((await app.fetch("/chat-stream", request)).status).toBe(205);
});

test("prosemirror-sync merges what several write, the server among them", async () => {
  const id = "notes";
  const doc = (text: string): object => ({
    type: "doc",
    content: [{ type: "paragraph", content: [{ type: "text", text }] }],
  });
  const insert = (at: number, text: string): string =>
    JSON.stringify({ stepType: "replace", from: at, to: at, slice: { content: [{ type: "text", text }] } });
  await app.mutation("documents:submitSnapshot", { id, version: 1, content: JSON.stringify(doc("you")) });
  const submit = (clientId: string, version: number, step: string): Promise<unknown> =>
    app.mutation("documents:submitSteps", { id, version, clientId, steps: [step] });
  expect(await submit("ada", 1, insert(1, "dear "))).toEqual({ status: "synced" });
  expect(await submit("bob", 1, insert(4, "!"))).toEqual({
    status: "needs-rebase",
    clientIds: ["ada"],
    steps: [insert(1, "dear ")],
  });
  expect(await submit("bob", 2, insert(9, "!"))).toEqual({ status: "synced" });
  expect(await app.action("documents:sayHello", { id })).toBe("Hello world, dear you!");
  expect(await app.query("documents:latestVersion", { id })).toBe(4);
  expect(await app.query("documents:getSteps", { id, version: 3 })).toMatchObject({
    clientIds: ["transform"],
  });
  expect(await app.query("documents:getSnapshot", { id })).toEqual({
    version: 4,
    content: JSON.stringify(doc("Hello world, dear you!")),
  });
  expect(await log("snapshots")).toEqual(["notes 1"]);
});

test("agent answers with the help of a tool, and remembers the thread", async () => {
  const threadId = (await app.mutation("assistant:begin")) as string;
  expect(await app.action("assistant:ask", { threadId, prompt: "How is Oslo?" })).toBe(
    "Take an umbrella to Oslo.",
  );
  const { page } = await messages(threadId);
  expect(page.map(({ role, text }) => [role, text])).toEqual([
    ["user", "How is Oslo?"],
    ["assistant", "Take an umbrella to Oslo."],
  ]);
  expect(page[1]?.parts).toContainEqual(
    expect.objectContaining({ type: "tool-getWeather", output: "rain in Oslo" }),
  );
  expect(await log("usage")).toEqual(["Weather Agent 13", "Weather Agent 13"]);
});

test("agent streams an answer in the background to everybody who watches the thread", async () => {
  const threadId = (await app.mutation("assistant:begin")) as string;
  const watched = app.watch("assistant:listThreadMessages", listing(threadId));
  await app.mutation("assistant:askForPoem", { threadId, prompt: "A poem, please" });
  const texts = (): unknown => (watched.value as Listing | undefined)?.page.map(({ text }) => text);
  await eventually(texts).toEqual(["A poem, please", "Roses are red, violets are blue."]);
  await watched.close();
});

test("what was under way goes on after the server was killed", async () => {
  const id = await app.mutation("onboarding:begin", { user: "Cid", pauseMs: 2_000 });
  await eventually(() => app.query("onboarding:steps", { id })).toHaveLength(4);
  const counted = (await log("counter")).length;
  await app.mutation("jobs:countUp", { times: 20, runAfter: 2_000 });
  await app.mutation("timers:register");
  await app.kill();
  await app.start();
  await eventually(() => app.query("onboarding:steps", { id })).toHaveLength(5);
  await app.mutation("onboarding:confirm", { id, confirmed: false });
  await eventually(() => log("ended for Cid")).toEqual(["farewell"]);
  expect(await log("delivered to Cid")).toEqual(["Dear Cid, how are you?", "follow-up 1", "follow-up 2"]);
  const all = Array.from({ length: counted + 20 }, (_, n) => String(n));
  await eventually(() => log("counter")).toEqual(all);
  const ticks = (await log("timers")).length;
  await eventually(async () => (await log("timers")).length).toBeGreaterThan(ticks);
});
