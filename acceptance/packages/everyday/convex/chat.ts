/** `@convex-dev/persistent-text-streaming` as its README uses it: a chat that is streamed to one client and stored for all. */
import {
  PersistentTextStreaming,
  StreamIdValidator,
  type StreamId,
} from "@convex-dev/persistent-text-streaming";
import { v } from "convex/values";
import { components } from "./_generated/api";
import { httpAction, mutation, query } from "./_generated/server";

const persistentTextStreaming = new PersistentTextStreaming(components.persistentTextStreaming);

export const createChat = mutation({
  args: { prompt: v.string() },
  handler: async (ctx, { prompt }) => {
    const stream = await persistentTextStreaming.createStream(ctx);
    await ctx.db.insert("chats", { prompt, stream });
    return stream;
  },
});

export const getChatBody = query({
  args: { streamId: StreamIdValidator },
  handler: async (ctx, { streamId }) =>
    await persistentTextStreaming.getStreamBody(ctx, streamId as StreamId),
});

/** Sends a piece, and the next one when the client has asked for it: who reads sees them one by one. */
export const streamChat = httpAction(async (ctx, request) => {
  const { streamId } = (await request.json()) as { streamId: StreamId };
  const response = await persistentTextStreaming.stream(
    ctx,
    request,
    streamId,
    async (_ctx, _request, _streamId, append) => {
      await append("Hi there! ");
      await append("How are you? ");
      await append("Pretend I'm an AI or something!");
    },
  );
  response.headers.set("Access-Control-Allow-Origin", "*");
  response.headers.set("Vary", "Origin");
  return response;
});
