import type { Operation, Range, Room } from '@bzzz/store'

/** A part of a room: the keys under a prefix that ends in a slash, as if they were the whole. */
export function roomWithin(room: Room, prefix: string): Room {
  if (prefix === '') return room
  const shorter = (key: string): string => key.slice(prefix.length)
  return {
    name: room.name,
    get: (key) => room.get(prefix + key),
    has: (key) => room.has(prefix + key),
    async *entries(range) {
      for await (const [key, value] of room.entries(inside(prefix, range))) yield [shorter(key), value]
    },
    async *keys(range) {
      for await (const key of room.keys(inside(prefix, range))) yield shorter(key)
    },
    write: (operations) => room.write(operations.map((operation) => under(prefix, operation))),
  }
}

function under(prefix: string, operation: Operation): Operation {
  return 'put' in operation ? { put: prefix + operation.put, value: operation.value } : { del: prefix + operation.del }
}

function inside(prefix: string, { gt, gte, lt, lte, ...rest }: Range = {}): Range {
  const lower = gt === undefined ? { gte: prefix + (gte ?? '') } : { gt: prefix + gt }
  // '0' follows '/' in ASCII: the first key behind the part
  const behind = `${prefix.slice(0, -1)}0`
  const upper = lte === undefined ? { lt: lt === undefined ? behind : prefix + lt } : { lte: prefix + lte }
  return { ...rest, ...lower, ...upper }
}
