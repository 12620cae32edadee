/**
 * What the shop's packages call: a store of objects as S3 and R2 are, and as much of Stripe and Polar as the shop uses.
 * The packages know Stripe and Polar by one address each, so the app's process is given a `fetch` that goes here instead.
 * Both sign the events that they tell of.
 */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { PackageApp } from "./package-app.js";
import * as polar from "./polar-objects.js";

const stripeSecret = "whsec_stripe";
const polarSecret = "polar secret";

export const stripeSubscription = {
  id: "sub_1",
  object: "subscription",
  customer: "cus_1",
  status: "active",
  cancel_at_period_end: false,
  cancel_at: null,
  metadata: { userId: "ada" },
  items: { data: [{ id: "si_1", quantity: 2, current_period_end: 1_900_000_000, price: { id: "price_1" } }] },
};

/** Answers by method and path; what is not here is answered with 404. */
const answers: Readonly<Record<string, (form: URLSearchParams) => object>> = {
  "POST /stripe/v1/customers": () => ({ id: "cus_1", object: "customer" }),
  "POST /stripe/v1/checkout/sessions": (form) => ({
    id: "cs_1",
    object: "checkout.session",
    url: `https://checkout.stripe.com/${form.get("customer")}/${form.get("line_items[0][price]")}`,
  }),
  "POST /stripe/v1/subscriptions/sub_1": (form) => ({
    ...stripeSubscription,
    cancel_at_period_end: form.get("cancel_at_period_end") === "true",
  }),
  "GET /polar/v1/products/": () => ({
    items: [polar.product],
    pagination: { total_count: 1, max_page: 1 },
  }),
  "GET /polar/v1/customers/": () => ({ items: [], pagination: { total_count: 0, max_page: 1 } }),
  "POST /polar/v1/customers/": () => polar.customer,
  "POST /polar/v1/checkouts/": () => polar.checkout,
  "POST /polar/v1/customer-sessions/": () => polar.customerSession,
  "PATCH /polar/v1/subscriptions/subscription-1": () => ({
    ...polar.subscription,
    cancel_at_period_end: true,
  }),
};
/** What was made is answered with 201, as the SDK of Polar expects. */
const created = /^POST \/polar\//;

interface StoredObject {
  readonly body: Buffer;
  readonly type: string;
}

export class FakeVendors {
  readonly #server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { status, headers = {}, content } = this.#answer(request, body);
      response.writeHead(status, headers).end(content);
    });
  });
  readonly #objects = new Map<string, StoredObject>();
  #url = "";

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For the process of the app. */
  get processEnv(): Readonly<Record<string, string>> {
    return {
      NODE_OPTIONS: `--import ${new URL("redirect-fetch.js", import.meta.url).href}`,
      REDIRECT_FETCH: `https://api.stripe.com ${this.#url}/stripe https://sandbox-api.polar.sh ${this.#url}/polar`,
    };
  }

  /** For the app: what its users set by `npx convex env set`. */
  get appEnv(): Readonly<Record<string, string>> {
    return {
      R2_BUCKET: "pictures",
      R2_ENDPOINT: `${this.#url}/objects`,
      R2_ACCESS_KEY_ID: "id",
      R2_SECRET_ACCESS_KEY: "secret",
      STRIPE_SECRET_KEY: "sk_test_1",
      STRIPE_WEBHOOK_SECRET: stripeSecret,
      POLAR_ORGANIZATION_TOKEN: "token",
      POLAR_WEBHOOK_SECRET: polarSecret,
    };
  }

  /** Tells the app of an event as Stripe does. */
  async tellOfStripe(app: PackageApp, type: string, object: object, secret = stripeSecret): Promise<number> {
    const body = JSON.stringify({ id: `evt_${type}`, object: "event", type, data: { object } });
    const at = Math.floor(Date.now() / 1000);
    const signature = createHmac("sha256", secret).update(`${at}.${body}`).digest("hex");
    const headers = { "stripe-signature": `t=${at},v1=${signature}` };
    return (await app.fetch("/stripe/webhook", { method: "POST", headers, body })).status;
  }

  /** Tells the app of an event as Polar does. */
  async tellOfPolar(app: PackageApp, type: string, data: object, secret = polarSecret): Promise<number> {
    const body = JSON.stringify({ type, timestamp: "2026-01-01T00:00:00Z", data });
    const [id, at] = ["msg_1", String(Math.floor(Date.now() / 1000))];
    const signature = createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64");
    const headers = { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
    return (await app.fetch("/polar/events", { method: "POST", headers, body })).status;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ method = "", url = "", headers }: IncomingMessage, body: Buffer): Answer {
    const { pathname } = new URL(url, "http://vendors");
    if (pathname.startsWith("/objects/")) {
      return this.#answerOfStore(method, pathname, headers["content-type"], body);
    }
    const asked = `${method} ${pathname}`;
    const answer = answers[asked]?.(new URLSearchParams(body.toString()));
    const status = answer === undefined ? 404 : created.test(asked) ? 201 : 200;
    return {
      status,
      headers: { "content-type": "application/json" },
      content: JSON.stringify(answer ?? { error: asked }),
    };
  }

  #answerOfStore(method: string, key: string, type = "application/octet-stream", body: Buffer): Answer {
    if (method === "PUT") {
      this.#objects.set(key, { body, type });
      return { status: 200 };
    }
    const found = this.#objects.get(key);
    if (method === "DELETE") {
      this.#objects.delete(key);
      return { status: 204 };
    }
    if (found === undefined) return { status: 404 };
    return {
      status: 200,
      headers: {
        "content-type": found.type,
        "content-length": String(found.body.length),
        "last-modified": new Date().toUTCString(),
      },
      ...(method === "GET" && { content: found.body }),
    };
  }
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: string | Buffer;
}
