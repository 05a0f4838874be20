/** What the target leaves undefined is taken from the first of the sources that has it. */
module.exports = (target: Record<string, unknown>, ...sources: readonly (object | null | undefined)[]) => {
  for (const source of sources) {
    for (const [name, value] of Object.entries(source ?? {})) {
      if (target[name] === undefined) target[name] = value;
    }
  }
  return target;
};
