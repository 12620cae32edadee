/**
 * Writes keys in hexadecimal for people and JSON, one byte for each char. Damage can make a char of a key larger than 255,
 * which no sound key has. Such a key is written as `u` and two bytes for each char, so that it is not taken for another key.
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
