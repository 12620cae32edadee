/** `@convex-dev/prosemirror-sync` as its README uses it: what editors call, and a change that the server makes. */
import { ProsemirrorSync } from "@convex-dev/prosemirror-sync";
import { Schema } from "@tiptap/pm/model";
import { Transform } from "@tiptap/pm/transform";
import { v } from "convex/values";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { action } from "./_generated/server";
import { note } from "./log";

const prosemirrorSync = new ProsemirrorSync(components.prosemirrorSync);

export const { getSnapshot, submitSnapshot, latestVersion, getSteps, submitSteps } =
  prosemirrorSync.syncApi<DataModel>({
    onSnapshot: async (ctx, id, _snapshot, version) => {
      await note(ctx, "snapshots", `${id} ${version}`);
    },
  });

const schema = new Schema({
  nodes: { doc: { content: "paragraph+" }, paragraph: { content: "text*" }, text: {} },
});

/** Writes into the document on the server, beside those who edit it. */
export const sayHello = action({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    const doc = await prosemirrorSync.transform(ctx, id, schema, (current) =>
      new Transform(current).insert(1, schema.text("Hello world, ")),
    );
    return doc.textContent;
  },
});
