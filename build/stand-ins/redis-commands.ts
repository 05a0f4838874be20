// The Redis client makes a method of each command in this list. The probe sends its commands by name, with `call`.
export const list: readonly string[] = [];

export function exists(): boolean {
  return false;
}
