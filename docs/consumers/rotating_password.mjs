/**
 * The password that a secret has. It is kept, and read again once Redis has refused it: by one reader at a time, and
 * with longer pauses while the secret has nothing new.
 */
export function rotatingPassword(readSecret, { firstPauseMs = 100, longestPauseMs = 5_000 } = {}) {
  let password;
  let refused = false;
  let reading;
  let pauseMs = firstPauseMs;
  let notBefore = 0;

  async function read() {
    const known = password;
    try {
      password = authArgument(await readSecret());
      refused = false;
    } catch (error) {
      // The password at hand may still be good.
      if (known === undefined) throw error;
    } finally {
      pauseMs = password === known ? Math.min(2 * pauseMs, longestPauseMs) : firstPauseMs;
      notBefore = Date.now() + pauseMs * (0.5 + Math.random());
      reading = undefined;
    }
  }

  return {
    async get() {
      if (password === undefined || (refused && Date.now() >= notBefore)) {
        reading ??= read();
        await reading;
      }
      return password;
    },
    refused() {
      refused = true;
    },
  };
}

/** A custom account of TencentDB gives its name and its password as one argument. */
function authArgument({ username = "default", password }) {
  return username === "default" || username === "root" ? password : `${username}@${password}`;
}

/** What Redis answers to a wrong password, up to Redis 5 and from 6 on. */
export const isRefusal = (error) => /^(WRONGPASS|ERR invalid password)/.test(error?.message);
