// Never enabled: what the Redis client would print are commands, and AUTH's argument is the password.
export default function createDebug() {
  return Object.assign(() => {}, { enabled: false });
}
