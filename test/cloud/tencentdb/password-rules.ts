/** An instance's own rule, in DescribeInstancePasswordPolicy's words. */
export interface PasswordPolicy {
  readonly Enabled: boolean;
  readonly MinLetterCount?: number;
  readonly MinDigitCount?: number;
  readonly MinSpecialCount?: number;
  readonly MinLength?: number;
}

interface PasswordRule {
  readonly maxLength: number;
  readonly specials: string;
  /** Whether lower and upper case are two of the classes of which a password needs two. */
  readonly casesDiffer: boolean;
}

const SPECIALS = "()~!@#$%^&*-+=_|{}[]:;<>,.?/";
const DEFAULT_RULE: PasswordRule = { maxLength: 32, specials: SPECIALS, casesDiffer: true };
const ACCOUNT_RULE: PasswordRule = { maxLength: 64, specials: `${SPECIALS}\``, casesDiffer: true };

/** By the action that takes the new password. */
const RULES = {
  ResetPassword: DEFAULT_RULE,
  ModifyInstancePassword: { ...DEFAULT_RULE, maxLength: 30 },
  ModfiyInstancePassword: { ...DEFAULT_RULE, maxLength: 64 },
  ModifyInstanceAccount: ACCOUNT_RULE,
  CreateInstanceAccount: ACCOUNT_RULE,
  // API 2.0: its document and its error text differ in `*`; neither counts the cases of a letter as two classes.
  ModfiyRedisPassword: { maxLength: 16, specials: "!@#%^()", casesDiffer: false },
} satisfies Record<string, PasswordRule>;

export type PasswordAction = keyof typeof RULES;

export function isPasswordAction(action: string): action is PasswordAction {
  return Object.hasOwn(RULES, action);
}

/** Whether the action takes the password for an instance of this type (3 and 4 are CKV). Default: ResetPassword. */
export function acceptsPassword(
  password: string,
  type: number,
  policy: PasswordPolicy | undefined,
  action: PasswordAction = "ResetPassword",
): boolean {
  const { maxLength, specials: allowed, casesDiffer } = RULES[action];
  const lower = countOf(password, /[a-z]/g);
  const upper = countOf(password, /[A-Z]/g);
  const digits = countOf(password, /[0-9]/g);
  const specials = [...password].filter((character) => allowed.includes(character)).length;
  if (lower + upper + digits + specials !== password.length) return false;

  if (policy?.Enabled === true) {
    const { MinLength = 8, MinLetterCount = 1, MinDigitCount = 1, MinSpecialCount = 1 } = policy;
    if (password.length < MinLength || lower + upper < MinLetterCount) return false;
    if (digits < MinDigitCount || specials < MinSpecialCount) return false;
  }
  if (password.length < 8 || password.length > maxLength || password.startsWith("/")) return false;
  if (type === 3 || type === 4) {
    return password.length <= 30 && lower + upper > 0 && digits > 0 && specials === 0;
  }
  const letters = casesDiffer ? [lower, upper] : [lower + upper];
  return [...letters, digits, specials].filter((count) => count > 0).length >= 2;
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
