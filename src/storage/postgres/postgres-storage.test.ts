import { newPostgresUrl } from "../../../suites/setup/postgres.js";
import { storageContract } from "../../../suites/storage/storage-contract.js";
import { postgres } from "./index.js";

storageContract("postgres", async () => postgres(await newPostgresUrl()));
