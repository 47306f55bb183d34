// Columns of numbers as the server sends them.

/**
 * Base64 of little-endian float32, as numpy writes it; a missing column is empty.
 * @param {string | null | undefined} text
 */
export function decode(text) {
  if (!text) return new Float32Array(0);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
