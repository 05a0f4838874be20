/** How many passwords there are, and which is the one of a number. */

/** What an instance's own policy counts. */
export const GROUPS = ["letters", "digits", "specials"] as const;
export type Group = (typeof GROUPS)[number];
export type Counts = Readonly<Record<Group, number>>;

type Alphabet = Readonly<Record<Group, string>>;

export type Count = (places: number, missing: Counts) => bigint;

/** Counts the ways to fill so many places with generated characters, among them at least the missing ones. */
export function createCount(generated: Alphabet): Count {
  const known = new Map<string, bigint>();
  const count: Count = (places, missing) => {
    const { letters, digits, specials } = missing;
    if (letters + digits + specials > places) return 0n;
    if (places === 0) return 1n;
    const key = [places, letters, digits, specials].join();
    let ways = known.get(key);
    if (ways === undefined) {
      ways = 0n;
      for (const group of GROUPS) {
        ways += BigInt(generated[group].length) * count(places - 1, without(group, missing));
      }
      known.set(key, ways);
    }
    return ways;
  };
  return count;
}

function without(group: Group, missing: Counts): Counts {
  return { ...missing, [group]: Math.max(0, missing[group] - 1) };
}

/** The password of that number: they are in the order of groups and characters, from the first place on. */
export function passwordAt(
  { length, minimums, generated }: { length: number; minimums: Counts; generated: Alphabet },
  count: Count,
  number: bigint,
): string {
  let password = "";
  let missing = minimums;
  let rest = number;
  for (let places = length - 1; places >= 0; places--) {
    for (const group of GROUPS) {
      const missingAfter = without(group, missing);
      const waysOn = count(places, missingAfter);
      const ways = waysOn * BigInt(generated[group].length);
      if (rest < ways) {
        password += generated[group].charAt(Number(rest / waysOn));
        rest %= waysOn;
        missing = missingAfter;
        break;
      }
      rest -= ways;
    }
  }
  return password;
}
