/**
 * Reads a JSON text that may hold a password: undefined where it is not JSON, with no word of why, since the error of
 * JSON.parse quotes the text.
 */
export function parseConfidentialJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
