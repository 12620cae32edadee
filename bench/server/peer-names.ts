/** What the bench and the processes of the servers agree on: which peers there are, and what is asked of each. */

export const ourPeers = ["trueup, durable", "trueup, relaxed", "trueup, memory"] as const;
/** They commit each insert by itself, those of a turn of the event loop together, or let Redis do it. */
export const barePeers = ["bare Node + SQLite", "bare, grouped", "bare Node + Redis"] as const;
export type PeerName = (typeof ourPeers)[number] | (typeof barePeers)[number];
export type BareName = (typeof barePeers)[number];

export interface Served {
  readonly port: number;
  /** How many scores there are. */
  count(): Promise<number>;
  /** Asks for a room's messages without the way over the wire. */
  latest(room: number): Promise<void>;
}

/** The redisPort is zero where no Redis is installed. */
export interface OpenArgs {
  readonly peer: PeerName;
  readonly folder: string;
  readonly redisPort: number;
}
