export { getConvexSize as valueSize } from "convex/values";
export { compareValues } from "./compare-values.js";
export { decodeKey } from "./decode-key.js";
export { decodeId, encodeId, newInternalId, type DecodedId } from "./document-id.js";
export { encodeKey, prefixEnd, tupleEnd } from "./encode-key.js";
export { keyFromHex, keyToHex } from "./key-hex.js";
export { isPlainObject } from "./plain-object.js";
export { parseValue, stringifyValue } from "./value-json.js";
