/** Keys as people and JSON can have them: in hexadecimal, a byte for a char. */

export function keyToHex(key: string): string {
  return Buffer.from(key, "latin1").toString("hex");
}

export function keyFromHex(hex: string): string {
  return Buffer.from(hex, "hex").toString("latin1");
}
