/** Node's own, when it is loaded, loads the streams of the process besides. Both who use it ask for these two. */
function assert(holds: unknown, message = "assertion failed"): void {
  if (!holds) throw new Error(message);
}

module.exports = Object.assign(assert, {
  strictEqual: (actual: unknown, expected: unknown) => assert(Object.is(actual, expected)),
});
