/**
 * Goes through the workflow of the seeds from end to end: an aggregate is attached to a table that has data, writes turn
 * idempotent, a migration backfills while others write, writes turn back, the aggregate is read, repaired
 * and kept by triggers. Each step deploys another version of one app to one storage; the app is once made
 * of the published packages, unmodified, and once of this one.
 */
import { describe, expect, test } from "vitest";
import { storageNames } from "../suites/setup/open-app.js";
import { Deployment } from "./seed-workflow/deployment.js";
import { kits } from "./seed-workflow/kits.js";

const running = { Status: expect.stringMatching(/started|running/) };

describe.each(kits)("with $name", (kit) => {
  describe.each(storageNames)("on %s", (storage) => {
    test("an aggregate is attached to a table with data, backfilled under writes, and right ever after", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 120);
      expect(await app.call("reads:count")).toBe(0);

      await app.deploy("idempotent");
      expect(await app.call("backfill:runAggregateBackfill")).toMatchObject(running);
      expect(await app.call("backfill:runAggregateBackfill")).toMatchObject(running);
      for (let round = 0; (await app.status())?.state === "inProgress"; round += 1) {
        await app.writeSome(round);
      }
      expect(await app.status()).toMatchObject({ state: "success", isDone: true });

      await app.deploy("regular");
      const backfilled = await app.answers();
      expect(backfilled.given).toEqual(backfilled.right);
      await app.writeSome(5);
      const later = await app.answers();
      expect(later.given).toEqual(later.right);
      const again = await app.call("backfill:run", { fn: "backfill:backfillAggregatesMigration" });
      expect(again).toMatchObject({ Status: expect.stringMatching(/already done/) });
    });

    test("a canceled backfill goes on where it stopped, and can be started over", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 100);
      await app.deploy("idempotent");
      await app.call("backfill:runAggregateBackfill");
      expect(await app.call("backfill:cancel")).toMatchObject({ state: "canceled" });
      await app.backend.scheduler.idle();
      const stopped = await app.status();
      expect(stopped).toMatchObject({ isDone: false });
      expect(stopped?.processed).toBeLessThan(100);
      await app.backfill();
      expect(await app.status()).toMatchObject({ state: "success", processed: 100 });
      await app.call("backfill:clear");
      await app.backfill({ reset: true });
      const { given, right } = await app.answers();
      expect(given).toEqual(right);
    });

    test("an aggregate that writes went past is repaired by a diff, or cleared and rebuilt", async () => {
      const app = await Deployment.start(kit, storage);
      await app.deploy("regular");
      await app.addMany(0, 40);
      await app.writeUnnoticed();
      const broken = await app.answers();
      expect(broken.given).not.toEqual(broken.right);
      await app.call("repair:byDiff");
      const repaired = await app.answers();
      expect(repaired.given).toEqual(repaired.right);

      await app.writeUnnoticed();
      await app.deploy("idempotent");
      await app.call("backfill:clear");
      await app.backfill();
      const rebuilt = await app.answers();
      expect(rebuilt.given).toEqual(rebuilt.right);
    });

    test("triggers keep it in step, idempotently while it is backfilled", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 60);
      await app.deploy("idempotentTriggers");
      await app.writeSome(1);
      await app.call("backfill:runAggregateBackfill");
      await app.writeSome(2);
      await app.backend.scheduler.idle();
      await app.deploy("triggers");
      for (let round = 3; round < 8; round += 1) await app.writeSome(round);
      const { given, right } = await app.answers();
      expect(given).toEqual(right);
    });

    test("a dry run changes nothing", async () => {
      const app = await Deployment.start(kit, storage);
      await app.addMany(0, 30);
      await app.deploy("idempotent");
      await app.backfill({ dryRun: true });
      expect(await app.call("reads:count")).toBe(0);
      expect(await app.call("backfill:status")).toEqual([]);
    });
  });
});
