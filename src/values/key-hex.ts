/**
 * Keys as people and JSON can have them: in hexadecimal, a byte for a char. A flipped bit may make a char of a key one that no
 * key has, above 255; such a key is written as `u` and its chars of two bytes, or it would be taken for another one.
 */

export function keyToHex(key: string): string {
  const hex = Buffer.from(key, "latin1").toString("hex");
  return keyFromHex(hex) === key ? hex : `u${Buffer.from(key, "utf16le").toString("hex")}`;
}

export function keyFromHex(hex: string): string {
  return hex.startsWith("u")
    ? Buffer.from(hex.slice(1), "hex").toString("utf16le")
    : Buffer.from(hex, "hex").toString("latin1");
}
