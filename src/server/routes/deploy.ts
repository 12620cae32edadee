/** The steps of a push, as the official CLI makes them. What each does is the deploy room's. */
import type { Deployer } from "../../deploy/index.js";
import type { Route } from "../http/route.js";

/** Sources with their maps, decompressed. */
const maxBodyBytes = 256 * 1024 * 1024;

type Step = (deployer: Deployer, body: unknown) => Promise<unknown>;

const steps: Readonly<Record<string, Step>> = {
  "/api/get_config_hashes": async (deployer) => deployer.configHashes(),
  "/api/deploy2/evaluate_schema": (deployer, body) => deployer.evaluateSchema(body),
  "/api/deploy2/evaluate_push": (deployer, body) => deployer.evaluatePush(body),
  "/api/deploy2/start_push": (deployer, body) => deployer.startPush(body),
  "/api/deploy2/wait_for_schema": (deployer, body) => deployer.waitForSchema(body),
  "/api/deploy2/finish_push": (deployer, body) => deployer.finishPush(body),
  // Timings of the CLI, which nobody here reads.
  "/api/deploy2/report_push_completed": async () => ({}),
};

export const deployRoutes: readonly Route[] = Object.entries(steps).map(([path, step]) => ({
  method: "POST",
  path,
  isForAdmins: true,
  maxBodyBytes,
  answer: ({ backend, body }) => step(backend.deploy, body),
}));
