/** What an entry is before the deploy that migrates. */
import { v } from "convex/values";

export const entryFields = { key: v.string(), points: v.number(), user: v.string() };

export const pointsOf = (points: number): { points: number } => ({ points });
