/** Answers what people ask of flights, each time from an aggregate and again by reading the whole table. */
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import type { Doc } from "./_generated/dataModel.js";
import { byDelay, byDistance, byHour } from "./aggregates.js";

const range = { lower: { key: 500, inclusive: true }, upper: { key: 1000, inclusive: false } };
const pageSize = 50;
const pageNumber = 14;
const lateMinutes = 60;
const percentiles = [0.5, 0.95, 0.99];

/** The offset of a percentile among `count` sorted items: the nearest rank. */
function percentileOffset(percentile: number, count: number): number {
  return Math.max(0, Math.ceil(percentile * count) - 1);
}

export const answer = query({
  args: { question: v.string() },
  handler: async (ctx, { question }) => {
    switch (question) {
      case "count":
        return await byDelay.count(ctx);
      case "count in a distance range":
        return await byDistance.count(ctx, { bounds: range });
      case "sum of delay in a distance range":
        return await byDistance.sum(ctx, { bounds: range });
      case "p50, p95, p99 delay": {
        const count = await byDelay.count(ctx);
        const items = await byDelay.atBatch(
          ctx,
          percentiles.map((percentile) => ({ offset: percentileOffset(percentile, count) })),
        );
        return items.map((item) => item.key);
      }
      case "rank of an hour's delay":
        return await byDelay.indexOf(ctx, lateMinutes);
      case "page 14 of 50 by delay": {
        const first = await byDelay.at(ctx, (pageNumber - 1) * pageSize);
        const { page } = await byDelay.paginate(ctx, {
          bounds: { lower: { key: first.key, id: first.id, inclusive: true } },
          pageSize,
        });
        return page.map((item) => item.key);
      }
      case "least and greatest delay":
        return [(await byDelay.min(ctx))?.key ?? null, (await byDelay.max(ctx))?.key ?? null];
      case "count for each hour":
        return await byHour.countBatch(
          ctx,
          Array.from({ length: 24 }, (_, namespace) => ({ namespace })),
        );
      default:
        throw new Error(`no such question: ${question}`);
    }
  },
});

export const bruteForce = query({
  args: { question: v.string() },
  handler: async (ctx, { question }) => {
    const flights = await ctx.db.query("flights").collect();
    const inRange = (flight: Doc<"flights">): boolean =>
      flight.distance >= range.lower.key && flight.distance < range.upper.key;
    const delays = (): number[] => flights.map((flight) => flight.delay).sort((a, b) => a - b);
    switch (question) {
      case "count":
        return flights.length;
      case "count in a distance range":
        return flights.filter(inRange).length;
      case "sum of delay in a distance range":
        return flights.filter(inRange).reduce((sum, flight) => sum + flight.delay, 0);
      case "p50, p95, p99 delay": {
        const sorted = delays();
        return percentiles.map((percentile) => sorted[percentileOffset(percentile, sorted.length)]);
      }
      case "rank of an hour's delay":
        return flights.filter((flight) => flight.delay < lateMinutes).length;
      case "page 14 of 50 by delay":
        return delays().slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
      case "least and greatest delay": {
        const sorted = delays();
        return [sorted.at(0) ?? null, sorted.at(-1) ?? null];
      }
      case "count for each hour": {
        const counts = Array.from({ length: 24 }, () => 0);
        for (const flight of flights) counts[Math.floor(flight.time)]! += 1;
        return counts;
      }
      default:
        throw new Error(`no such question: ${question}`);
    }
  },
});
