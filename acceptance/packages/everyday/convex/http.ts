import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";
import { streamChat } from "./chat";
import { resend } from "./emails";

const http = httpRouter();
http.route({ path: "/chat-stream", method: "POST", handler: streamChat });
http.route({
  path: "/resend-webhook",
  method: "POST",
  handler: httpAction((ctx, request) => resend.handleResendEventWebhook(ctx, request)),
});
export default http;
