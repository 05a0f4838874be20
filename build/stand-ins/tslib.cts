/** What the Tencent SDK's compiled modules take from it. */
interface Module {
  readonly __esModule?: boolean;
}

// What is imported whole is not copied: reading each property of node:crypto loads all of Web Crypto.
module.exports = {
  __importDefault: (loaded: Module) => (loaded?.__esModule ? loaded : { default: loaded }),
  __importStar: (loaded: Module) =>
    loaded?.__esModule ? loaded : Object.create(loaded, { default: { value: loaded } }),
};
