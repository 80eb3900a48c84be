// What the processes are told. Places and model for worker and jobs alike, and the worker's own settings: only what was
// given, so that the binary's defaults stay the binary's. No secret stands here; LOG_HASH_KEY comes from a secret.

import { Fn } from 'aws-cdk-lib'

import { modelToml } from '../model.ts'
import { DRAIN_DEADLINE, DURATIONS, DURATION_SETTINGS, STOP_TIMEOUT, durationText } from './budgets.ts'
import type { Places } from './places.ts'
import type { ProfileWorkerProps, WorkerSettings } from './props.ts'

export type Environment = Readonly<Record<string, string>>

/** Of worker and jobs alike. */
export function commonEnvironment(places: Places, props: Pick<ProfileWorkerProps, 'model' | 'settings'>): Environment {
  return {
    QUEUE_URL: places.queue.queueUrl,
    DEAD_LETTER_QUEUE_URL: places.deadLetterQueue.queueUrl,
    TABLE_NAME: places.table.tableName,
    USER_POOL_IDS: Fn.join(
      ',',
      places.userPools.map((pool) => pool.userPoolId),
    ),
    ...(props.model && { PROFILE_MODEL: modelToml(props.model) }),
    LOG_FORMAT: 'json',
    ...(props.settings?.log !== undefined && { RUST_LOG: props.settings.log }),
  }
}

/** Of the worker alone. */
export function workerEnvironment(places: Places, settings: WorkerSettings, verifyLate: boolean): Environment {
  const durations = DURATION_SETTINGS.flatMap((name) => {
    const given = settings[name]
    return given === undefined ? [] : [[DURATIONS[name].variable, durationText(given.toMilliseconds())]]
  })
  return {
    TRIGGER_SOURCES: places.triggerSources.join(','),
    VERIFY_LATE: verifyLate ? 'on' : 'off',
    METRICS_EMF: 'on',
    STOP_TIMEOUT: durationText(STOP_TIMEOUT),
    DRAIN_DEADLINE: durationText(DRAIN_DEADLINE),
    ...Object.fromEntries(durations),
    ...(settings.writeStrategy !== undefined && { WRITE_STRATEGY: settings.writeStrategy }),
    ...(settings.maxInFlight !== undefined && { MAX_IN_FLIGHT: String(settings.maxInFlight) }),
    ...(settings.maxReceivers !== undefined && { MAX_RECEIVERS: String(settings.maxReceivers) }),
    ...(settings.verifyLateRate !== undefined && { VERIFY_LATE_RATE: String(settings.verifyLateRate) }),
  }
}
