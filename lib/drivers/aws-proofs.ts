/**
 * What a request to AWS is proven with, and nobody may be told: its signature and its session token. A refused signature is
 * answered with a text that quotes the token.
 */
export function proofsOf(request: unknown): string[] {
  const headers: unknown = typeof request === "object" && request !== null && Reflect.get(request, "headers");
  if (typeof headers !== "object" || headers === null) return [];
  return Object.entries(headers).flatMap(([name, value]) => {
    const text = String(value);
    if (name.toLowerCase() === "x-amz-security-token") return [text];
    return name.toLowerCase() === "authorization" ? [text.replace(/^.*Signature=/, "")] : [];
  });
}
