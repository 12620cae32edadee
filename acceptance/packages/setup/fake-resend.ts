/**
 * Resend's API as far as `@convex-dev/resend` calls it: takes batches of emails, and signs the events that it tells of. The
 * package knows one address only, so the app's process is given a `fetch` that goes here instead.
 */
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { PackageApp } from "./package-app.js";

interface Email {
  readonly id: string;
  readonly subject: string;
}

export interface FakeResend {
  /** For the process of the app. */
  readonly env: Readonly<Record<string, string>>;
  readonly webhookSecret: string;
  /** What was sent, in its order. */
  readonly sent: () => readonly Email[];
  /** Tells the app that the email of a subject was delivered. */
  deliver(app: PackageApp, subject: string): Promise<Response>;
  close(): Promise<void>;
}

const secret = Buffer.from("a secret that only the two know");

export async function fakeResend(): Promise<FakeResend> {
  const batches = new Map<string, readonly Email[]>();
  const sent = (): readonly Email[] => [...batches.values()].flat();
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      // A batch that comes again, with the same key, was taken already.
      const key = String(request.headers["idempotency-key"]);
      const batch = batches.get(key) ?? (body as Email[]).map((email) => ({ ...email, id: randomUUID() }));
      batches.set(key, batch);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data: batch.map(({ id }) => ({ id })) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: {
      NODE_OPTIONS: `--import ${new URL("redirect-fetch.js", import.meta.url).href}`,
      REDIRECT_FETCH: `https://api.resend.com ${url}`,
    },
    webhookSecret: `whsec_${secret.toString("base64")}`,
    sent,
    deliver(app, subject) {
      const email = sent().find((one) => one.subject === subject);
      const id = randomUUID();
      const seconds = String(Math.floor(Date.now() / 1000));
      const at = new Date().toISOString();
      const data = { email_id: email?.id, created_at: at, from: "a@b.c", to: ["d@e.f"], subject };
      const body = JSON.stringify({ type: "email.delivered", created_at: at, data });
      const signature = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
      const headers = { "svix-id": id, "svix-timestamp": seconds, "svix-signature": `v1,${signature}` };
      return app.fetch("/resend-webhook", { method: "POST", headers, body });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
