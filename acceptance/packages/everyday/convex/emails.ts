/** `@convex-dev/resend` as its README uses it: emails that wait in a queue, and what becomes of them. */
import { Resend, vEmailId, vOnEmailEventArgs, type EmailId } from "@convex-dev/resend";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalMutation, mutation, query } from "./_generated/server";
import { note } from "./log";

export const resend: Resend = new Resend(components.resend, { onEmailEvent: internal.emails.happened });

export const send = mutation({
  args: { subject: v.string() },
  handler: (ctx, { subject }): Promise<EmailId> =>
    resend.sendEmail(ctx, {
      from: "Me <test@mydomain.com>",
      to: "delivered@resend.dev",
      subject,
      html: "This is a test email",
      idempotencyKey: subject,
    }),
});

export const happened = internalMutation({
  args: vOnEmailEventArgs,
  handler: async (ctx, { event }) => {
    await note(ctx, "emails", event.type);
  },
});

export const status = query({
  args: { id: vEmailId },
  handler: async (ctx, { id }) => (await resend.status(ctx, id))?.status,
});

export const cancel = mutation({
  args: { id: vEmailId },
  handler: (ctx, { id }) => resend.cancelEmail(ctx, id),
});
