/** Rows of whole numbers, each kept once, found again by hash: millions of them in typed arrays. */
export interface Table {
  readonly size: number;
  /** Whether the row is new: then it is the last one. */
  add(row: Int32Array): boolean;
  at(index: number, column: number): number;
}

export function createTable(width: number): Table {
  const rows = createRows(width);
  // Each slot holds a row's number plus one.
  let slots = new Int32Array(4096);

  function hash(index: number): number {
    let h = 0x811c9dc5;
    for (let column = 0; column < width; column += 1) {
      h = Math.imul(h ^ rows.at(index, column), 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h;
  }

  function isSame(one: number, other: number): boolean {
    for (let column = 0; column < width; column += 1) {
      if (rows.at(one, column) !== rows.at(other, column)) return false;
    }
    return true;
  }

  /** Gives the row a slot, unless the same row has one. */
  function take(index: number): boolean {
    const mask = slots.length - 1;
    let slot = hash(index) & mask;
    for (let held = slots[slot] ?? 0; held !== 0; held = slots[slot] ?? 0) {
      if (isSame(held - 1, index)) return false;
      slot = (slot + 1) & mask;
    }
    slots[slot] = index + 1;
    return true;
  }

  return {
    get size() {
      return rows.size;
    },
    add(row) {
      rows.push(row);
      if (!take(rows.size - 1)) {
        rows.pop();
        return false;
      }
      if (rows.size * 2 > slots.length) {
        slots = new Int32Array(slots.length * 2);
        for (let index = 0; index < rows.size; index += 1) take(index);
      }
      return true;
    },
    at: rows.at,
  };
}

export interface Rows {
  readonly size: number;
  push(row: ArrayLike<number>): void;
  pop(): void;
  at(index: number, column: number): number;
}

export function createRows(width: number): Rows {
  let size = 0;
  let cells = new Int32Array(width * 1024);
  return {
    get size() {
      return size;
    },
    push(row) {
      if ((size + 1) * width > cells.length) {
        const longer = new Int32Array(cells.length * 2);
        longer.set(cells);
        cells = longer;
      }
      cells.set(row, size * width);
      size += 1;
    },
    pop() {
      size -= 1;
    },
    at: (index, column) => cells[index * width + column] ?? 0,
  };
}
