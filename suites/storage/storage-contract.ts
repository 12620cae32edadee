/**
 * Tests what every storage must do: `storageContract("memory", () => memory())` registers the tests. The
 * second argument makes a storage of its own for each test; opening the same one again after a close must find the
 * data when the storage calls itself persistent. Transactions that end in STORAGE_CONFLICT are run again, so
 * the suite also fits storages that are not serial.
 */
import { afterEach, describe, test } from "vitest";
import type { OpenStorage, Storage } from "../../src/storage/storage.js";
import { closing } from "./storage-contract/closing.js";
import { conflicts } from "./storage-contract/conflicts.js";
import { commits } from "./storage-contract/commits.js";
import { feed } from "./storage-contract/feed.js";
import { reading } from "./storage-contract/reading.js";
import { sharing } from "./storage-contract/sharing.js";
import { snapshots } from "./storage-contract/snapshots.js";
import type { ClaimOfOpenings, NewStorage } from "./storage-contract/subject.js";
import { transactions } from "./storage-contract/transactions.js";
import { checkRandomHistories } from "./storage-histories.js";

/** Registers the contract's tests for one implementation. */
export function storageContract(name: string, newStorage: NewStorage): void {
  const opened: Storage[] = [];

  async function open(openStorage?: OpenStorage): Promise<Storage> {
    const storage = await (openStorage ?? (await newStorage()))();
    opened.push(storage);
    return storage;
  }

  /** @param isTogether All of them are one opening. */
  function claimOf(isTogether: boolean): ClaimOfOpenings {
    return (name, check) => {
      test(name, async ({ skip }) => {
        const openStorage = await newStorage();
        const first = await open(openStorage);
        skip(!first.capabilities.shared || first.capabilities.serialTransactions, "It is not shared.");
        if (isTogether) await check(first, first, first);
        else await check(first, await open(openStorage), await open(openStorage));
      });
    };
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
  });

  describe(`${name} keeps the storage contract`, () => {
    describe("reading", () => {
      reading(open);
    });
    describe("snapshots", () => {
      snapshots(open);
    });
    describe("transactions", () => {
      transactions(open);
    });
    describe("commits", () => {
      commits(open);
    });
    describe("conflicts of one opening", () => {
      conflicts(claimOf(true));
    });
    describe("conflicts of several openings", () => {
      conflicts(claimOf(false));
    });
    describe("the feed of several openings", () => {
      feed(claimOf(false));
    });
    describe("sharing", () => {
      sharing(claimOf(false));
    });
    describe("closing", () => {
      closing(open, newStorage);
    });
    test("random histories agree with a sorted map", async () => {
      await checkRandomHistories(() => open());
    });
  });
}
