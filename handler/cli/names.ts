/** So many are named; the others are counted. */
const NAMED = 5;

/** The first of these names, and how many others there are. */
export function someNames(names: readonly string[]): string[] {
  const others = names.length - NAMED;
  return others > 0 ? [...names.slice(0, NAMED), `and ${others} more`] : [...names];
}
