/** `@convex-dev/agent` as its docs use it, with a language model that says what it was told to: threads, tools, streams. */
// @ts-nocheck: the newest ai names more models than TypeScript can intersect in the types of this package.
import {
  Agent,
  createThread,
  createTool,
  listUIMessages,
  mockModel,
  saveMessage,
  syncStreams,
  vStreamArgs,
} from "@convex-dev/agent";
import { stepCountIs } from "ai";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { z } from "zod";
import { components, internal } from "./_generated/api";
import {
  action,
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./_generated/server";
import { note } from "./log";

const getWeather = createTool({
  description: "Get the weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async (ctx, { city }): Promise<string> => await ctx.runQuery(internal.assistant.weather, { city }),
});

const weatherAgent = new Agent(components.agent, {
  name: "Weather Agent",
  languageModel: mockModel({
    contentSteps: [
      [{ type: "tool-call", toolCallId: "1", toolName: "getWeather", input: '{"city":"Oslo"}' }],
      [{ type: "text", text: "Take an umbrella to Oslo." }],
    ],
  }),
  instructions: "You are a weather forecaster.",
  tools: { getWeather },
  stopWhen: stepCountIs(3),
  usageHandler: async (ctx, { agentName, usage }) => {
    await ctx.runMutation(internal.assistant.used, {
      agentName: agentName ?? "",
      tokens: usage.totalTokens ?? 0,
    });
  },
});

const poet = new Agent(components.agent, {
  name: "Poet",
  languageModel: mockModel({ content: [{ type: "text", text: "Roses are red, violets are blue." }] }),
});

export const weather = internalQuery({
  args: { city: v.string() },
  handler: async (_ctx, { city }) => `rain in ${city}`,
});

export const used = internalMutation({
  args: { agentName: v.string(), tokens: v.number() },
  handler: async (ctx, { agentName, tokens }) => {
    await note(ctx, "usage", `${agentName} ${tokens}`);
  },
});

export const begin = mutation({
  args: {},
  handler: (ctx): Promise<string> => createThread(ctx, components.agent, { userId: "ada", title: "Weather" }),
});

export const ask = action({
  args: { threadId: v.string(), prompt: v.string() },
  handler: async (ctx, { threadId, prompt }): Promise<string> => {
    const { thread } = await weatherAgent.continueThread(ctx, { threadId });
    return (await thread.generateText({ prompt })).text;
  },
});

/** Saves the question at once and has it answered in the background, in pieces that every client follows. */
export const askForPoem = mutation({
  args: { threadId: v.string(), prompt: v.string() },
  handler: async (ctx, { threadId, prompt }) => {
    const { messageId } = await saveMessage(ctx, components.agent, { threadId, prompt });
    await ctx.scheduler.runAfter(0, internal.assistant.streamPoem, { threadId, promptMessageId: messageId });
  },
});

export const streamPoem = internalAction({
  args: { threadId: v.string(), promptMessageId: v.string() },
  handler: async (ctx, { threadId, promptMessageId }) => {
    const result = await poet.streamText(
      ctx,
      { threadId },
      { promptMessageId },
      { saveStreamDeltas: { chunking: "word", throttleMs: 1 } },
    );
    await result.consumeStream();
  },
});

export const listThreadMessages = query({
  args: { threadId: v.string(), paginationOpts: paginationOptsValidator, streamArgs: vStreamArgs },
  handler: async (ctx, args) => {
    const paginated = await listUIMessages(ctx, components.agent, args);
    const streams = await syncStreams(ctx, components.agent, args);
    return { ...paginated, streams };
  },
});
