/** `@convex-dev/workflow` as its README uses it: steps of every kind, a sleep, an event, and what comes at the end. */
import { sendEvent, start, vWorkflowId, WorkflowManager, type WorkflowId } from "@convex-dev/workflow";
import { vResultValidator } from "@convex-dev/workpool";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalAction, internalMutation, internalQuery, mutation, query } from "./_generated/server";
import { note } from "./log";

const workflow = new WorkflowManager(components.workflow);
const confirmation = v.object({ confirmed: v.boolean() });

export const onboard = workflow
  .define({ args: { user: v.string(), pauseMs: v.number() }, returns: v.string() })
  .handler(async (step, { user, pauseMs }): Promise<string> => {
    const greeting = await step.runQuery(internal.onboarding.greeting, { user });
    const content = await step.runAction(
      internal.onboarding.write,
      { user, greeting },
      { retry: { maxAttempts: 3, initialBackoffMs: 20, base: 2 } },
    );
    await step.runMutation(internal.onboarding.deliver, { user, content }, { inline: true });
    await step.sleep(pauseMs);
    const { confirmed } = await step.awaitEvent({ name: "confirmed", validator: confirmation });
    const followUps = [1, 2].map((n) =>
      step.runMutation(internal.onboarding.deliver, { user, content: `follow-up ${n}` }),
    );
    await Promise.all(followUps);
    return confirmed ? "welcome" : "farewell";
  });

export const greeting = internalQuery({
  args: { user: v.string() },
  handler: async (_ctx, { user }) => `Dear ${user}`,
});

export const write = internalAction({
  args: { user: v.string(), greeting: v.string() },
  handler: async (ctx, { user, greeting }): Promise<string> => {
    const attempts = await ctx.runMutation(internal.log.attempt, {
      topic: `writing to ${user}`,
      text: "try",
    });
    if (attempts < 2) throw new Error("The model is overloaded.");
    return `${greeting}, how are you?`;
  },
});

export const deliver = internalMutation({
  args: { user: v.string(), content: v.string() },
  handler: async (ctx, { user, content }) => {
    await note(ctx, `delivered to ${user}`, content);
  },
});

export const begin = mutation({
  args: { user: v.string(), pauseMs: v.number() },
  handler: (ctx, args): Promise<WorkflowId> =>
    start(ctx, internal.onboarding.onboard, args, {
      onComplete: internal.onboarding.ended,
      context: { user: args.user },
    }),
});

export const confirm = mutation({
  args: { id: vWorkflowId, confirmed: v.boolean() },
  handler: async (ctx, { id, confirmed }) => {
    await sendEvent(ctx, components.workflow, {
      name: "confirmed",
      workflowId: id,
      validator: confirmation,
      value: { confirmed },
    });
  },
});

export const cancel = mutation({
  args: { id: vWorkflowId },
  handler: (ctx, { id }) => workflow.cancel(ctx, id),
});

export const ended = internalMutation({
  args: { workflowId: vWorkflowId, result: vResultValidator, context: v.object({ user: v.string() }) },
  handler: async (ctx, { result, context }) => {
    const text = result.kind === "success" ? String(result.returnValue) : result.kind;
    await note(ctx, `ended for ${context.user}`, text);
  },
});

export const status = query({
  args: { id: vWorkflowId },
  handler: async (ctx, { id }) => (await workflow.status(ctx, id)).type,
});

/** The steps that have been begun, with how each has ended. */
export const steps = query({
  args: { id: vWorkflowId },
  handler: async (ctx, { id }) => {
    const { page } = await workflow.listSteps(ctx, id);
    return page.map(({ name, runResult }) => `${name}: ${runResult?.kind ?? "in progress"}`);
  },
});
