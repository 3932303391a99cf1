import { z } from 'zod'
import { ConfigError } from './errors.ts'
import { readJsonFile } from './json-file.ts'
import type { SettingName } from './settings.ts'

/** `cost-limits.json` in the deployment guide's format. Alert channels are read when there is something to send alerts with. */
const costLimits = z.object({
  global_limits: z
    .strictObject({
      daily_limit: z.number().min(0).optional(),
      monthly_limit: z.number().min(0).optional(),
      per_agent_daily: z.number().min(0).optional(),
    })
    .optional(),
  alert_thresholds: z
    .strictObject({ warning: z.number().min(0).max(1).optional(), critical: z.number().min(0).max(1).optional() })
    .optional(),
  alert_channels: z.record(z.string(), z.unknown()).optional(),
})

/** @throws {ConfigError} with file and reason */
export function readCostLimits(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Partial<Record<SettingName, unknown>> {
  const result = costLimits.safeParse(readJsonFile(path, env))
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new ConfigError(
      'CONFIG_INVALID',
      `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong shape'}`,
    )
  }
  const { global_limits: limits = {}, alert_thresholds: thresholds = {} } = result.data
  const named: Partial<Record<SettingName, unknown>> = {
    daily_limit: limits.daily_limit,
    monthly_limit: limits.monthly_limit,
    per_agent_daily: limits.per_agent_daily,
    warning_threshold: thresholds.warning,
    critical_threshold: thresholds.critical,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
}
