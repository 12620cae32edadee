"use node";
/** CommonJS packages, bundled: they `require` modules of Node, and find the folder that they lie in. */
import FormData from "form-data";
import jwt from "jsonwebtoken";
import nodemailer from "nodemailer";
import { v } from "convex/values";
import { action } from "./_generated/server";

export const send = action({
  args: { to: v.string() },
  handler: async (_ctx, { to }) => {
    const transport = nodemailer.createTransport({ jsonTransport: true });
    const { envelope } = await transport.sendMail({ from: "shop@example.com", to, subject: "Hello" });
    const claims = jwt.verify(jwt.sign({ to }, "secret"), "secret");
    const form = new FormData();
    form.append("to", to);
    return {
      to: envelope.to,
      claimed: typeof claims === "object" && claims["to"] === to,
      form: form.getBuffer().includes(to),
      folder: typeof __dirname,
    };
  },
});
