// What notifies where one trouble has several signs: an outage is to page once, with its cause. Rules say what is no
// news while the breaker is open or was a moment ago. A suppressor says whose page has told of it already; it mutes
// nobody who has not been told.

import type { CompositeAlarm, CompositeProps } from './alarm.ts'
import { type Alert, type Names, type Signal, alarmArn, alarmName } from './names.ts'
import { description, text } from './texts.ts'

interface Composite {
  readonly id: Alert
  readonly all: readonly Signal[]
  readonly none: readonly Signal[]
  /** Seconds to wait for the suppressor to go off too, and for which its outage still shows afterwards. */
  readonly told?: { readonly by: Alert; readonly wait: number; readonly after: number }
}

const COMPOSITES: readonly Composite[] = [
  // Its own receives begin with the closing of the breaker; SQS tells of them minutes later.
  { id: 'NoReceive', all: ['queue-not-asked'], none: ['breaker-open-lately'] },
  // A dead worker lets messages grow old: the two alarms go off within minutes of each other, and after its return both
  // what waited and the share of late ones still show.
  {
    id: 'OldestMessageTooOld',
    all: ['message-waits-long'],
    none: ['breaker-open-lately'],
    told: { by: 'NoReceive', wait: 300, after: 900 },
  },
  {
    id: 'ConfirmationToProfileFastBurn',
    all: ['fast-burn-5m', 'fast-burn-1h'],
    none: ['breaker-open-lately'],
    told: { by: 'NoReceive', wait: 60, after: 900 },
  },
  // Not muted by a breaker that opens now and then, which pages nobody: this ticket is what tells of it. The half hour
  // after an outage is in its short window.
  {
    id: 'ConfirmationToProfileSlowBurn',
    all: ['slow-burn-30m', 'slow-burn-6h'],
    none: [],
    told: { by: 'BreakerOpen', wait: 60, after: 2400 },
  },
]

/** Every composite alarm of a deployment. */
export function compositeAlarms(names: Names): readonly CompositeAlarm[] {
  return COMPOSITES.map(({ id, all, none, told }) => {
    const { severity } = text(names, id)
    const state = (signal: Signal): string => `ALARM("${alarmName(names, signal)}")`
    const suppressor: Partial<CompositeProps> =
      told === undefined
        ? {}
        : {
            actionsSuppressor: alarmArn(names, told.by),
            actionsSuppressorWaitPeriod: told.wait,
            actionsSuppressorExtensionPeriod: told.after,
          }
    return {
      id,
      severity,
      children: [...all, ...none, ...(told === undefined ? [] : [told.by])],
      props: {
        alarmName: alarmName(names, id),
        alarmDescription: description(names, id),
        actionsEnabled: true,
        alarmActions: names.topics[severity],
        okActions: severity === 'page' ? names.topics.page : [],
        alarmRule: [...all.map(state), ...none.map((signal) => `NOT ${state(signal)}`)].join(' AND '),
        ...suppressor,
      },
    }
  })
}
