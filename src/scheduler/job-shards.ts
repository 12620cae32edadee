/**
 * Jobs in shards, each with a lease of its own, so that the processes which share a storage share the jobs. A job's id says which
 * shard it is in: nothing has to be stored for it.
 */
import { hashOf, type Lease, type LeaseReader, type Leases } from "../work/index.js";

const shardCount = 16;

export class JobShards {
  readonly #leases: readonly Lease[];

  constructor(leases: Leases) {
    this.#leases = Array.from({ length: shardCount }, (_, shard) => leases.lease(`jobs/${shard}`));
  }

  /** Whether the jobs of some shard are run here. */
  get holdsAny(): boolean {
    return this.#leases.some((lease) => lease.holds());
  }

  /** Whether this job is run here. */
  holds(id: string): boolean {
    return this.#leaseOf(id).holds();
  }

  /** The same in a transaction, which does not commit unless that is so then, too. */
  async isHeldIn(tx: LeaseReader, id: string): Promise<boolean> {
    return await this.#leaseOf(id).isHeldIn(tx);
  }

  /** Calls the listener whenever this process gets a shard. */
  onGained(listener: () => void): void {
    for (const lease of this.#leases) lease.onGained?.(listener);
  }

  #leaseOf(id: string): Lease {
    const lease = this.#leases[hashOf(id) % shardCount];
    if (lease === undefined) throw new RangeError("Every job is in a shard.");
    return lease;
  }
}
