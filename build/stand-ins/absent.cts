/** In place of a module: callable, constructible, and each time an error. So is whatever is taken from it by name. */
module.exports = (name: string, names: readonly string[] = []) => {
  // An arrow function would not be constructible.
  function absent(): never {
    throw new Error(`${name} is left out of this bundle`);
  }
  return Object.assign(absent, Object.fromEntries(["default", ...names].map((each) => [each, absent])));
};
