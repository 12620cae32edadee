import { expect, test } from "vitest";
import { mutate, openDatabase } from "../../suites/setup/open-database.js";
import { metadataOf, StoredFiles, type FileStore } from "./index.js";

/** Keeps bytes by id, and says which ids it has. */
class MapStore implements FileStore {
  readonly files = new Map<string, Blob>();

  async put(storageId: string, file: Blob): Promise<void> {
    this.files.set(storageId, file);
  }
  async get(storageId: string): Promise<Blob | null> {
    return this.files.get(storageId) ?? null;
  }
  remove(storageId: string): void {
    this.files.delete(storageId);
  }
  url(storageId: string): string {
    return `https://files.test/${storageId}`;
  }
  uploadUrl(): string {
    return "https://files.test/upload";
  }
}

test("a file is there as long as its document is, and its bytes go when the deletion is committed", async () => {
  const database = await openDatabase();
  const store = new MapStore();
  const files = new StoredFiles(store, "");
  const prepared = await files.prepare(new Blob(["abc"], { type: "text/plain" }), undefined);
  const id = await mutate(database, (tx) => files.insert(tx, prepared));
  expect([...store.files.keys()]).toEqual([id]);
  const found = await mutate(database, (tx) => files.find(tx, id));
  expect(found === null ? null : metadataOf(found)).toEqual({
    storageId: id,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    size: 3,
    contentType: "text/plain",
  });
  const undone = mutate(database, async (tx) => {
    await files.delete(tx, id);
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect([...store.files.keys()]).toEqual([id]);
  await mutate(database, (tx) => files.delete(tx, id));
  expect([...store.files.keys()]).toEqual([]);
  await expect(mutate(database, (tx) => files.delete(tx, id))).rejects.toMatchObject({
    code: "DOCUMENT_NOT_FOUND",
  });
});

test("a file that does not have the hash that is expected of it is refused", async () => {
  const files = new StoredFiles(new MapStore(), "");
  const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  await expect(files.prepare(new Blob(["abc"]), hash)).resolves.toBeDefined();
  await expect(files.prepare(new Blob(["abd"]), hash)).rejects.toMatchObject({ code: "INVALID_VALUE" });
});
