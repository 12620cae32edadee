import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { storageContract } from "../../../testing/storage-contract.js";
import { sqlite } from "./index.js";

const folder = mkdtempSync(join(tmpdir(), "trueup-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

storageContract("sqlite", () => sqlite(join(folder, `${files++}.sqlite`)));
storageContract("relaxed sqlite", () => sqlite(join(folder, `${files++}.sqlite`), { durability: "relaxed" }));
