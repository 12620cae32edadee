/**
 * A second user of the same backend, who keeps inserting, updating and deleting flights while the aggregates
 * are being filled. What it does depends on a seed only, so that a run can be looked at again.
 */
import { setTimeout as pause } from "node:timers/promises";
import { api } from "../convex/_generated/api.js";
import type { Id } from "../convex/_generated/dataModel.js";
import type { Backend } from "trueup";

export interface WriteCounts {
  inserted: number;
  updated: number;
  deleted: number;
}

const pauseMs = 2;

/** Starts writing; the function returned stops it and says what was written. */
export function startSecondWriter(backend: Backend, seed = 1): () => Promise<WriteCounts> {
  const counts: WriteCounts = { inserted: 0, updated: 0, deleted: 0 };
  const random = randomFrom(seed);
  let stopped = false;
  const writing = (async () => {
    const own: Id<"flights">[] = [];
    while (!stopped) {
      await pause(pauseMs);
      const delay = Math.floor(random() * 300) - 60;
      const choice = random();
      if (own.length < 10 || choice < 0.4) {
        const flight = { delay, distance: Math.floor(random() * 3000), time: random() * 24 };
        own.push(...(await backend.mutation(api.flights.insertMany, { flights: [flight] })));
        counts.inserted += 1;
      } else if (choice < 0.6) {
        const id = own.splice(Math.floor(random() * own.length), 1)[0]!;
        await backend.mutation(api.flights.remove, { id });
        counts.deleted += 1;
      } else if (choice < 0.8) {
        const id = own[Math.floor(random() * own.length)]!;
        await backend.mutation(api.flights.setDelay, { id, delay });
        counts.updated += 1;
      } else {
        const id = await backend.query(api.flights.someId, { delay });
        if (id === null) continue;
        await backend.mutation(api.flights.setDelay, { id, delay: delay + 1 });
        counts.updated += 1;
      }
    }
  })();
  return async () => {
    stopped = true;
    await writing;
    return counts;
  };
}

/** A small linear congruential generator (Numerical Recipes' constants), 0 up to 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
