/** The password rules of TencentDB for Redis, and passwords drawn uniformly from all that keep them. */
import { RotationError } from "./errors.ts";
import { type Counts, createCount, GROUPS, type Group, passwordAt } from "./password-count.ts";
import type { Instance, InstancePasswordPolicy, PasswordApi, RandomBytes } from "./ports.ts";

interface Rule {
  readonly minLength: number;
  readonly maxLength: number;
  /** The accepted characters, by class. A password has characters of two classes at least. */
  readonly classes: readonly string[];
  readonly forbiddenFirst: string;
}

/** What a new password must be: the API's rule, narrowed by the instance's own. Lengths are in characters. */
export interface EffectivePolicy extends Rule {
  /** The exact length to generate. */
  readonly length: number;
  readonly minimums: Counts;
  /** The characters to generate: accepted ones, none of them in `forbiddenFirst`. */
  readonly generated: Readonly<Record<Group, string>>;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS = LOWER + UPPER;
const DIGITS = "0123456789";
const API_3_SPECIALS = "()~!@#$%^&*-+=_|{}[]:;<>,.?/";
/** What the document and its error 11058 both allow: the error's text has an asterisk more. */
const API_2_SPECIALS = "!@#%^()";
/** Those that are plain text in a URL, JSON, a shell word, .env, YAML and XML, in any place of the password. */
const SAFE_SPECIALS = "._";

const MIN_CLASSES = 2;
const DEFAULT_LENGTH = 30;
const CKV_MAX_LENGTH = 30;

const API_3 = { minLength: 8, classes: [LOWER, UPPER, DIGITS, API_3_SPECIALS], forbiddenFirst: "/" };

const RULES: Readonly<Record<PasswordApi, Rule>> = {
  ResetPassword: { ...API_3, maxLength: 32 },
  ModifyInstancePassword: { ...API_3, maxLength: 30 },
  // ModifyInstanceAccount documents no rule of its own: this is CreateInstanceAccount's.
  ModifyInstanceAccount: { ...API_3, maxLength: 64, classes: [LOWER, UPPER, DIGITS, `${API_3_SPECIALS}\``] },
  ModfiyRedisPassword: {
    minLength: 8,
    maxLength: 16,
    classes: [LETTERS, DIGITS, API_2_SPECIALS],
    forbiddenFirst: "",
  },
};

function ruleFor(api: PasswordApi, edition: Instance["edition"]): Rule {
  const rule = RULES[api];
  if (edition === "redis") return rule;
  return { ...rule, maxLength: Math.min(rule.maxLength, CKV_MAX_LENGTH), classes: [LETTERS, DIGITS] };
}

export interface PolicyOptions {
  readonly api: PasswordApi;
  readonly edition: Instance["edition"];
  readonly instancePolicy?: InstancePasswordPolicy;
  /** PASSWORD_LENGTH, a whole number of characters. Default 30, or the nearest length that the rules allow. */
  readonly length?: number;
}

/**
 * The policy in force for one instance. Sources: the parameters of ResetPassword, ModifyInstancePassword,
 * CreateInstanceAccount and (for CKV) CreateInstances in API 3.0, ModfiyRedisPassword in API 2.0, and the answer of
 * DescribeInstancePasswordPolicy.
 * @throws RotationError `PolicyContradiction`, naming every contradiction, where no password can satisfy all.
 */
export function passwordPolicy({ api, edition, instancePolicy, length }: PolicyOptions): EffectivePolicy {
  const rule = ruleFor(api, edition);
  const specials = [...SAFE_SPECIALS].filter((character) => accepts(rule, character)).join("");
  const own = instancePolicy ?? { minLength: 0, minLetters: 0, minDigits: 0, minSpecials: 0 };
  const minimums = { letters: own.minLetters, digits: own.minDigits, specials: own.minSpecials };
  const ownLength = instancePolicy ? Math.max(own.minLength, shortestWith(minimums, rule.classes)) : 0;

  const taker = edition === "ckv" ? `${api} on a CKV edition` : api;
  const apiTakes = `${taker} takes ${rule.minLength} to ${rule.maxLength} characters`;
  const ownAsks =
    `the instance's own policy (length ${own.minLength}, letters ${own.minLetters}, digits ${own.minDigits}, ` +
    `specials ${own.minSpecials}) asks for at least ${ownLength} characters`;
  const found: string[] = [];
  if (ownLength > rule.maxLength) found.push(`${ownAsks}, but ${apiTakes}: relax the instance's policy`);
  if (length !== undefined && (length < rule.minLength || length > rule.maxLength)) {
    found.push(`PASSWORD_LENGTH is ${length}, but ${apiTakes}: change PASSWORD_LENGTH`);
  }
  if (length !== undefined && length < ownLength) {
    found.push(
      `PASSWORD_LENGTH is ${length}, but ${ownAsks}: raise PASSWORD_LENGTH or relax the instance's policy`,
    );
  }
  if (own.minSpecials > 0 && specials === "") {
    const instead = edition === "ckv" ? "" : " or use another api";
    found.push(
      `the instance's own policy asks for specials (${own.minSpecials}), but ${taker} takes none that needs no ` +
        `escape in a URL or a shell: switch the instance's policy off${instead}`,
    );
  }
  if (found.length > 0) throw new RotationError("PolicyContradiction", found.join("; "), { effect: "none" });

  return {
    ...rule,
    minLength: Math.max(rule.minLength, own.minLength),
    length: length ?? Math.min(rule.maxLength, Math.max(DEFAULT_LENGTH, ownLength)),
    minimums,
    generated: { letters: LETTERS, digits: DIGITS, specials },
  };
}

function accepts(rule: Rule, character: string): boolean {
  return rule.classes.some((characters) => characters.includes(character));
}

function classesIn(password: string, classes: readonly string[]): number {
  return classes.filter((characters) => [...password].some((one) => characters.includes(one))).length;
}

/** The minimum counts together, and one character more for each class that they leave open. */
function shortestWith({ letters, digits, specials }: Counts, classes: readonly string[]): number {
  const least = "aA".repeat(letters).slice(0, letters) + "0".repeat(digits) + ".".repeat(specials);
  return least.length + Math.max(0, MIN_CLASSES - classesIn(least, classes));
}

export interface Violation {
  readonly name: "too-short" | "too-long" | "alphabet" | "first-character" | "classes" | Group;
  /** Tells of the password nothing but this. */
  readonly sentence: string;
}

/** Every rule that the password breaks. Its length may be any that the rules allow, not only `policy.length`. */
export function violations(policy: EffectivePolicy, password: string): Violation[] {
  const { minLength, maxLength, classes, forbiddenFirst, minimums } = policy;
  const characters = [...password];
  const [first = "none"] = characters;
  const accepted = characters.every((character) => accepts(policy, character));
  const letters = characters.filter((character) => LETTERS.includes(character)).length;
  const digits = characters.filter((character) => DIGITS.includes(character)).length;
  const counts = { letters, digits, specials: characters.length - letters - digits };

  const found: Violation[] = [];
  const check = (kept: boolean, name: Violation["name"], sentence: string) => {
    if (!kept) found.push({ name, sentence });
  };
  check(characters.length >= minLength, "too-short", `It has fewer than ${minLength} characters.`);
  check(characters.length <= maxLength, "too-long", `It has more than ${maxLength} characters.`);
  check(accepted, "alphabet", "It has a character that is not accepted.");
  check(
    !forbiddenFirst.includes(first),
    "first-character",
    "It starts with a character that may not be first.",
  );
  check(classesIn(password, classes) >= MIN_CLASSES, "classes", `It has fewer than ${MIN_CLASSES} classes.`);
  for (const group of GROUPS) {
    check(counts[group] >= minimums[group], group, `It has fewer than ${minimums[group]} ${group}.`);
  }
  return found;
}

/** A candidate is good with a chance above one in four, so this many bad ones in a row mean a broken source. */
const MAX_CANDIDATES = 256;
/** Drawn with each candidate to judge the source, and no part of it: looking at them favours no password. */
const SPARE_BYTES = 16;

/**
 * A uniform draw over all compliant passwords of `policy.length` characters of the generated alphabet. Those that
 * have the minimum counts are numbered from 0 on; a candidate is a number of just as many random bits as the last
 * one's. One past the last, or one whose password breaks the policy otherwise, is thrown away whole.
 * @throws RotationError `Internal` where the source of random bytes is broken.
 */
export function generatePassword(policy: EffectivePolicy, randomBytes: RandomBytes): string {
  const count = createCount(policy.generated);
  const total = count(policy.length, policy.minimums);
  const bits = (total - 1n).toString(2).length;
  const size = Math.ceil(bits / 8);

  for (let candidates = 0; candidates < MAX_CANDIDATES; candidates++) {
    const bytes = randomBytes(size + SPARE_BYTES);
    if (bytes.length !== size + SPARE_BYTES) throw brokenSource("it gave more or fewer bytes than asked for");
    if (new Set(bytes.subarray(size)).size === 1) throw brokenSource("it repeats one byte");
    const drawn = bytes.subarray(0, size).reduce((number, byte) => number * 256n + BigInt(byte), 0n);
    const number = BigInt.asUintN(bits, drawn);
    if (number >= total) continue;
    const password = passwordAt(policy, count, number);
    if (violations(policy, password).length === 0) return password;
  }
  throw brokenSource(`none of ${MAX_CANDIDATES} candidates was good`);
}

function brokenSource(why: string): RotationError {
  return new RotationError("Internal", `The source of random bytes is broken: ${why}`, { effect: "none" });
}

/** log2 of how many passwords {@link generatePassword} draws from; they are counted exactly. */
export function entropyBits(policy: EffectivePolicy): number {
  const { length, classes, generated, minimums } = policy;
  let compliant = createCount(generated)(length, minimums);
  for (const accepted of classes) {
    const characters = [...Object.values(generated).join("")].filter((one) => accepted.includes(one));
    // What one password of a single class breaks, all of them break.
    const broken = violations(policy, (characters[0] ?? "").repeat(length));
    if (broken.every(({ name }) => name === "classes")) {
      compliant -= BigInt(characters.length) ** BigInt(length);
    }
  }
  return Math.log2(Number(compliant));
}
