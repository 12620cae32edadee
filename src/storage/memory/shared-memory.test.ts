import { seededRandom } from "../../../suites/setup/random.js";
import { storageContract } from "../../../suites/storage/storage-contract.js";
import { sharedMemory } from "./index.js";

storageContract("shared memory", () => sharedMemory().open);

const random = seededRandom(7);
storageContract(
  "shared memory with late news",
  () =>
    sharedMemory({
      before: () =>
        random() < 0.5
          ? undefined
          : new Promise((resolve) => {
              setImmediate(resolve);
            }),
    }).open,
);
