import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../src/telemetry/log.ts'

function logged(write: (log: ReturnType<typeof createLog>) => void, level: LogOptions['level'] = 'info') {
  const lines: string[] = []
  write(createLog({ node: 'walnut', level, to: { write: (line) => lines.push(line) } }))
  return lines.map((line) => JSON.parse(line))
}

describe('a log line', () => {
  it('is JSON with service, node, level as a word and the time in UTC', () => {
    const [line] = logged((log) => log.info({ peer: 'p' }, 'peer online'))
    expect(line).toMatchObject({ level: 'info', service: 'bzzz', node: 'walnut', peer: 'p', msg: 'peer online' })
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it('is left out below its level', () => {
    expect(logged((log) => log.info('quiet'), 'warn')).toEqual([])
  })

  it('tells an error with its cause', () => {
    const err = new Error('outside', { cause: new Error('inside') })
    expect(logged((log) => log.error({ err }, 'failed'))[0].err.stack).toContain('inside')
  })

  it.each(['authorization', 'apiKey', 'api_key', 'token', 'secret', 'password', 'privateKey', 'cookie'])(
    'never shows %s',
    (name) => {
      const lines = logged((log) => {
        log.info({ [name]: 'sk-1234' }, 'top')
        log.info({ options: { [name]: 'sk-1234' } }, 'below')
        log.info({ req: { headers: { authorization: 'Bearer sk-1234' } } }, 'request')
      })
      expect(JSON.stringify(lines)).not.toContain('sk-1234')
      expect(lines[0][name]).toBe('[redacted]')
    },
  )
})
