// What a stack is built from: data, and no construct.

export type { AlarmProps, CompositeAlarm, CompositeProps, MetricAlarm, Severity } from './alarm.ts'
export { alarms } from './alarms.ts'
export { compositeAlarms } from './composites.ts'
export { type Dashboard, dashboard } from './dashboard.ts'
export { type Alert, type Names, type Signal, alarmName, anchor } from './names.ts'
export { QUERIES, type SavedQuery, logGroups } from './queries.ts'
