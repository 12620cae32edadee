import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeVendors, stripeSubscription } from "./setup/fake-vendors.js";
import { eventually, PackageApp } from "./setup/package-app.js";
import { product, subscription } from "./setup/polar-objects.js";

const vendors = new FakeVendors();
await vendors.start();
const app = new PackageApp("shop", vendors.processEnv);

/** What the app has noted on a topic. */
const log = async (topic: string): Promise<string[]> => (await app.query("log:list", { topic })) as string[];

interface Page {
  readonly page: readonly unknown[];
  readonly isDone: boolean;
  readonly continueCursor: string;
}

/** Every page of a query. */
async function pagesOf(name: string, numItems: number): Promise<unknown[]> {
  const pages: unknown[] = [];
  let cursor: string | null = null;
  for (;;) {
    const found = (await app.query(name, { paginationOpts: { numItems, cursor } })) as Page;
    pages.push(found.page);
    if (found.isDone) return pages;
    cursor = found.continueCursor;
  }
}

beforeAll(async () => {
  await app.start();
  await app.setEnv({
    ...vendors.appEnv,
    SITE_URL: "https://shop.example",
    BETTER_AUTH_SECRET: "a secret of more than thirty-two characters",
  });
  await app.convex("deploy");
});
afterAll(async () => {
  await app.remove();
  await vendors.close();
});

/** What a new user sees who signs up, in and out. */
async function seenBy(email: string): Promise<unknown> {
  const siteUrl = (await app.query("auth:url")) as string;
  return JSON.parse(await app.runClient("log-in.js", siteUrl, email));
}

const expectedOf = (email: string): object => ({
  before: null,
  signedUp: email,
  session: "Ada",
  byHttp: email,
  bySocket: "for Ada only",
  signedOut: null,
  refused: "Unauthenticated",
  noToken: null,
  wrongPassword: "INVALID_EMAIL_OR_PASSWORD",
  taken: "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
  signedIn: email,
  again: "for Ada only",
});

test("better-auth signs up, in and out, and functions know who calls", async () => {
  expect(await seenBy("ada@example.com")).toEqual(expectedOf("ada@example.com"));
});

test("react-query renders a page on a server", async () => {
  await app.convex("run", "log:add", JSON.stringify({ topic: "page", text: "rendered" }));
  const html = await app.runClient("render.js");
  expect(html).toContain("<p>one: rendered</p>");
  expect(html).toContain("<p>two: rendered</p>");
});

test("r2 takes what clients upload, and notes it", async () => {
  const { key, url } = (await app.mutation("files:generateUploadUrl")) as { key: string; url: string };
  await fetch(url, { method: "PUT", headers: { "content-type": "image/png" }, body: "picture" });
  await app.mutation("files:syncMetadata", { key });
  await eventually(() => log("files")).toEqual([`uploaded ${key}`, `new ${key}`]);
  const found = (await app.query("files:getMetadata", { key })) as { url: string };
  expect(found).toMatchObject({ key, size: 7, contentType: "image/png", bucket: "pictures" });
  expect(await (await fetch(found.url)).text()).toBe("picture");
});

test("r2 stores what actions make, lists it by pages, and removes it", async () => {
  for (const key of ["a.txt", "b.txt"]) await app.action("files:store", { key, text: key });
  await expect(app.action("files:store", { key: "a.txt", text: "again" })).rejects.toThrow("Server Error");
  const url = (await app.query("files:url", { key: "a.txt" })) as string;
  expect(await (await fetch(url)).text()).toBe("a.txt");
  expect((await pagesOf("files:listMetadata", 2)).map((page) => (page as unknown[]).length)).toEqual([2, 1]);
  await app.mutation("files:deleteObject", { key: "a.txt" });
  await eventually(() => app.query("files:getMetadata", { key: "a.txt" })).toBeNull();
  await eventually(async () => (await fetch(url)).status).toBe(404);
});

test("stripe sells a subscription, and hears of it by signed events only", async () => {
  const ordered = { userId: "ada", priceId: "price_1" };
  const url = "https://checkout.stripe.com/cus_1/price_1";
  expect(await app.action("payments:checkOut", ordered)).toEqual({ isNew: true, url });
  expect(await app.action("payments:checkOut", ordered)).toEqual({ isNew: false, url });
  const tell = (type: string, object: object, secret?: string): Promise<number> =>
    vendors.tellOfStripe(app, `customer.subscription.${type}`, object, secret);
  const known = (): Promise<unknown> => app.query("payments:subscriptionsOf", { userId: "ada" });
  expect(await tell("created", stripeSubscription, "another secret")).toBe(400);
  expect(await known()).toEqual([]);
  expect(await tell("created", stripeSubscription)).toBe(200);
  expect(await known()).toEqual([{ status: "active", quantity: 2, cancelAtPeriodEnd: false }]);
  expect(await tell("updated", { ...stripeSubscription, status: "past_due" })).toBe(200);
  expect(await log("stripe")).toEqual(["past_due"]);
  await app.action("payments:cancel", { stripeSubscriptionId: "sub_1" });
  expect(await known()).toEqual([{ status: "active", quantity: 2, cancelAtPeriodEnd: true }]);
});

test("polar sells a subscription, and hears of it by signed events only", async () => {
  await app.action("subscriptions:syncProducts");
  expect(await app.query("subscriptions:getConfiguredProducts")).toMatchObject({
    premium: { name: "Premium", prices: [{ priceAmount: 900 }] },
  });
  const order = {
    productIds: ["product-premium"],
    origin: "https://shop.example",
    successUrl: "https://shop.example/",
  };
  expect(await app.action("subscriptions:generateCheckoutLink", { ...order, locale: "de" })).toEqual({
    url: "https://polar.sh/checkout/1?locale=de",
  });
  expect(await app.action("subscriptions:generateCustomerPortalUrl")).toEqual({
    url: "https://polar.sh/portal/1",
  });
  const current = (): Promise<unknown> => app.query("subscriptions:current");
  expect(await vendors.tellOfPolar(app, "subscription.created", subscription, "another")).toBe(403);
  expect(await current()).toBeNull();
  expect(await vendors.tellOfPolar(app, "subscription.created", subscription)).toBe(202);
  expect(await current()).toEqual({ status: "active", productKey: "premium" });
  await app.action("subscriptions:cancelCurrentSubscription");
  const ended = { ...subscription, status: "canceled", ended_at: "2026-01-02T00:00:00Z" };
  expect(await vendors.tellOfPolar(app, "subscription.updated", ended)).toBe(202);
  expect(await current()).toBeNull();
  expect(await app.query("subscriptions:listAllSubscriptions")).toMatchObject([{ status: "canceled" }]);
  expect(await log("polar")).toEqual(["canceled"]);
  expect(await vendors.tellOfPolar(app, "product.updated", { ...product, name: "Gold" })).toBe(202);
  expect(await app.query("subscriptions:getConfiguredProducts")).toMatchObject({ premium: { name: "Gold" } });
});

test("geospatial finds points in a rectangle, by kind and by pages, and those that are near", async () => {
  const add = (name: string, latitude: number, longitude: number, kind: string, price: number) =>
    app.mutation("places:add", { name, latitude, longitude, kind, price });
  await add("museum", 40.7813, -73.9737, "museum", 28);
  await add("cafe", 40.79, -73.96, "coffee", 4);
  await add("far away", 10, 10, "coffee", 1);
  const find = async (args: object): Promise<{ names: string[]; nextCursor?: string }> =>
    (await app.query("places:inNewYork", { limit: 16, ...args })) as { names: string[]; nextCursor?: string };
  expect((await find({})).names).toEqual(["cafe", "museum"]);
  expect((await find({ kind: "coffee" })).names).toEqual(["cafe"]);
  const { names, nextCursor } = await find({ limit: 1 });
  expect([names, (await find({ limit: 1, cursor: nextCursor })).names]).toEqual([["cafe"], ["museum"]]);
  const here = { latitude: 40.7813, longitude: -73.9737, maxDistance: 100_000 };
  expect(await app.query("places:near", here)).toEqual(["museum: 0 m", "cafe: 1505 m"]);
  expect(await app.mutation("places:remove", { name: "cafe" })).toBe(true);
  expect((await find({})).names).toEqual(["museum"]);
  expect(await app.query("places:get", { name: "museum" })).toMatchObject({ sortKey: 28 });
});

test("table-history knows what every document was, and when", async () => {
  const ofPages = (numItems: number, cursor: string | null = null): object => ({
    paginationOpts: { numItems, cursor },
  });
  const maxTs = Date.now() + 86_400_000;
  const id = await app.mutation("documents:create", { title: "draft" });
  const [{ ts }] = (
    (await app.query("documents:all", { maxTs, ...ofPages(1) })) as { entries: [{ ts: number }] }
  ).entries;
  await app.mutation("documents:rename", { id, title: "final" });
  await app.mutation("documents:create", { title: "other" });
  await app.mutation("documents:remove", { id });
  const first = (await app.query("documents:all", { maxTs, ...ofPages(3) })) as Entries & Page;
  expect(titlesOf(first)).toEqual([null, "other", "final"]);
  const rest = await app.query("documents:all", { maxTs, ...ofPages(3, first.continueCursor) });
  expect(titlesOf(rest as Entries)).toEqual(["draft"]);
  const ofOne = await app.query("documents:ofOne", { id, maxTs, ...ofPages(9) });
  expect(titlesOf(ofOne as Entries)).toEqual([null, "final", "draft"]);
  const asOf = async (moment: number): Promise<unknown> =>
    titlesOf((await app.query("documents:asOf", { ts: moment, currentTs: maxTs, ...ofPages(9) })) as Entries);
  expect(await asOf(ts)).toEqual(["draft"]);
  expect(await asOf(maxTs)).toEqual(["other"]);
});

interface Entries {
  readonly entries: readonly { readonly title: string | null }[];
}

const titlesOf = ({ entries }: Entries): unknown => entries.map(({ title }) => title);

test("ents follow edges, keep fields unique, and remove what hangs on what is removed", async () => {
  const join = (name: string, ...tags: string[]): Promise<unknown> =>
    app.mutation("people:join", { name, bio: `${name}'s`, tags });
  const [ann, bob] = [await join("ann", "tall"), await join("bob")];
  await expect(join("ann")).rejects.toThrow("Server Error");
  await app.mutation("people:follow", { who: bob, whom: ann });
  const post = await app.mutation("people:write", { userId: ann, text: "hello" });
  await app.mutation("people:write", { userId: ann, text: "secret" });
  await app.mutation("people:write", { userId: bob, text: "hi" });
  expect(await app.query("people:look", { name: "ann" })).toEqual({
    role: "member",
    bio: "ann's",
    posts: ["hello", "secret"],
    tags: ["tall"],
    followers: ["bob"],
  });
  expect(await app.query("people:readable")).toEqual(["hello", "hi"]);
  await app.mutation("people:removePost", { id: post });
  expect(await app.query("people:posts")).toEqual(["ann: hello (deleted)", "ann: secret", "bob: hi"]);
  expect((await pagesOf("people:page", 1)).flat()).toEqual(["bob", "ann"]);
  await app.mutation("people:leave", { id: ann });
  expect(await app.query("people:posts")).toEqual(["bob: hi"]);
  expect(await app.query("people:look", { name: "bob" })).toMatchObject({ followers: [] });
});

test("helpers: relationships, rules of rows, filters, zod, sessions, crud", async () => {
  const [attic] = (await app.mutation("rooms:fill")) as string[];
  expect(await app.query("rooms:members", { roomId: attic })).toEqual(["ann", "bob", "cy"]);
  expect(await app.query("rooms:names", { ids: [attic] })).toEqual(["attic"]);
  expect(await app.query("rooms:readable")).toBe(5);
  await expect(app.mutation("rooms:intrude")).rejects.toThrow("Server Error");
  expect(await app.query("rooms:filtered")).toEqual(["m7", "m8"]);
  expect(await app.query("rooms:session", { sessionId: "s1" })).toBe("s1");
  expect(await app.query("rooms:domainOf", { email: "a@b.co" })).toBe("b.co");
  await expect(app.query("rooms:domainOf", { email: "nobody" })).rejects.toMatchObject({
    data: { ZodError: [{ path: ["email"] }] },
  });
  expect(await app.mutation("rooms:rename", { id: attic, name: " loft " })).toBe("loft");
  const { _id: id } = (await app.mutation("rooms:create", { name: "shed" })) as { _id: string };
  await app.mutation("rooms:update", { id, patch: { name: "barn" } });
  expect(await app.query("rooms:read", { id })).toMatchObject({ name: "barn" });
  await app.mutation("rooms:destroy", { id });
  expect(await app.query("rooms:read", { id })).toBeNull();
  expect(await app.query("rooms:paint", { color: "red", room: null })).toBe("red");
  await expect(app.query("rooms:paint", { color: "green", room: null })).rejects.toThrow("Server Error");
});

test("helpers: pages and streams", async () => {
  expect(await pagesOf("rooms:pages", 4)).toEqual([
    ["m6", "m3", "m0", "m8"],
    ["m5", "m2", "m7", "m4"],
    ["m1"],
  ]);
  expect(await app.query("rooms:twoPages")).toEqual([
    ["m1", "m4", "m7", "m2"],
    ["m5", "m8", "m0", "m3"],
  ]);
  expect((await pagesOf("rooms:merged", 2)).flat()).toEqual(["m0", "m1", "m4", "m6", "m7"]);
  expect(await app.query("rooms:joined")).toEqual({
    people: ["ann", "bob", "cy", "bob", "cy"],
    channels: ["blue", "green", "red"],
  });
});

test("helpers: migrations, rate limits, retries", async () => {
  await app.mutation("upkeep:migrate");
  await eventually(() => app.query("upkeep:migrated")).toEqual(["upkeep:shout done", "upkeep:exclaim done"]);
  expect(await app.query("upkeep:texts")).toEqual(Array.from({ length: 9 }, (_, n) => `M${n}!`));
  const sent: unknown[] = [];
  for (let n = 0; n < 3; n++) sent.push(await app.mutation("upkeep:send"));
  await app.mutation("upkeep:forgive");
  expect([...sent, await app.mutation("upkeep:send")]).toEqual([true, true, false, true]);
  await app.mutation("upkeep:tryOften");
  await eventually(() => app.query("upkeep:attempts")).toEqual([3]);
});

test("helpers: pages of other origins", async () => {
  const headers = { origin: "https://shop.example" };
  const open = await app.fetch("/open", { headers });
  expect(open.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  const preflight = await app.fetch("/open", {
    method: "OPTIONS",
    headers: { ...headers, "access-control-request-method": "GET" },
  });
  expect([preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([204, "GET"]);
});

test("CommonJS packages in a module for Node find Node's own, and the folder that they lie in", async () => {
  expect(await app.action("mail:send", { to: "ada@example.com" })).toEqual({
    to: ["ada@example.com"],
    claimed: true,
    form: true,
    folder: "string",
  });
});

test("async_hooks are there in modules that are not for Node", async () => {
  const asked = ["ada", "bob"].map((name) => app.query("context:through", { name }));
  expect(await Promise.all(asked)).toEqual(["ada", "bob"]);
});

test("users log in after the server was killed and has started at another address", async () => {
  const before = await app.query("auth:url");
  await app.kill();
  await app.start();
  expect(await app.query("auth:url")).not.toBe(before);
  expect(await app.query("auth:urlAtImport")).toBe(await app.query("auth:url"));
  expect(await seenBy("eve@example.com")).toEqual(expectedOf("eve@example.com"));
});
