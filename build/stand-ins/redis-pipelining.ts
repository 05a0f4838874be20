// The Redis client asks it for each command. Only with `enableAutoPipelining` would the answer be yes.
export function shouldUseAutoPipelining(): boolean {
  return false;
}
