/** Reads the body of a request up to a size, decompresses it and parses it. */
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { HttpError } from "./http-error.js";

const decompressors = { br: promisify(brotliDecompress), gzip: promisify(gunzip) };

/**
 * The body as it was before it was compressed, at most `maxBytes` long.
 * @throws HttpError 413 when it is longer, 400 when it cannot be decompressed, 415 when it has another compression
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const received = await receiveBody(request, maxBytes);
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return received;
  if (encoding !== "br" && encoding !== "gzip") {
    throw new HttpError(
      415,
      "UnsupportedEncoding",
      `Content-Encoding "${encoding}" is not supported: use br or gzip.`,
    );
  }
  try {
    return await decompressors[encoding](received, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes);
    throw new HttpError(
      400,
      "MalformedBody",
      `The body is not what its Content-Encoding "${encoding}" says.`,
    );
  }
}

/** Parses a JSON body; an empty one is undefined. @throws HttpError 400 MalformedJson with the place of the mistake */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, "MalformedJson", `The body is not JSON: ${reason}`);
  }
}

/**
 * The bytes as they were sent. It listens to events, which costs less than iterating over the chunks.
 * @throws HttpError 413; what ended a request that did not come whole
 */
export function receiveBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else reject(tooLarge(maxBytes));
    });
    request.on("end", () => {
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
    request.on("error", reject);
  });
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, "PayloadTooLarge", `The body is larger than ${maxBytes} bytes.`);
}
