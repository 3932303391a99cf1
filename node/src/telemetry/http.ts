import { Counter, Gauge, Histogram } from 'prom-client'
import type { HttpFact } from '../http/facts.ts'
import { dispatch, type Instruments } from './instruments.ts'

/** Metrics and log lines of the HTTP doors. */
export function observeHttp({ registry, log }: Instruments): (fact: HttpFact) => void {
  const registers = [registry]
  const seconds = new Histogram({
    name: 'bzzz_http_request_seconds',
    help: 'From the first byte of a request to the last of its answer; an event stream counts when it ends.',
    labelNames: ['door', 'method', 'route', 'status'],
    registers,
  })
  const refused = new Counter({
    name: 'bzzz_http_refused_total',
    help: 'Requests answered with a problem, by its code. Failures of the node itself are not among them.',
    labelNames: ['door', 'code'],
    registers,
  })
  const failed = new Counter({
    name: 'bzzz_http_failed_total',
    help: 'Requests on which the node failed (status 500).',
    labelNames: ['door', 'route'],
    registers,
  })
  const streams = new Gauge({ name: 'bzzz_http_event_streams', help: 'Event streams that are open.', registers })
  const slow = new Counter({
    name: 'bzzz_http_event_streams_cut_total',
    help: 'Event streams cut because their client read too slowly.',
    registers,
  })

  const leftOut = new Counter({
    name: 'bzzz_http_event_tokens_left_out_total',
    help: "Pieces of running calls' text not sent to clients that read too slowly. Nobody gets them again.",
    registers,
  })

  return dispatch<HttpFact>({
    answered({ door, method, route, status, seconds: took }) {
      seconds.observe({ door, method, route, status }, took)
      log.debug({ door, method, route, status, seconds: took }, 'request answered')
    },
    refused({ door, code, detail }) {
      refused.inc({ door, code })
      log.debug({ door, code, detail }, 'request refused')
    },
    failed({ door, route, error }) {
      failed.inc({ door, route })
      log.error({ door, route, err: error }, 'request failed')
    },
    'tokens-left-out': () => leftOut.inc(),
    'stream-opened': ({ open }) => streams.set(open),
    'stream-closed'({ open, why }) {
      streams.set(open)
      if (why === 'slow') slow.inc()
    },
  })
}
