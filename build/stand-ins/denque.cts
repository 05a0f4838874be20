/** The Redis client's queue of commands under way. A probe has one or two in it. */
class Denque<T> extends Array<T> {
  peekAt(index: number): T | undefined {
    return this.at(index);
  }

  remove(index: number, count: number): T[] {
    return this.splice(index, count);
  }
}

module.exports = Denque;
