/** `@convex-dev/geospatial` as its README uses it. */
import { GeospatialIndex } from "@convex-dev/geospatial";
import { v } from "convex/values";
import { components } from "./_generated/api";
import { mutation, query } from "./_generated/server";

const places = new GeospatialIndex<string, { kind: string }>(components.geospatial);
const shape = { type: "rectangle", rectangle: { west: -74.5, south: 40, east: -73, north: 41.5 } } as const;

export const add = mutation({
  args: {
    name: v.string(),
    latitude: v.number(),
    longitude: v.number(),
    kind: v.string(),
    price: v.number(),
  },
  handler: async (ctx, { name, latitude, longitude, kind, price }) => {
    await places.insert(ctx, name, { latitude, longitude }, { kind }, price);
  },
});

export const get = query({ args: { name: v.string() }, handler: (ctx, { name }) => places.get(ctx, name) });

export const remove = mutation({
  args: { name: v.string() },
  handler: (ctx, { name }) => places.remove(ctx, name),
});

export const inNewYork = query({
  args: { kind: v.optional(v.string()), limit: v.number(), cursor: v.optional(v.string()) },
  handler: async (ctx, { kind, limit, cursor }) => {
    const filtered = kind === undefined ? {} : { filter: (q: KindFilter) => q.eq("kind", kind) };
    const { results, nextCursor } = await places.query(ctx, { shape, limit, ...filtered }, cursor);
    return { names: results.map(({ key }) => key), nextCursor };
  },
});

type KindFilter = Parameters<NonNullable<Parameters<typeof places.query>[1]["filter"]>>[0];

export const near = query({
  args: { latitude: v.number(), longitude: v.number(), maxDistance: v.number() },
  handler: async (ctx, { maxDistance, ...point }) => {
    const found = await places.nearest(ctx, { point, limit: 3, maxDistance });
    return found.map(({ key, distance }) => `${key}: ${Math.round(distance)} m`);
  },
});
