// node-fetch has it at hand for answers that are compressed. It is loaded with the first of those.
export default new Proxy({}, { get: (_, name) => Reflect.get(process.getBuiltinModule("node:zlib"), name) });
