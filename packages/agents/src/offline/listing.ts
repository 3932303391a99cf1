const MAX_LISTED = 20

/** `what: a, b and 3 more.`; nothing when there is nothing to list. */
export function listed(what: string, items: readonly string[], separator = ', '): string {
  if (items.length === 0) return ''
  const more = items.length > MAX_LISTED ? ` and ${items.length - MAX_LISTED} more` : ''
  return `${what}: ${items.slice(0, MAX_LISTED).join(separator)}${more}.`
}
