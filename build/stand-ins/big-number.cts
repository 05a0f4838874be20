/** The Tencent SDK's JSON writer asks of each value whether it is one. None is. */
class BigNumber {
  static isBigNumber(): boolean {
    return false;
  }

  constructor() {
    throw new Error("bignumber.js is left out of this bundle");
  }
}

module.exports = BigNumber;
