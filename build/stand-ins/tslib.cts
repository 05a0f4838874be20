/** What the Tencent SDK's compiled modules take from it. */
interface Module {
  readonly __esModule?: boolean;
}

module.exports = {
  __importDefault: (loaded: Module) => (loaded?.__esModule ? loaded : { default: loaded }),
  __importStar: (loaded: Module) => (loaded?.__esModule ? loaded : { ...loaded, default: loaded }),
};
