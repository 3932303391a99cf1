/** The Date header of HTTP (RFC 9110, 5.6.7) in its longest form has 33 characters. */
const MAX_DATE_CHARS = 40

/** @returns wall milliseconds; undefined without a readable date */
export function serverTime(headers: Headers): number | undefined {
  const date = headers.get('date') ?? ''
  const wallMs = date.length > MAX_DATE_CHARS ? Number.NaN : Date.parse(date)
  return Number.isNaN(wallMs) ? undefined : wallMs
}
