/** The Tencent SDK only writes JSON with it; answers are read with JSON.parse. No request here holds a BigInt. */
module.exports = () => ({ stringify: JSON.stringify });
