/** `async_hooks` in a module that is not for Node. */
import { AsyncLocalStorage } from "node:async_hooks";
import { v } from "convex/values";
import { query } from "./_generated/server";

const user = new AsyncLocalStorage<string>();

export const through = query({
  args: { name: v.string() },
  handler: (_ctx, { name }) =>
    user.run(name, async () => {
      await Promise.resolve();
      return user.getStore();
    }),
});
