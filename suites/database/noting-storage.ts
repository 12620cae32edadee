/** A storage around another one that notes what transactions read from it and hand over to it. */
import type { CommitRequest, MaybePromise, Storage, StorageReader } from "../../src/storage/storage.js";

export class Notes {
  readonly requests: CommitRequest[] = [];
  /** How often the storage was asked for anything. */
  reads = 0;

  /** The storage, which notes what transactions do. */
  of(storage: Storage): Storage {
    return new Proxy(storage, {
      get: (target, name): unknown => {
        const value: unknown = Reflect.get(target, name);
        if (name === "begin") return () => this.#begin(target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  async #begin(storage: Storage): ReturnType<Storage["begin"]> {
    const transaction = await storage.begin();
    return {
      ...this.#reader(transaction),
      rollback: () => transaction.rollback(),
      commit: (request) => {
        this.requests.push(request);
        return transaction.commit(request);
      },
    };
  }

  #reader(reader: StorageReader): StorageReader {
    const noted = <T>(found: MaybePromise<T>): MaybePromise<T> => {
      this.reads += 1;
      return found;
    };
    return {
      version: reader.version,
      get: (key) => noted(reader.get(key)),
      getMany: (keys) => noted(reader.getMany(keys)),
      scan: (range, options) => noted(reader.scan(range, options)),
    };
  }
}
