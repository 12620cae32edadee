/** Reads the body of a request up to a size, unpacking it as it comes. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import type { Share } from "../load.js";
import { HttpError } from "./http-error.js";

const decompressors = { br: createBrotliDecompress, gzip: createGunzip };

/** How much of a body is read. */
export interface BodyLimits {
  /** How long it may be, as it comes and unpacked. */
  readonly maxBytes: number;
  /** Where its bytes are counted; left out, whoever sends it is trusted with the server's memory. */
  readonly share?: Share;
}

/**
 * The body as it was before it was compressed.
 * @throws HttpError 413 when it is longer than it may be, 429 when all callers have sent too much, 400 when it cannot be
 *   decompressed, 415 when it has another compression
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return await receiveBody(request, limits);
  if (encoding !== "br" && encoding !== "gzip") {
    throw new HttpError(
      415,
      "UnsupportedEncoding",
      `Content-Encoding "${encoding}" is not supported: use br or gzip.`,
    );
  }
  assertLength(request, limits.maxBytes);
  const unpacked = decompressors[encoding]();
  request.on("error", () => unpacked.destroy(aborted()));
  request.pipe(unpacked);
  try {
    return await collect(request, unpacked, limits);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(
      400,
      "MalformedBody",
      `The body is not what its Content-Encoding "${encoding}" says.`,
    );
  } finally {
    request.unpipe(unpacked);
    unpacked.destroy();
  }
}

/** The bytes as they were sent. @throws HttpError 413, 429; 400 for one that does not come whole */
export async function receiveBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  assertLength(request, limits.maxBytes);
  return await collect(request, request, limits);
}

/** @param stream The request, or what unpacks it. It listens to events, which costs less than iterating over the chunks. */
function collect(
  request: IncomingMessage,
  stream: Readable,
  { maxBytes, share }: BodyLimits,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = (error: HttpError): void => {
      chunks.length = 0;
      stream.off("data", take);
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) return refuse(tooLarge(maxBytes));
      if (share?.add(chunk.length) === false) return refuse(tooMuch());
      chunks.push(chunk);
    };
    stream.on("data", take);
    stream.on("end", () => {
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    stream.on("error", (error) => reject(stream === request ? aborted() : error));
  });
}

/** @throws HttpError 413 */
function assertLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function aborted(): HttpError {
  return new HttpError(400, "RequestAborted", "The request did not come whole.");
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, "PayloadTooLarge", `The body is larger than ${maxBytes} bytes.`);
}

/** The refusal of what all callers together have too much of. */
export function tooMuch(): HttpError {
  return new HttpError(429, "TooManyBytes", "The server has as many bytes in hand as it takes: try again.");
}
