/** The parts of `ctx` that Trueup does not have: they are there, and every use of them says so. */
import { TrueupError } from "../../errors/index.js";

/** The error for using a feature that Trueup lacks. */
export function notSupported(feature: string): TrueupError {
  return new TrueupError("FEATURE_NOT_SUPPORTED", `${feature} is not supported by Trueup yet.`, {
    feature,
  });
}

function refuse(feature: string): () => Promise<never> {
  return () => Promise.reject(notSupported(feature));
}

const storageMethods = ["getUrl", "getMetadata", "generateUploadUrl", "delete", "store", "get"] as const;

/** `ctx.storage`: each method rejects with FEATURE_NOT_SUPPORTED. */
export const fileStorage: Readonly<Record<(typeof storageMethods)[number], () => Promise<never>>> =
  Object.freeze(
    Object.fromEntries(storageMethods.map((name) => [name, refuse(`File storage (storage.${name})`)])),
  ) as Readonly<Record<(typeof storageMethods)[number], () => Promise<never>>>;

/** `ctx.vectorSearch`: rejects with FEATURE_NOT_SUPPORTED. */
export const vectorSearch: () => Promise<never> = refuse("Vector search");
