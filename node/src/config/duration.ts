const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof UNITS

/** `60s`, `5m`, `1h`, `30d`, `1500ms`, or seconds. @returns milliseconds; undefined for any other text */
export function readDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text)
  return match === null ? undefined : Number(match[1]) * UNITS[(match[2] ?? 's') as Unit]
}

/** In the largest unit that needs no fraction, as {@link readDuration} reads it. */
export function durationText(ms: number): string {
  const unit = (['h', 'm', 's'] as const).find((each) => ms > 0 && ms % UNITS[each] === 0) ?? 'ms'
  return `${ms / UNITS[unit]}${unit}`
}
