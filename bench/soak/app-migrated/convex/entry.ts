/** What an entry is after the deploy that migrates: it has the square of its points, too. */
import { v } from "convex/values";

export const entryFields = { key: v.string(), points: v.number(), square: v.number(), user: v.string() };

export const pointsOf = (points: number): { points: number; square: number } => ({
  points,
  square: points * points,
});
