/** An instance's own rule, in DescribeInstancePasswordPolicy's words. */
export interface PasswordPolicy {
  readonly Enabled: boolean;
  readonly MinLetterCount?: number;
  readonly MinDigitCount?: number;
  readonly MinSpecialCount?: number;
  readonly MinLength?: number;
}

const SPECIALS = "()~!@#$%^&*-+=_|{}[]:;<>,.?/";

/** Whether ResetPassword takes the password for an instance of this type (3 and 4 are CKV). */
export function acceptsPassword(password: string, type: number, policy: PasswordPolicy | undefined): boolean {
  const lower = countOf(password, /[a-z]/g);
  const upper = countOf(password, /[A-Z]/g);
  const digits = countOf(password, /[0-9]/g);
  const specials = [...password].filter((character) => SPECIALS.includes(character)).length;
  if (lower + upper + digits + specials !== password.length) return false;

  if (policy?.Enabled === true) {
    const { MinLength = 8, MinLetterCount = 1, MinDigitCount = 1, MinSpecialCount = 1 } = policy;
    if (password.length < MinLength || lower + upper < MinLetterCount) return false;
    if (digits < MinDigitCount || specials < MinSpecialCount) return false;
  }
  if (type === 3 || type === 4) {
    return password.length >= 8 && password.length <= 30 && lower + upper > 0 && digits > 0 && specials === 0;
  }
  const classes = [lower, upper, digits, specials].filter((count) => count > 0).length;
  return password.length >= 8 && password.length <= 32 && !password.startsWith("/") && classes >= 2;
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
